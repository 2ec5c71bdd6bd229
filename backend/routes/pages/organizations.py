"""Organizations: one's own, those of everybody, and the page of one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.context import Context
from backend.errors import OrganizationNotFound, RoleRequired
from backend.identifiers import id_or
from backend.models import Invitation, MembershipRole
from backend.routes.deps import CurrentAdmin, CurrentUser, InContext, Look, Work
from backend.routes.pages.forms import BackTo, read_form
from backend.routes.pages.rendering import at_the_desk, go_saying, mail_of, page
from backend.routes.pages.words import STANDINGS
from backend.schemas.types import Text
from backend.services import Services, reading
from backend.services.identity import Identity
from backend.services.invitations import LIFETIME, OpenInvitation
from backend.services.members import Member
from backend.services.organization_rights import Act, may
from backend.services.organizations import Place
from backend.settings import Settings

router = APIRouter(include_in_schema=False)

HERE: Final = "/organizations"
_PER_PAGE: Final = 50
_INVITED_AS: Final = (MembershipRole.MEMBER, MembershipRole.ADMIN)


class NameForm(BaseModel):
    """What an organization is to be called; its rule is the service's."""

    name: Text


@dataclass(frozen=True)
class Line:
    """A member as the list shows them, and whether the caller can do anything about them."""

    member: Member
    changeable: bool


@dataclass(frozen=True)
class Open:
    """An open invitation as the list shows it, and what can be done about it."""

    invitation: Invitation
    inviter: str | None
    can_go_again: bool
    can_be_handed_over: bool
    can_be_taken_back: bool


async def get_organization(id: str, caller: CurrentUser) -> UUID:  # noqa: A002
    """Return the organization a page's path names, once it is known that somebody is signed in.

    Raises:
        OrganizationNotFound: the path names none.
    """
    return id_or(id, OrganizationNotFound)


Organization = Annotated[UUID, Depends(get_organization)]


def address_of(organization: UUID) -> str:
    """Return where the page of an organization is."""
    return f"{HERE}/{organization}"


async def stay_here(request: Request, organization: Organization) -> None:
    """Come back to the organization's page with a notice when something is refused."""
    request.state.again = BackTo(address_of(organization))


Stay = Depends(stay_here)


def rights(place: Place, caller: Identity) -> Mapping[str, bool]:
    """Tell by its name what the caller may do in an organization."""
    return {act.name.lower(): may(act, place.role, caller.role) for act in Act}


def insist(place: Place, caller: Identity, act: Act, *, over: MembershipRole | None = None) -> None:
    """Let nobody see a question whose yes would be refused.

    Raises:
        RoleRequired: the caller may not do this, to a member who is `over`.
    """
    if not may(act, place.role, caller.role, over=over):
        raise RoleRequired


async def shown(look: Services, caller: Identity, id_: UUID, cursor: str | None, context: Context) -> dict[str, Any]:
    """Return what the page of an organization shows to somebody.

    Raises:
        OrganizationNotFound: they are in no organization of this id.
    """
    place = await look.organizations.one(caller, id_)
    members = await look.members.page(caller, id_, cursor, _PER_PAGE)
    allowed = rights(place, caller)
    invitations = await look.invitations.open(caller, id_) if allowed["see_invitations"] else []
    return {
        "place": place,
        "may": allowed,
        "roles": [
            (role, STANDINGS[role][0]) for role in _INVITED_AS if may(Act.INVITE, place.role, caller.role, over=role)
        ],
        "members": [_line(place, caller, member) for member in members.rows],
        "next_cursor": members.next_cursor,
        "cursor": cursor,
        "oneself": caller.id,
        "invitations": [_open(place, caller, one, context.settings) for one in invitations],
        "mail": mail_of(context.settings),
        "lifetime": LIFETIME,
        **await at_the_desk(look, "organizations"),
    }


async def read_new(request: Request, caller: CurrentUser, context: InContext) -> NameForm:
    """Read the form for a new organization; a refused one comes back on the list."""
    async with reading(context) as look:
        about = await _mine(look, caller)
    return await read_form(request, NameForm, "organizations.html", about)


@router.get(HERE)
async def show_mine(request: Request, caller: CurrentUser, look: Look) -> Response:
    """Show the organizations one is in, and the form for another."""
    return page(request, "organizations.html", **await _mine(look, caller))


@router.post(HERE)
async def make(
    request: Request, caller: CurrentUser, body: Annotated[NameForm, Depends(read_new)], work: Work
) -> Response:
    """Make an organization."""
    place = await work.organizations.create(caller, body.name)
    said = f"{place.organization.name} was created, and you are its owner. You can now invite others."
    return go_saying(request, address_of(place.organization.id), said)


@router.get("/organizations/all")
async def show_all(request: Request, caller: CurrentAdmin, look: Look, cursor: str | None = None) -> Response:
    """Show the organizations of everybody, newest first."""
    found = await look.organizations.all(caller, cursor, _PER_PAGE)
    return page(
        request,
        "organizations_all.html",
        rows=found.rows,
        next_cursor=found.next_cursor,
        cursor=cursor,
        **await at_the_desk(look, "organizations"),
    )


@router.get("/organizations/{id}")
async def show_one(
    request: Request,
    caller: CurrentUser,
    organization: Organization,
    look: Look,
    context: InContext,
    cursor: str | None = None,
) -> Response:
    """Show one organization: who is in it, who is invited, and what the caller can do."""
    return page(request, "organization.html", **await shown(look, caller, organization, cursor, context))


async def _mine(look: Services, caller: Identity) -> dict[str, Any]:
    return {
        "places": await look.organizations.mine(caller.id),
        "offers": await look.offers.waiting_for(caller),
        "sees_all": may(Act.LIST, None, caller.role),
        **await at_the_desk(look, "organizations"),
    }


def _line(place: Place, caller: Identity, member: Member) -> Line:
    over = may(Act.CHANGE_ROLE, place.role, caller.role, over=member.role)
    return Line(member, over or may(Act.REMOVE, place.role, caller.role, over=member.role))


def _open(place: Place, caller: Identity, found: OpenInvitation, settings: Settings) -> Open:
    one = found.invitation
    inviting = place.is_active and may(Act.INVITE, place.role, caller.role, over=one.role)
    return Open(
        one,
        found.inviter,
        can_go_again=inviting and one.email is not None and not settings.mail_goes_nowhere,
        can_be_handed_over=inviting and not (one.email and settings.mail_enabled),
        can_be_taken_back=may(Act.REMOVE, place.role, caller.role, over=one.role),
    )
