"""Your devices: everywhere one is signed in, and how to sign out of what one does not use or does not know."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.errors import SessionNotFound
from backend.identifiers import id_or
from backend.models import SessionEnd
from backend.routes.deps import CurrentUser, Look, Work
from backend.routes.pages.forms import BackTo
from backend.routes.pages.rendering import at_the_desk, go_saying, page
from backend.services import Services
from backend.services.identity import Identity

router = APIRouter(include_in_schema=False)

_HERE: Final = "/devices"


async def stay_here(request: Request) -> None:
    """Come back to the list with a notice when something is refused."""
    request.state.again = BackTo(_HERE)


async def get_wanted(id: str) -> UUID:  # noqa: A002
    """Return the session a path names.

    Raises:
        SessionNotFound: the path names none.
    """
    return id_or(id, SessionNotFound)


Stay = Depends(stay_here)


@router.get(_HERE)
async def show_devices(request: Request, caller: CurrentUser, look: Look) -> Response:
    """Show where one is signed in: here first, then what was used last."""
    return page(request, "devices.html", **await _about(caller, look))


@router.get("/devices/end-others")
async def show_confirmation(request: Request, caller: CurrentUser, look: Look) -> Response:
    """Say what will end, before it does."""
    return page(request, "end_others.html", **await _about(caller, look))


@router.post("/devices/end-others", dependencies=[Stay])
async def end_others(request: Request, caller: CurrentUser, work: Work) -> Response:
    """Sign out everywhere but here."""
    ended = await work.sessions.end_all(caller.id, SessionEnd.USER_REVOKE, actor=caller.id, besides=caller.session_id)
    return go_saying(request, _HERE, _ENDED.get(ended, f"You are signed out of {ended} other devices."))


@router.post("/devices/{id}/end", dependencies=[Stay])
async def end_one(
    request: Request, caller: CurrentUser, wanted: Annotated[UUID, Depends(get_wanted)], work: Work
) -> Response:
    """Sign out on one device."""
    names = {one.id: one.name for one in await work.sessions.listed(caller.id)}
    await work.sessions.end_own(caller.id, wanted, SessionEnd.USER_REVOKE)
    return go_saying(request, _HERE, f"{names.get(wanted, 'That device')} was signed out.")


_ENDED: Final = {0: "You were not signed in anywhere else.", 1: "You are signed out of one other device."}


async def _about(caller: Identity, look: Services) -> dict[str, Any]:
    listed = await look.sessions.listed(caller.id)
    here = [one for one in listed if one.id == caller.session_id]
    return {
        "this": here,
        "idle": look.sessions.rules.idle_of(here[0].session) if here else None,
        "others": [one for one in listed if one.id != caller.session_id],
        **await at_the_desk(look, "devices"),
    }
