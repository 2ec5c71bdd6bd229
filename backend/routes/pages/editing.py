"""Accounts made and changed by administrators."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, TypeAdapter, ValidationError

from backend.models import Role, User
from backend.routes.deps import CurrentAdmin, InContext, Look, Work
from backend.routes.pages.forms import Again, Day, Person, check, read_form, typed
from backend.routes.pages.rendering import at_the_desk, go_saying, page
from backend.routes.pages.words import ROLES, day
from backend.schemas.types import Email, FullName, Institution, Note, Text, Username
from backend.services import Services, reading
from backend.services.registration import Registration

router = APIRouter(include_in_schema=False)

_TEXTS: Final = ("username", "email", "full_name", "institution", "approval_note")
_SHOWN: Final = TypeAdapter(dict[str, str])
_WORDS: Final = {"AUTH_EMAIL_EXISTS": "An account with this email address already exists."}


class NewForm(BaseModel):
    """Who gets an account; without a password one is made up and shown once."""

    username: Username
    email: Email
    full_name: FullName = None
    institution: Institution = None
    role: Role = Role.USER
    password: Text = ""
    is_active: bool = False


class EditForm(BaseModel):
    """What an administrator changes about an account."""

    username: Username
    email: Email
    full_name: FullName = None
    institution: Institution = None
    approval_note: Note = None
    is_verified: bool = False
    access_expires_at: Day = None

    def changes(self, user: User) -> dict[str, Any]:
        """Return what is not as the page showed it; an end that is on the day shown keeps its hour."""
        typed = self.model_dump(exclude={"access_expires_at"})
        found = {name: value for name, value in typed.items() if value != getattr(user, name)}
        ends = user.access_expires_at
        if (self.access_expires_at and day(self.access_expires_at)) != (ends and day(ends)):
            found["access_expires_at"] = self.access_expires_at
        return found


async def read_new(request: Request, caller: CurrentAdmin, context: InContext) -> NewForm:
    """Read the form for a new account; a refused one comes back with all but the password."""
    async with reading(context) as look:
        about = await _new(look)
    return await read_form(request, NewForm, "user_new.html", about, _WORDS)


@dataclass(frozen=True)
class Edit:
    """What somebody changes, and what they took it to be."""

    changes: Mapping[str, Any]
    seen: Mapping[str, Any]


async def read_changes(request: Request, caller: CurrentAdmin, target: Person, context: InContext) -> Edit:
    """Read the form for changes; a refused one comes back, with what somebody else has changed since it was shown.

    Raises:
        UserNotFound: there is no such account, or it is deleted.
    """
    async with reading(context) as look:
        about = await _about(look, target)
    user, now, values = about["user"], about["shown"], await typed(request)
    was = now | _read_shown(values.get("shown", ""))
    sent = {name: values.get(name, "") if values.get(name, "") != was[name] else text for name, text in now.items()}
    sent = {name: text for name, text in sent.items() if text or name != "is_verified"}
    request.state.again = Again("user_edit.html", sent, about, _WORDS, tuple(values))
    changes = check(EditForm, sent).changes(user)
    proves = {"email"} if "is_verified" in changes else set()  # nobody proves an address they did not see
    seen = {name: getattr(user, name) if was[name] == now[name] else was[name] for name in changes.keys() | proves}
    return Edit(changes, seen)


@router.get("/users/new")
async def show_new(request: Request, caller: CurrentAdmin, look: Look) -> Response:
    """Show the form for a new account."""
    return page(request, "user_new.html", **await _new(look))


@router.post("/users/new")
async def make(
    request: Request,
    caller: CurrentAdmin,
    body: Annotated[NewForm, Depends(read_new)],
    work: Work,
) -> Response:
    """Make an account; a password that was made up is shown once."""
    registration = Registration(body.username, body.email, body.password, body.full_name, body.institution)
    user, password = await work.administration.make(caller.id, registration, body.role, is_active=body.is_active)
    if password is None:
        return go_saying(request, f"/users/{user.id}", f"The account {user.username} was created.")
    about = await at_the_desk(work, "users")
    return page(request, "temporary_password.html", user=user, password=password, new=True, **about)


@router.get("/users/{id}/edit")
async def show_edit(request: Request, caller: CurrentAdmin, target: Person, look: Look) -> Response:
    """Show the form for changes to an account."""
    return page(request, "user_edit.html", **await _about(look, target))


@router.post("/users/{id}/edit")
async def edit(
    request: Request,
    caller: CurrentAdmin,
    target: Person,
    body: Annotated[Edit, Depends(read_changes)],
    work: Work,
) -> Response:
    """Change an account."""
    user = await work.editing.update(caller.id, target, body.changes, seen=body.seen)
    return go_saying(request, f"/users/{target}", f"The account {user.username} was saved.")


async def _new(look: Services) -> dict[str, Any]:
    return {"roles": ROLES.items(), **await at_the_desk(look, "users")}


async def _about(look: Services, id_: UUID) -> dict[str, Any]:
    user = await look.people.one(id_)
    return {"user": user, "shown": _shown(user), **await at_the_desk(look, "users")}


def _shown(user: User) -> dict[str, str]:
    """Return what the form shows of an account, as its fields would send it."""
    texts = {name: getattr(user, name) or "" for name in _TEXTS}
    ends = user.access_expires_at
    return {**texts, "is_verified": "true" if user.is_verified else "", "access_expires_at": day(ends) if ends else ""}


def _read_shown(text: str) -> dict[str, str]:
    """Read what a form has shown, which it sends back; nothing where it does not say."""
    try:
        return _SHOWN.validate_json(text)
    except ValidationError:
        return {}
