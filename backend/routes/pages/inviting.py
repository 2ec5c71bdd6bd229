"""People invited into an organization: by mail, by a link that is shown once, again, and not after all."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.errors import InvitationNotFound
from backend.identifiers import id_or
from backend.models import Invitation, MembershipRole
from backend.routes.deps import CurrentUser, InContext, Look, Work
from backend.routes.pages.forms import read_form
from backend.routes.pages.organizations import Organization, Stay, address_of, shown
from backend.routes.pages.questions import Question, ask
from backend.routes.pages.rendering import at_the_desk, go, go_saying, page
from backend.routes.pages.words import STANDINGS, exact
from backend.schemas.types import Text
from backend.services import Services, reading
from backend.services.identity import Identity
from backend.services.invitations import Invited

router = APIRouter(include_in_schema=False)


class InviteForm(BaseModel):
    """Whom, and as what; without an address it is whoever brings the link."""

    email: Text = ""
    role: MembershipRole = MembershipRole.MEMBER


async def read_invitation(
    request: Request, caller: CurrentUser, organization: Organization, context: InContext
) -> InviteForm:
    """Read the form that invites; a refused one comes back on the organization's page."""
    async with reading(context) as look:
        about = await shown(look, caller, organization, None, context)
    return await read_form(request, InviteForm, "organization.html", about)


async def get_invitation(invitation: str, caller: CurrentUser) -> UUID:
    """Return the invitation a page's path names.

    Raises:
        InvitationNotFound: the path names none.
    """
    return id_or(invitation, InvitationNotFound)


Which = Annotated[UUID, Depends(get_invitation)]


@router.get("/organizations/{id}/invitations")
async def find_form(caller: CurrentUser, organization: Organization) -> Response:
    """Lead to the form, also from the address at which a link was shown."""
    return go(address_of(organization))


@router.post("/organizations/{id}/invitations")
async def invite(
    request: Request,
    caller: CurrentUser,
    organization: Organization,
    body: Annotated[InviteForm, Depends(read_invitation)],
    work: Work,
) -> Response:
    """Invite somebody; a link to hand over is shown once."""
    invited = await work.invitations.invite(caller, organization, body.role, body.email.strip() or None)
    return await _answer(request, work, caller, organization, invited)


@router.post("/organizations/{id}/invitations/{invitation}/again", dependencies=[Stay])
async def send_again(
    request: Request, caller: CurrentUser, organization: Organization, which: Which, work: Work, context: InContext
) -> Response:
    """Send an invitation by mail once more."""
    invitation = await work.invitations.again(caller, organization, which)
    where = (
        "was sent again to" if context.settings.mail_enabled else "is printed again to the console of the server, for"
    )
    return go_saying(request, address_of(organization), f"The invitation {where} {invitation.email}.")


@router.post("/organizations/{id}/invitations/{invitation}/link", dependencies=[Stay])
async def make_link(
    request: Request, caller: CurrentUser, organization: Organization, which: Which, work: Work
) -> Response:
    """Make another link to an invitation, and show it once."""
    invited = await work.invitations.link(caller, organization, which)
    return await _answer(request, work, caller, organization, invited)


@router.get("/organizations/{id}/invitations/{invitation}/revoke")
async def show_question(
    request: Request, caller: CurrentUser, organization: Organization, which: Which, look: Look
) -> Response:
    """Say what taking an invitation back means, before it happens."""
    name = (await look.organizations.one(caller, organization)).organization.name
    invitation = await _open(look, caller, organization, which)
    whom = f"for {invitation.email}" if invitation.email else "by link"
    until = exact(invitation.expires_at)
    question = Question(
        title=f"Revoke the invitation {whom}?",
        lead=f"To {name}, as {STANDINGS[invitation.role][1]}, valid until {until}",
        consequences=(
            "Its links stop working immediately.",
            "Nobody is notified.",
            "This cannot be undone, but you can send a new invitation at any time.",
        ),
        label="Revoke invitation",
        path=f"{address_of(organization)}/invitations/{which}/revoke",
        back=address_of(organization),
        back_to=name,
        danger=True,
    )
    return ask(request, question, await at_the_desk(look, "organizations"))


@router.get("/organizations/{id}/invitations/{invitation}/{action}")
async def find_invitations(caller: CurrentUser, organization: Organization) -> Response:
    """Lead back to the list whoever comes to the address of one of its buttons again."""
    return go(address_of(organization))


@router.post("/organizations/{id}/invitations/{invitation}/revoke", dependencies=[Stay])
async def revoke(
    request: Request, caller: CurrentUser, organization: Organization, which: Which, work: Work
) -> Response:
    """Take an invitation back."""
    await work.invitations.revoke(caller, organization, which)
    return go_saying(request, address_of(organization), "The invitation was revoked.")


async def _answer(request: Request, work: Services, caller: Identity, organization: UUID, invited: Invited) -> Response:
    """Show the link that is to be handed over, or say that the mail is on its way."""
    email = invited.invitation.email
    if invited.link is None:
        return go_saying(request, address_of(organization), f"An invitation is on its way to {email}.")
    return page(
        request,
        "organization_link.html",
        invitation=invited.invitation,
        link=invited.link,
        place=await work.organizations.one(caller, organization),
        **await at_the_desk(work, "organizations"),
    )


async def _open(look: Services, caller: Identity, organization: UUID, which: UUID) -> Invitation:
    found = (one.invitation for one in await look.invitations.open(caller, organization))
    invitation = next((one for one in found if one.id == which), None)
    if invitation is None:
        raise InvitationNotFound
    return invitation
