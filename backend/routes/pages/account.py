"""Your account: who you are here, your password, and how long you stay signed in."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentUser, InContext, Look, Work
from backend.routes.pages.forms import read_form
from backend.routes.pages.rendering import go, go_saying, page
from backend.schemas.approval_service import ChangePasswordBody
from backend.services import Services, reading
from backend.services.identity import Identity

router = APIRouter(include_in_schema=False)


async def read_password_form(request: Request, caller: CurrentUser, context: InContext) -> ChangePasswordBody:
    """Read the form for a new password; a refused one comes back on the account's page."""
    async with reading(context) as look:
        about = await _about(caller, look)
    # The password rule says "password"; on this page that is the new one.
    return await read_form(
        request, ChangePasswordBody, "account.html", {**about, "called": {"password": "new_password"}}
    )


@router.get("/account")
async def show_account(request: Request, caller: CurrentUser, look: Look) -> Response:
    """Show one's own account."""
    return page(request, "account.html", **await _about(caller, look))


@router.get("/account/awake")
async def stay_awake(caller: CurrentUser, look: Look) -> Mapping[str, float | None]:
    """Tell a page for how many seconds its session may still go unused; asking in the background changes nothing."""
    left = await look.sessions.idle_left(caller.session_id)
    return {"seconds_left": None if left is None else left.total_seconds()}


@router.get("/account/password")
async def find_password_form(caller: CurrentUser) -> Response:
    """Lead to the form, also from the address at which a refused one was shown."""
    return go("/account")


@router.post("/account/password")
async def change_password(
    request: Request,
    caller: CurrentUser,
    body: Annotated[ChangePasswordBody, Depends(read_password_form)],
    work: Work,
) -> Response:
    """Replace one's own password; one's other sessions end."""
    await work.recovery.change_password(caller.id, body.current_password, body.new_password, besides=caller.session_id)
    return go_saying(request, "/account", "Your password is changed. Your other sessions have ended.")


async def _about(caller: Identity, look: Services) -> dict[str, Any]:
    session = await look.sessions.one_of(caller.id, caller.session_id)
    return {
        "user": await look.people.one(caller.id),
        "session": session,
        "idle": look.sessions.rules.idle_of(session.session),
        "pending_count": await look.people.waiting_count(),
        "here": "account",
    }
