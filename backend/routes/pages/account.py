"""Your account: who you are here, your password, and the way out."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentUser, InContext, Look, Work
from backend.routes.pages.forms import read_form
from backend.routes.pages.rendering import go_saying, page
from backend.schemas.approval_service import ChangePasswordBody
from backend.services import reading

router = APIRouter(include_in_schema=False)


async def read_password_form(request: Request, caller: CurrentUser, context: InContext) -> ChangePasswordBody:
    """Read the form for a new password; a refused one comes back on the account's page."""
    async with reading(context) as look:
        waiting = await look.people.waiting_count()
    # The password rule says "password"; on this page that is the new one.
    about = {**_about(caller, context), "pending_count": waiting, "called": {"password": "new_password"}}
    return await read_form(request, ChangePasswordBody, "account.html", about)


@router.get("/account")
async def show_account(request: Request, caller: CurrentUser, context: InContext, look: Look) -> Response:
    """Show one's own account."""
    return page(request, "account.html", pending_count=await look.people.waiting_count(), **_about(caller, context))


@router.post("/account/password")
async def change_password(
    request: Request,
    caller: CurrentUser,
    body: Annotated[ChangePasswordBody, Depends(read_password_form)],
    work: Work,
) -> Response:
    """Replace one's own password; one's other sessions end."""
    await work.recovery.change_password(caller.id, body.current_password, body.new_password, besides=caller.session.id)
    return go_saying(request, "/account", "Your password is changed. Your other sessions have ended.")


def _about(caller: CurrentUser, context: InContext) -> dict[str, Any]:
    minutes = context.settings.inactivity_minutes
    return {
        "user": caller.user,
        "session": caller.session,
        "inactivity_minutes": round(minutes) if minutes >= 1 else minutes,
        "here": "account",
    }
