"""Accounts made and changed by administrators."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.models import Role, User
from backend.routes.deps import CurrentAdmin, InContext, Look, Work
from backend.routes.pages.forms import Day, Person, read_form
from backend.routes.pages.rendering import at_the_desk, go_saying, page
from backend.routes.pages.words import ROLES, day
from backend.schemas.types import Email, FullName, Institution, Note, Text, Username
from backend.services import Services, reading
from backend.services.admission import Registration

router = APIRouter(include_in_schema=False)

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


async def read_changes(request: Request, caller: CurrentAdmin, target: Person, context: InContext) -> dict[str, Any]:
    """Read the form for changes, as what changes; a refused one comes back.

    Raises:
        UserNotFound: there is no such account, or it is deleted.
    """
    async with reading(context) as look:
        about = await _about(look, target)
    form = await read_form(request, EditForm, "user_edit.html", about, _WORDS)
    return form.changes(about["user"])


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
    changes: Annotated[dict[str, Any], Depends(read_changes)],
    work: Work,
) -> Response:
    """Change an account."""
    user = await work.administration.update(caller.id, target, changes)
    return go_saying(request, f"/users/{target}", f"The account {user.username} was saved.")


async def _new(look: Services) -> dict[str, Any]:
    return {"roles": ROLES.items(), **await at_the_desk(look, "users")}


async def _about(look: Services, id_: UUID) -> dict[str, Any]:
    return {"user": await look.people.one(id_), **await at_the_desk(look, "users")}
