"""The members of an organization, one by one: their roles, and how they leave it."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.errors import MemberNotFound
from backend.identifiers import id_or
from backend.routes.deps import CurrentUser, Look, Work
from backend.routes.pages.forms import BackTo
from backend.routes.pages.membership import ACTS, MemberAct, giving
from backend.routes.pages.notices import Undo
from backend.routes.pages.organizations import Organization, address_of, insist
from backend.routes.pages.questions import Question, ask
from backend.routes.pages.rendering import at_the_desk, go_saying, page
from backend.routes.pages.words import STANDINGS
from backend.services import Services
from backend.services.identity import Identity
from backend.services.members import Member
from backend.services.organizations import Place

router = APIRouter(include_in_schema=False)


async def get_member(member: str, caller: CurrentUser) -> UUID:
    """Return the member a page's path names.

    Raises:
        MemberNotFound: the path names none.
    """
    return id_or(member, MemberNotFound)


Whom = Annotated[UUID, Depends(get_member)]


async def get_act(request: Request, action: str, organization: Organization, whom: Whom) -> MemberAct:
    """Return the act a path names; if it is refused, the member's page says why.

    Raises:
        MemberNotFound: there is no such act.
    """
    if action not in ACTS:
        raise MemberNotFound("There is no such action.")
    request.state.again = BackTo(_address(organization, whom))
    return ACTS[action]


Wanted = Annotated[MemberAct, Depends(get_act)]


@router.get("/organizations/{id}/members/{member}")
async def show_member(
    request: Request, caller: CurrentUser, organization: Organization, whom: Whom, look: Look
) -> Response:
    """Show one member, and what the caller can do about them."""
    place, member = await _met(look, caller, organization, whom)
    return page(
        request,
        "member.html",
        place=place,
        member=member,
        acts=[act for act in ACTS.values() if act.offered(place, caller, member)],
        oneself=whom == caller.id,
        **await at_the_desk(look, "organizations"),
    )


@router.get("/organizations/{id}/members/{member}/{action}")
async def show_question(
    request: Request, caller: CurrentUser, organization: Organization, whom: Whom, wanted: Wanted, look: Look
) -> Response:
    """Say what will happen and to whom, before it happens."""
    place, member = await _met(look, caller, organization, whom)
    insist(place, caller, wanted.right, over=member.role)
    told = _told(place, member)
    question = Question(
        title=wanted.question.format_map(told),
        lead=f"{member.user.username}, currently {STANDINGS[member.role][1]}",
        consequences=wanted.told(place, caller, member),
        label=wanted.label,
        path=f"{_address(organization, whom)}/{wanted.key}",
        back=_address(organization, whom),
        back_to=told["name"],
        danger=wanted.danger,
    )
    return ask(request, question, await at_the_desk(look, "organizations"))


@router.post("/organizations/{id}/members/{member}/{action}")
async def act(
    request: Request, caller: CurrentUser, organization: Organization, whom: Whom, wanted: Wanted, work: Work
) -> Response:
    """Do it."""
    place, member = await _met(work, caller, organization, whom)
    await wanted.do(work, caller, organization, whom)
    undo = Undo(giving(member.role), whom, organization) if wanted.becomes and whom != caller.id else None
    return go_saying(request, address_of(organization), wanted.done.format_map(_told(place, member)), undo=undo)


async def _met(look: Services, caller: Identity, organization: UUID, whom: UUID) -> tuple[Place, Member]:
    place = await look.organizations.one(caller, organization)
    return place, await look.members.one(caller, organization, whom)


def _told(place: Place, member: Member) -> Mapping[str, str]:
    return {"name": member.user.display_name, "organization": place.organization.name}


def _address(organization: UUID, whom: UUID) -> str:
    return f"{address_of(organization)}/members/{whom}"
