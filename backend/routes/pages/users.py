"""One person: what is known, where they are signed in, what happened, and what an administrator can do."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.context import Context
from backend.errors import UserNotFound
from backend.identifiers import username_key
from backend.models import Status, User
from backend.routes.deps import CurrentAdmin, InContext, Look, Work
from backend.routes.pages.actions import ACTIONS, GROUPS, offered
from backend.routes.pages.acts import Action, Group, Said
from backend.routes.pages.forms import BackTo, Day, Person, read_form, refuse
from backend.routes.pages.history import entries
from backend.routes.pages.notices import Undo
from backend.routes.pages.rendering import at_the_desk, go_saying, page
from backend.routes.pages.tier_of_person import tier_choices
from backend.routes.pages.words import ROLES, day, span
from backend.schemas.types import Reason, Text
from backend.services import Services, reading
from backend.services.account_numbers import person
from backend.services.deletion import restorable_until
from backend.stores.mails import WantedMails

router = APIRouter(include_in_schema=False)

_ADDRESS_KEPT: Final = (
    "The email address is kept in the erased record. Nobody can sign in with it, and it can be used for a new account."
)
_MAILS: Final = 5
"""So many of a person's last mails are on their page."""


class ActForm(BaseModel):
    """What a confirmation page may ask: why, until when, and whom it is about."""

    reason: Reason = None
    until: Day = None
    typed_name: Text = ""

    def until_of(self, user: User) -> datetime | None:
        """Return the end that is meant; one on the day that the page showed keeps its hour."""
        shown = user.suspended_until
        return shown if shown and self.until and day(shown) == day(self.until) else self.until


async def get_action(request: Request, action: str, target: Person) -> Action:
    """Return the action a path names; if it is refused, the person's page says why.

    Raises:
        UserNotFound: there is no such action.
    """
    if action not in ACTIONS:
        raise UserNotFound("There is no such action.")
    request.state.again = BackTo(f"/users/{target}", ACTIONS[action].words)
    return ACTIONS[action]


Wanted = Annotated[Action, Depends(get_action)]


async def read_said(request: Request, caller: CurrentAdmin, target: Person, wanted: Wanted, context: InContext) -> Said:
    """Read the form of a confirmation page, which comes back if something in it is wrong.

    Raises:
        UserNotFound: there is no such account.
        RequestValidationError: a field breaks a rule.
    """
    back = request.state.again
    async with reading(context) as look:
        user = await look.people.one(target, gone=True)
        about = await _asked(look, context, wanted, user)
    form = await read_form(request, ActForm, "confirm.html", about)
    until = form.until_of(user)
    if until and until <= context.clock.now():
        refuse("until", "Choose a day in the future.")
    if wanted.wants_name and username_key(form.typed_name.strip()) != username_key(user.username):
        refuse("typed_name", f"Type the username {user.username} to confirm.")
    request.state.again = back
    return Said(form.reason, until)


@router.get("/users/{id}")
async def show_user(request: Request, caller: CurrentAdmin, target: Person, look: Look, context: InContext) -> Response:
    """Show one account, a deleted one too: what is known, what happened, what can be done."""
    found = await person(context, target, gone=True)
    user, oneself = found.user, found.user.id == caller.id
    return page(
        request,
        "user.html",
        user=user,
        person=found,
        approved_by_name=await look.people.username(user.approved_by),
        sessions=await look.sessions.listed(user.id),
        restorable_until=restorable_until(user, timedelta(days=context.settings.keep_deleted_days)),
        now=context.clock.now(),
        offered={} if oneself else offered(user, mail_leaves=context.settings.mail_enabled),
        groups=Group,
        titles=GROUPS,
        proof_needed=context.settings.require_verified_email,
        allowance=await look.tier_holders.allowance(user),
        tiers=tier_choices(await look.tiers.every()),
        mails=(await look.messages.ledger(WantedMails(user_id=user.id), None, _MAILS)).page.rows,
        oneself=oneself,
        history=entries(await look.people.history(user.id)),
        **await at_the_desk(look, "users"),
    )


@router.get("/users/{id}/{action}")
async def show_confirmation(
    request: Request, caller: CurrentAdmin, target: Person, wanted: Wanted, look: Look, context: InContext
) -> Response:
    """Say what will happen and to whom, before it happens."""
    user = await look.people.one(target, gone=True)
    return page(request, "confirm.html", **await _asked(look, context, wanted, user))


@router.post("/users/{id}/{action}")
async def act(
    request: Request,
    caller: CurrentAdmin,
    target: Person,
    wanted: Wanted,
    said: Annotated[Said, Depends(read_said)],
    work: Work,
) -> Response:
    """Do it."""
    done = await wanted.act(work, caller.id, target, said)
    if done.link:
        return page(
            request,
            "link.html",
            user=done.user,
            link=done.link,
            then=f"/users/{target}",
            **await at_the_desk(work, "users"),
        )
    if done.temporary_password:
        return page(
            request,
            "temporary_password.html",
            user=done.user,
            password=done.temporary_password,
            new=False,
            **await at_the_desk(work, "users"),
        )
    gone = done.user.status is Status.DELETED
    return go_saying(
        request,
        "/users" if gone else f"/users/{target}",
        wanted.done.format(name=done.user.username) + done.besides,
        undo=Undo(done.undo, target) if done.undo else None,
    )


async def _asked(look: Services, context: Context, action: Action, user: User) -> Mapping[str, Any]:
    settings = context.settings
    address = _ADDRESS_KEPT if settings.anonymize_keeps_email else "The email address is erased, too."
    told = {
        "name": user.username,
        "kept": span(timedelta(days=settings.keep_deleted_days)),
        "address": address,
        "temporary": span(timedelta(hours=settings.temporary_password_hours)),
        "email": user.email,
        "role": ROLES[user.role].lower(),
    }
    return {
        "user": user,
        "action": action,
        "title": action.question.format_map(told),
        "consequences": [sentence.format_map(told) for sentence in action.consequences],
        "earliest": min(filter(None, (user.suspended_until, context.clock.now() + timedelta(days=1)))),
        **await at_the_desk(look, "users"),
    }
