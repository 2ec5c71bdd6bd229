"""Your account: who you are here, your password, how long you stay signed in, and how you leave."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.routes.cookies import clear_session, remember_device
from backend.routes.deps import CurrentUser, InContext, Look, UnsettledUser, Work
from backend.routes.pages.failures import remember_applicant
from backend.routes.pages.forms import BackTo, check, read_form, typed
from backend.routes.pages.rendering import at_the_desk, go, go_saying, mail_of, page
from backend.schemas.approval_service import ChangePasswordBody
from backend.services import Services, reading
from backend.services.identity import Identity

router = APIRouter(include_in_schema=False)


class LeaveForm(BaseModel):
    """Whether somebody means to close their account."""

    confirm: bool = False


async def read_password_form(request: Request, caller: UnsettledUser, context: InContext) -> ChangePasswordBody:
    """Read the form for a new password; a refused one comes back on the account's page."""
    async with reading(context) as look:
        about = await _about(caller, look, context)
    # The password rule says "password"; on this page that is the new one.
    return await read_form(
        request, ChangePasswordBody, "account.html", {**about, "called": {"password": "new_password"}}
    )


async def read_leaving(request: Request, caller: CurrentUser) -> LeaveForm:
    """Read the form that closes one's own account; the account's page says why it is refused."""
    request.state.again = BackTo("/account")
    return check(LeaveForm, await typed(request))


@router.get("/account")
async def show_account(request: Request, caller: UnsettledUser, look: Look, context: InContext) -> Response:
    """Show one's own account."""
    return page(request, "account.html", **await _about(caller, look, context))


@router.get("/account/awake")
async def stay_awake(caller: UnsettledUser, look: Look) -> Mapping[str, float | None]:
    """Tell a page for how many seconds its session may still go unused; asking in the background changes nothing."""
    left = await look.sessions.idle_left(caller.session_id)
    return {"seconds_left": None if left is None else left.total_seconds()}


@router.get("/account/password")
async def find_password_form(caller: UnsettledUser) -> Response:
    """Lead to the form, also from the address at which a refused one was shown."""
    return go("/account")


@router.post("/account/password")
async def change_password(
    request: Request,
    context: InContext,
    caller: UnsettledUser,
    body: Annotated[ChangePasswordBody, Depends(read_password_form)],
    work: Work,
) -> Response:
    """Replace one's own password; one's other sessions end."""
    user = await work.recovery.change_password(
        caller.id, body.current_password, body.new_password, besides=caller.session_id
    )
    response = go_saying(request, "/account", "Your password was changed. You were signed out on all other devices.")
    remember_device(response, request, context, user)
    return response


@router.get("/account/deactivate")
async def show_leaving(request: Request, caller: CurrentUser, look: Look) -> Response:
    """Say what happens to who closes their account, before it does."""
    return page(
        request,
        "deactivate.html",
        user=await look.people.one(caller.id),
        needed=await look.people.is_only_admin(caller.id),
        **await at_the_desk(look, "account"),
    )


@router.post("/account/deactivate")
async def deactivate(
    caller: CurrentUser,
    body: Annotated[LeaveForm, Depends(read_leaving)],
    request: Request,
    context: InContext,
    work: Work,
) -> Response:
    """Close one's own account; the page that shows where one stands says how to come back."""
    user = await work.closing.deactivate(caller.id, confirmed=body.confirm)
    response = go("/waiting")
    clear_session(response, context.settings)
    remember_applicant(response, request, user.id)
    return response


async def _about(caller: Identity, look: Services, context: InContext) -> dict[str, Any]:
    return {
        "user": await look.people.one(caller.id),
        "mail": mail_of(context.settings),
        "places": await look.organizations.standings(caller.id),
        "offers": await look.offers.waiting_for(caller),
        **await at_the_desk(look, "account"),
    }
