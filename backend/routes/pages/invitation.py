"""An invitation, for whoever brings its code: who invites to what, and a yes or a no."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.context import Context
from backend.errors import Unauthenticated
from backend.identifiers import email_key
from backend.routes.deps import CurrentUser, InContext, Work, get_unsettled_user
from backend.routes.pages.forms import Again, check, typed
from backend.routes.pages.organizations import address_of
from backend.routes.pages.rendering import go_saying, page
from backend.schemas.types import Text
from backend.services import reading
from backend.services.identity import Identity
from backend.services.offers import Offer

router = APIRouter(include_in_schema=False)

_TEMPLATE = "invitation.html"


class CodeForm(BaseModel):
    """The code of an invitation: from its link, or from its mail."""

    token: Text


@dataclass(frozen=True)
class Brought:
    """A code that somebody brings, and what it offers."""

    code: str
    offer: Offer


async def get_guest(request: Request) -> Identity | None:
    """Return who looks, or None: an invitation can be read by whoever has it, before they sign in too."""
    try:
        return await get_unsettled_user(request)
    except Unauthenticated:
        return None


Guest = Annotated[Identity | None, Depends(get_guest)]


async def read_code(request: Request, guest: Guest, context: InContext) -> Brought:
    """Read a code and what it offers; without an offer the form for the code comes back, later the offer does.

    Raises:
        RequestValidationError: there is none.
        InvitationInvalid: it opens nothing.
    """
    about = _about(context)
    request.state.again = Again(_TEMPLATE, {}, about)
    code = check(CodeForm, await typed(request)).token.strip()
    async with reading(context) as look:
        brought = Brought(code, await look.offers.look(code))
    request.state.again = Again(_TEMPLATE, {}, {**about, **_offered(brought, guest)})
    return brought


Code = Annotated[Brought, Depends(read_code)]


@router.get("/invitation")
async def show_form(request: Request, guest: Guest, context: InContext) -> Response:
    """Show the form for the code, which the page fills in from the link."""
    return page(request, _TEMPLATE, **_about(context))


@router.post("/invitation")
async def show_offer(request: Request, guest: Guest, brought: Code, context: InContext) -> Response:
    """Show who invites to what, as what; looking changes nothing."""
    return page(request, _TEMPLATE, **_about(context) | _offered(brought, guest))


@router.post("/invitation/accept")
async def accept(request: Request, caller: CurrentUser, brought: Code, work: Work) -> Response:
    """Come in."""
    place = await work.offers.accept(caller, brought.code)
    name = place.organization.name
    return go_saying(request, address_of(place.organization.id), f"Welcome. You are now a member of {name}.")


@router.post("/invitation/decline")
async def decline(request: Request, guest: Guest, brought: Code, work: Work, context: InContext) -> Response:
    """Turn the invitation down."""
    await work.offers.decline(brought.code)
    return page(request, _TEMPLATE, **_about(context) | {"declined": brought.offer})


def _about(context: Context) -> dict[str, Any]:
    return {"offer": None, "declined": None, "mode": context.settings.registration}


def _offered(brought: Brought, guest: Identity | None) -> dict[str, Any]:
    meant = brought.offer.email
    other = guest is not None and meant is not None and email_key(meant) != email_key(guest.email)
    return {"offer": brought.offer, "code": brought.code, "for_another": other}
