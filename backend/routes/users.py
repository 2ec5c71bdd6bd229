"""Dialect B1, `/api/v1/users/*`: oneself, lists, statistics, and accounts by id, many at once too."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from backend.errors import InvalidOperation
from backend.routes.deps import (
    BootstrapToken,
    CurrentAdmin,
    CurrentUser,
    FromOrigin,
    InContext,
    Look,
    UnsettledUser,
    Work,
)
from backend.routes.paths import BY_ID
from backend.routes.receiving import PRIVATE, received
from backend.schemas.accounts import Account, ChangedAnswer, PersonAnswer, fields, own_places
from backend.schemas.answers import Message
from backend.schemas.profile import RESET_SENT, EmailBody, PasswordBody, ProfileBody
from backend.schemas.users import (
    AccountsPage,
    AdminChanges,
    BulkAnswer,
    BulkBody,
    BulkError,
    ConfirmBody,
    ListQuery,
    PeopleStats,
    RegistrationsOfADay,
    ResetConfirmation,
    SignUpByEmail,
)
from backend.services import bulk
from backend.services.account_numbers import Person, person
from backend.services.registration import Registration
from backend.stores.listings import Order, SortBy

router = APIRouter(prefix="/api/v1/users", tags=["B1: people"])

_SORT = {"name": SortBy.FULL_NAME}


async def get_call(
    caller: CurrentAdmin,
    body: BulkBody,
    key: Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)] = None,
) -> bulk.Call:
    """Return what a body asks to be done to many accounts.

    Raises:
        InvalidOperation: there is no such operation.
    """
    if body.operation not in set(bulk.Operation):
        raise InvalidOperation
    data = body.given
    return bulk.Call(bulk.Operation(body.operation), body.user_ids, data.role, data.tier_id, data.reason, key)


@router.post("/register", status_code=201, response_model=Account, responses=PRIVATE)
async def register(body: SignUpByEmail, work: Work, bootstrap: BootstrapToken = None) -> Account | Response:
    """Sign up; without a username, one is made from the address."""
    given = body.model_dump(exclude={"role"}) | {"bootstrap_token": body.bootstrap_token or bootstrap}
    registration = Registration(**{**given, "username": body.username or ""})
    user = await work.sign_up.by_email(registration)
    return Account.model_validate(user) if user else received()


@router.get("/me")
async def show_oneself(caller: CurrentUser, context: InContext) -> PersonAnswer:
    """Show one's own account with its numbers."""
    return _with_numbers(await person(context, caller.id))


@router.patch("/me")
async def update_oneself(body: ProfileBody, caller: CurrentUser, work: Work) -> Account:
    """Change one's own account; a new email address needs the current password."""
    return Account.model_validate(await work.profile.update(caller.id, body.changes(), body.current_password))


@router.delete("/me")
async def deactivate_oneself(caller: CurrentUser, work: Work, body: ConfirmBody | None = None) -> Message:
    """Switch one's own account off; an administrator can open it again."""
    await work.closing.deactivate(caller.id, confirmed=body is not None and body.confirm is True)
    return Message(message="Account deactivated successfully")


@router.post("/me/change-password")
async def change_password(body: PasswordBody, caller: UnsettledUser, work: Work) -> Message:
    """Replace one's own password; all one's sessions end, this one too."""
    await work.recovery.change_password(caller.id, body.current_password, body.new_password, besides=None)
    return Message(message="Password changed successfully")


@router.post("/reset-password/request")
async def request_reset(body: EmailBody, work: Work) -> Message:
    """Ask for a mail that replaces a forgotten password; the answer is the same for every address."""
    await work.recovery.request_reset(body.email)
    return Message(message=RESET_SENT)


@router.post("/reset-password/confirm")
async def confirm_reset(body: ResetConfirmation, work: Work) -> Message:
    """Replace a forgotten password by the token of a mail."""
    await work.recovery.reset(body.token, body.new_password)
    return Message(message="Password reset successfully")


@router.get("")
async def list_users(caller: CurrentAdmin, look: Look, query: Annotated[ListQuery, Query()]) -> AccountsPage:
    """Find, filter and sort accounts, a page at a time."""
    order = Order(_SORT.get(query.sort_by) or SortBy(query.sort_by), descending=query.sort_order == "desc")
    page, total = await look.people.page(
        query.wanted(), order, cursor=query.cursor, number=query.page, size=query.items_per_page
    )
    return AccountsPage(
        data=[Account.model_validate(user) for user in page.rows],
        total_count=total.count,
        total_is_exact=total.exact,
        has_more=page.next_cursor is not None,
        page=query.page,
        items_per_page=query.items_per_page,
        next_cursor=page.next_cursor,
    )


@router.get("/stats")
async def stats(caller: CurrentAdmin, look: Look, context: InContext) -> PeopleStats:
    """Count the accounts, at the same cost however many there are."""
    found = await look.people.headcount(context.clock.now())
    return PeopleStats(
        total_users=found.counts.total,
        active_users=found.counts.active,
        inactive_users=found.counts.total - found.counts.active,
        by_role=dict(found.counts.by_role),
        by_status=dict(found.counts.by_status),
        by_tier=dict(await look.tier_holders.counts()),
        active_1d=found.seen[1],
        active_7d=found.seen[7],
        active_30d=found.seen[30],
        registrations=[RegistrationsOfADay(date=day, count=count) for day, count in found.registrations.items()],
    )


@router.post("/bulk")
async def change_many(
    caller: CurrentAdmin, call: Annotated[bulk.Call, Depends(get_call)], context: InContext, origin: FromOrigin
) -> BulkAnswer:
    """Do one thing to many accounts; under an Idempotency-Key it can be asked again without being done again."""
    outcome = await bulk.run(context, caller.id, call, origin)
    return BulkAnswer(
        operation=call.operation,
        requested=outcome.requested,
        succeeded=outcome.succeeded,
        failed=outcome.failed,
        errors=[
            BulkError(user_id=id_, error_code=code, detail=sentence)
            for id_, (code, sentence) in sorted(outcome.errors.items())
        ],
    )


@router.get(BY_ID)
async def show_user(id: UUID, caller: CurrentAdmin, context: InContext) -> PersonAnswer:  # noqa: A002
    """Show an account with its numbers, a deleted one too."""
    return _with_numbers(await person(context, id, gone=True))


@router.patch(BY_ID)
async def update_user(id: UUID, body: AdminChanges, caller: CurrentAdmin, work: Work) -> ChangedAnswer:  # noqa: A002
    """Change names, status or rights of an account; a deleted one becomes again what it was by that status."""
    user = await work.editing.update(caller.id, id, body.changes(), body.reason, body.current_password)
    return ChangedAnswer.model_validate(user)


@router.delete(BY_ID)
async def delete_user(id: UUID, caller: CurrentAdmin, work: Work) -> Message:  # noqa: A002
    """Delete an account, to be restored for a while; its names stay its own."""
    await work.deletion.delete(caller.id, id, free_names=False, own=True)
    return Message(message="User account deactivated")


def _with_numbers(found: Person) -> PersonAnswer:
    return PersonAnswer(
        **fields(found.user),
        login_count=found.user.login_count,
        file_count=found.file_count,
        storage_bytes=found.storage_bytes,
        session_count=found.session_count,
        organizations=own_places(found.places),
    )
