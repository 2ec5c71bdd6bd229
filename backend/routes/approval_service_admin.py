"""Dialect A, `/api/auth/admin/*`: what administrators do, and approvers decide."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from backend.errors import InvalidId
from backend.identifiers import id_or
from backend.routes.deps import CurrentAdmin, CurrentApprover, Look, Work
from backend.schemas.answers import Message
from backend.schemas.approval_service import UserAnswer
from backend.schemas.approval_service_admin import (
    AdministeredAnswer,
    AdministeredUser,
    AdminResetAnswer,
    AdminResetBody,
    CreateUserBody,
    DecidedUser,
    DecisionAnswer,
    DecisionBody,
    PendingAnswer,
    PendingUser,
    ReasonBody,
    StatsAnswer,
    SystemInfo,
    UpdateUserBody,
    UsersAnswer,
)
from backend.services.registration import Registration

router = APIRouter(prefix="/api/auth/admin", tags=["A: administration"])

_MOST: Final = 1000


async def get_target(id: str, caller: CurrentApprover) -> UUID:  # noqa: A002
    """Return the account a path names, once it is known that the caller may ask about accounts at all.

    Raises:
        InvalidId: the path names none.
    """
    return id_or(id, InvalidId)


Target = Annotated[UUID, Depends(get_target)]


@router.get("/users")
async def list_users(caller: CurrentAdmin, look: Look, cursor: str | None = None) -> UsersAnswer:
    """List accounts, newest first, 1,000 at most a call."""
    page, counts = await look.people.newest(cursor, _MOST), await look.people.counts()
    return UsersAnswer(
        users=[UserAnswer.model_validate(user) for user in page.rows],
        total=counts.total,
        superusers=counts.superusers,
        active_users=counts.active,
        next_cursor=page.next_cursor,
    )


@router.post("/users")
async def create_user(body: CreateUserBody, caller: CurrentAdmin, work: Work) -> AdministeredAnswer:
    """Make an account that needs no decision."""
    registration = Registration(
        body.username, body.email, body.password, institution="Admin created", approval_note="Created by admin"
    )
    user = await work.administration.create(
        caller.id, registration, is_superuser=body.is_superuser, is_active=body.is_active
    )
    return AdministeredAnswer(message="User created successfully", user=AdministeredUser.model_validate(user))


@router.put("/users/{id}")
async def update_user(caller: CurrentAdmin, target: Target, body: UpdateUserBody, work: Work) -> AdministeredAnswer:
    """Change names, activity or rights of an account."""
    user = await work.editing.update(caller.id, target, body.changes(), current_password=body.current_password)
    return AdministeredAnswer(message="User updated successfully", user=AdministeredUser.model_validate(user))


@router.post("/users/{id}/promote")
async def promote(
    caller: CurrentAdmin, target: Target, work: Work, body: ReasonBody | None = None
) -> AdministeredAnswer:
    """Make somebody an administrator."""
    user = await work.roles.promote(caller.id, target, body.reason if body else None)
    message = f"User '{user.username}' promoted to superuser successfully"
    return AdministeredAnswer(message=message, user=AdministeredUser.model_validate(user))


@router.post("/users/{id}/demote")
async def demote(
    caller: CurrentAdmin, target: Target, work: Work, body: ReasonBody | None = None
) -> AdministeredAnswer:
    """Make an administrator a user again."""
    user = await work.roles.demote(caller.id, target, body.reason if body else None)
    message = f"User '{user.username}' demoted from superuser successfully"
    return AdministeredAnswer(message=message, user=AdministeredUser.model_validate(user))


@router.delete("/users/{id}")
async def delete_user(caller: CurrentAdmin, target: Target, work: Work) -> Message:
    """Delete an account; its names are free at once."""
    user = await work.deletion.delete(caller.id, target)
    return Message(message=f"User '{user.username}' deleted successfully")


@router.get("/stats")
async def stats(caller: CurrentAdmin, look: Look) -> StatsAnswer:
    """Count the accounts."""
    counts = await look.people.counts()
    return StatsAnswer(
        total_users=counts.total,
        active_users=counts.active,
        inactive_users=counts.total - counts.active,
        superusers=counts.superusers,
        regular_users=counts.total - counts.superusers,
        system_info=SystemInfo(
            first_user_created=await look.people.first_created(), has_superusers=counts.superusers > 0
        ),
    )


@router.get("/pending-approvals")
async def pending_approvals(caller: CurrentApprover, look: Look, cursor: str | None = None) -> PendingAnswer:
    """List who waits for a decision, longest first, 1,000 at most a call."""
    page, counts = await look.people.waiting(cursor, _MOST), await look.people.counts()
    return PendingAnswer(
        pending_users=[PendingUser.model_validate(user) for user in page.rows],
        count=counts.pending,
        next_cursor=page.next_cursor,
    )


@router.post("/users/{id}/approve")
async def decide(caller: CurrentApprover, target: Target, body: DecisionBody, work: Work) -> DecisionAnswer:
    """Let an applicant in, or turn them away."""
    act, word = (work.decisions.approve, "approved") if body.approved else (work.decisions.reject, "rejected")
    user = await act(target, by=caller.id, reason=body.reason, reconsider=body.reconsider)
    return DecisionAnswer(message=f"User '{user.username}' {word} successfully", user=DecidedUser.model_validate(user))


@router.post("/reset-user-password")
async def reset_user_password(
    request: Request, body: AdminResetBody, caller: CurrentAdmin, work: Work
) -> AdminResetAnswer:
    """Give somebody a temporary password, where no mail could."""
    request.state.about = body.user_id
    _, password = await work.administration.reset_password(caller.id, id_or(body.user_id, InvalidId), body.reason)
    return AdminResetAnswer(temp_password=password)
