"""Forgotten passwords and proofs of address. Opening a page never acts; only its button does (ASVS 3.5.3)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.routes.cookies import remember_device
from backend.routes.deps import InContext, Work
from backend.routes.pages.forms import form_of, read_form, typed
from backend.routes.pages.rendering import go, mail_of, page
from backend.schemas.approval_service import ResetBody
from backend.schemas.profile import EmailBody
from backend.schemas.types import Text

router = APIRouter(include_in_schema=False)


class VerifyForm(BaseModel):
    """The code from a mail."""

    token: Text


async def read_email(request: Request, context: InContext) -> EmailBody:
    """Read the form for a forgotten password."""
    return await read_form(request, EmailBody, "forgot_password.html", {"mail": mail_of(context.settings)})


async def read_unproven(request: Request, context: InContext) -> EmailBody:
    """Read the form for another mail that proves an address."""
    return await read_form(request, EmailBody, "verify_again.html", {"mail": mail_of(context.settings)})


async def read_reset(request: Request) -> ResetBody:
    """Read the form for a new password; where only that is refused, the code from the link need not be found again."""
    code = (await typed(request)).get("token", "")
    return await read_form(request, ResetBody, "reset_password.html", {"code": code})


@router.get("/forgot-password")
async def show_forgot_password(request: Request, context: InContext) -> Response:
    """Show the form for a forgotten password."""
    return page(request, "forgot_password.html", sent=False, mail=mail_of(context.settings))


@router.post("/forgot-password")
async def forgot_password(
    request: Request, context: InContext, body: Annotated[EmailBody, Depends(read_email)], work: Work
) -> Response:
    """Ask for a reset mail; the page is the same for every address."""
    await work.recovery.request_reset(body.email)
    return page(request, "forgot_password.html", sent=True, mail=mail_of(context.settings))


@router.get("/reset-password")
async def show_reset_password(request: Request) -> Response:
    """Show the form for a new password."""
    return page(request, "reset_password.html")


@router.post("/reset-password")
async def reset_password(
    request: Request, context: InContext, body: Annotated[ResetBody, Depends(read_reset)], work: Work
) -> Response:
    """Set the new password; signing in with it comes next (ASVS 6.3.7: a reset does not sign in)."""
    user = await work.recovery.reset(body.token.strip(), body.password)
    response = go("/login?why=password_changed")
    remember_device(response, request, context, user)  # others may go on guessing: its owner gets in past them
    return response


@router.get("/verify")
async def show_verify(request: Request) -> Response:
    """Show the button that confirms an address."""
    return page(request, "verify_email.html", done=False)


@router.post("/verify")
async def verify(
    request: Request, body: Annotated[VerifyForm, Depends(form_of(VerifyForm, "verify_email.html"))], work: Work
) -> Response:
    """Confirm an address."""
    await work.recovery.verify(body.token.strip())
    return page(request, "verify_email.html", done=True)


@router.get("/verify/again")
async def show_verify_again(request: Request, context: InContext) -> Response:
    """Show the form for another mail that proves an address."""
    return page(request, "verify_again.html", sent=False, mail=mail_of(context.settings))


@router.post("/verify/again")
async def verify_again(
    request: Request, context: InContext, body: Annotated[EmailBody, Depends(read_unproven)], work: Work
) -> Response:
    """Ask for that mail; the page is the same for every address."""
    await work.recovery.request_verification_for(body.email)
    return page(request, "verify_again.html", sent=True, mail=mail_of(context.settings))
