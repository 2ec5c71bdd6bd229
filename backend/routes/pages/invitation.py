"""An invitation, for whoever brings its code: who invites to what, and a yes or a no."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.context import Context
from backend.errors import InvitationInvalid, Unauthenticated
from backend.identifiers import email_key, id_or
from backend.routes.deps import CurrentUser, InContext, Work, get_unsettled_user
from backend.routes.pages.forms import Again, BackTo, check, typed
from backend.routes.pages.organizations import HERE, address_of
from backend.routes.pages.rendering import go_saying, page
from backend.schemas.types import Text
from backend.services import reading
from backend.services.identity import Identity
from backend.services.offers import Offer
from backend.services.organizations import Place

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
    return _welcome(request, await work.offers.accept(caller, brought.code))


@router.post("/invitation/decline")
async def decline(request: Request, guest: Guest, brought: Code, work: Work, context: InContext) -> Response:
    """Turn the invitation down."""
    await work.offers.decline(brought.code)
    return page(request, _TEMPLATE, **_about(context) | {"declined": brought.offer})


async def stay_with_mine(request: Request) -> None:
    """Come back to one's organizations with a notice when something is refused."""
    request.state.again = BackTo(HERE)


async def get_own(id: str, caller: CurrentUser) -> UUID:  # noqa: A002
    """Return the invitation a page's path names.

    Raises:
        InvitationInvalid: the path names none.
    """
    return id_or(id, InvitationInvalid)


Own = Annotated[UUID, Depends(get_own)]


@router.post("/invitations/{id}/accept", dependencies=[Depends(stay_with_mine)])
async def accept_own(request: Request, caller: CurrentUser, which: Own, work: Work) -> Response:
    """Come in by an invitation to one's own address."""
    place = await work.offers.accept_own(caller, which)
    return _welcome(request, place)


@router.post("/invitations/{id}/decline", dependencies=[Depends(stay_with_mine)])
async def decline_own(request: Request, caller: CurrentUser, which: Own, work: Work) -> Response:
    """Turn an invitation to one's own address down."""
    offer = await work.offers.decline_own(caller, which)
    return go_saying(request, HERE, f"You declined the invitation to {offer.organization.name}.")


def _welcome(request: Request, place: Place) -> Response:
    name, to = place.organization.name, address_of(place.organization.id)
    return go_saying(request, to, f"Welcome. You are now a member of {name}.")


def _about(context: Context) -> dict[str, Any]:
    return {"offer": None, "declined": None, "mode": context.settings.registration}


def _offered(brought: Brought, guest: Identity | None) -> dict[str, Any]:
    meant = brought.offer.email
    other = guest is not None and meant is not None and email_key(meant) != email_key(guest.email)
    return {"offer": brought.offer, "code": brought.code, "for_another": other}
