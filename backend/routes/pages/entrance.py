"""The entrance hall: where one begins, signs up, signs in, and leaves."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.models import SessionEnd, Status
from backend.routes.cookies import (
    clear_session,
    drop_cookie,
    remember_device,
    session_cookie,
    set_session,
)
from backend.routes.deps import FromOrigin, InContext, Look, UnsettledUser, Visitor, Work
from backend.routes.pages.failures import APPLICANT, in_words, remember_applicant
from backend.routes.pages.forms import read_form
from backend.routes.pages.rendering import go, mail_of, own_path, page
from backend.schemas.approval_service import RegisterBody
from backend.schemas.types import Text
from backend.services import reading
from backend.services.registration import Registration
from backend.services.revocation import end_cookie
from backend.services.rights import Act, may
from backend.services.session_rules import Rules
from backend.settings import RegistrationMode

router = APIRouter(include_in_schema=False)


class SignInForm(BaseModel):
    """The sign-in form, with the page one came from."""

    username_or_email: Text
    password: Text
    remember: bool = False
    next: Text = ""


async def read_registration(request: Request, context: InContext, origin: FromOrigin) -> RegisterBody:
    """Read the registration form; a refused one comes back on the page it was on, with all that is wrong with it."""
    async with reading(context, origin) as look:
        first = (await look.installation.get()).claimed_at is None

    async def besides(values: Mapping[str, str], wrong: Collection[str]) -> Sequence[Mapping[str, Any]]:
        given = {name: value.strip() or None for name, value in values.items()}
        registration = Registration(
            values.get("username", ""),
            values.get("email", ""),
            values.get("password", ""),
            approval_note=given.get("approval_note"),
            institution=given.get("institution"),
            bootstrap_token=given.get("bootstrap_token"),
        )
        faults = await look.sign_up.faults(registration, besides=wrong)
        return [{"loc": ("body", one.field), "msg": in_words(one.code, one.detail), "type": one.code} for one in faults]

    template = "welcome.html" if first else "register.html"
    return await read_form(request, RegisterBody, template, _about(context), besides=besides)


async def read_sign_in(request: Request, context: InContext) -> SignInForm:
    """Read the sign-in form; a refused one comes back with the name, never with the password."""
    return await read_form(request, SignInForm, "login.html", _at_the_door(context))


@router.get("/")
async def begin(look: Look, caller: Visitor) -> Response:
    """Send everybody to where their next step is."""
    if caller is None:
        return go("/register" if (await look.installation.get()).claimed_at is None else "/login")
    if may(Act.SEE_PEOPLE, caller.role):
        return go("/overview")
    return go("/approvals" if may(Act.DECIDE, caller.role) and await look.people.waiting_count() else "/account")


@router.get("/register")
async def show_registration(request: Request, context: InContext, look: Look) -> Response:
    """Show the form for new people, or the welcome of a new installation."""
    if (await look.installation.get()).claimed_at is None:
        return page(request, "welcome.html", **_about(context))
    return page(request, "register.html" if context.policy.open else "registration_closed.html", **_about(context))


@router.post("/register")
async def register(request: Request, body: Annotated[RegisterBody, Depends(read_registration)], work: Work) -> Response:
    """Take somebody in, and show them where they stand."""
    user = await work.sign_up.with_username(Registration(**body.model_dump()))
    if user is None:
        return go("/registered")
    if user.status is Status.ACTIVE:
        return go("/login?why=let_in")
    response = go("/waiting")
    remember_applicant(response, request, user.id)
    return response


@router.get("/registered")
async def show_registered(request: Request, context: InContext) -> Response:
    """Say to whoever signed up, where registration is private, that mail tells the rest."""
    return page(request, "registered.html", mail=mail_of(context.settings), **_about(context))


@router.get("/login")
async def show_login(
    request: Request,
    context: InContext,
    look: Look,
    caller: Visitor,
    why: str = "",
    next: str = "",  # noqa: A002
) -> Response:
    """Show the desk to whoever is not inside already."""
    if (await look.installation.get()).claimed_at is None:
        return go("/register")
    if caller:
        return go(own_path(next))
    return page(request, "login.html", why=why, next=next, **_at_the_door(context))


@router.post("/login")
async def login(
    request: Request,
    context: InContext,
    body: Annotated[SignInForm, Depends(read_sign_in)],
    work: Work,
) -> Response:
    """Open a session in this browser, in place of the one it may have."""
    user = await work.authentication.check_password(body.username_or_email, body.password)
    await end_cookie(work, user, session_cookie(request))
    grant = await work.sessions.open_cookie(user, remember=body.remember)
    response = go("/account" if user.must_change_password else own_path(body.next))
    set_session(response, grant, context.settings)
    remember_device(response, request, context, user)
    drop_cookie(response, APPLICANT, context.settings)
    return response


@router.post("/logout")
async def logout(caller: UnsettledUser, context: InContext, work: Work) -> Response:
    """End the session of this browser."""
    await work.sessions.end(caller.session_id, caller.id, SessionEnd.USER_LOGOUT, actor=caller.id)
    response = go("/login?why=signed_out")
    clear_session(response, context.settings)
    return response


def _at_the_door(context: InContext) -> dict[str, Any]:
    rules = Rules.of(context.settings)
    return {
        "mode": context.settings.registration,
        "remembered_for": rules.remembered_absolute,
        "remembered_unused": min(rules.remembered_idle, rules.remembered_absolute),
    }


def _about(context: InContext) -> dict[str, Any]:
    settings = context.settings
    return {
        "mode": settings.registration,
        "private": settings.private_registration,
        "note_required": settings.require_approval_note and settings.registration is RegistrationMode.APPROVAL,
        "needs_bootstrap_token": settings.bootstrap_by_token,
    }
