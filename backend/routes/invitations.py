"""How people come into organizations, `/api/v1/organizations/…/invitations`: invited by mail or by link."""

from typing import Any

from fastapi import APIRouter

from backend.models import Invitation
from backend.routes.deps import CurrentUser, Look, Work
from backend.routes.organizations import organization_of
from backend.routes.paths import PathId
from backend.schemas.answers import Envelope, Message, said
from backend.schemas.organizations import (
    InvitationAnswer,
    InvitationBody,
    InvitedAnswer,
    OfferAnswer,
    OpenInvitationAnswer,
    OrganizationAnswer,
    TokenBody,
)
from backend.services.invitations import Invited

router = APIRouter(prefix="/api/v1/organizations", tags=["Organizations"])

_ONE = "/{id}/invitations/{invitation_id}"


@router.post("/invitations/look")
async def look_at_invitation(body: TokenBody, look: Look) -> Envelope[OfferAnswer]:
    """Show what an invitation offers to whoever brings its token."""
    offer = await look.offers.look(body.token)
    answer = OfferAnswer(
        organization_id=offer.organization.id,
        organization=offer.organization.name,
        role=offer.role,
        inviter=offer.inviter,
        email=offer.email,
        expires_at=offer.expires_at,
    )
    return Envelope(data=answer, message="Invitation retrieved successfully")


@router.post("/invitations/accept")
async def accept(body: TokenBody, caller: CurrentUser, work: Work) -> Envelope[OrganizationAnswer]:
    """Come in by an invitation, which is used then."""
    place = await work.offers.accept(caller, body.token)
    return Envelope(data=organization_of(place), message="Invitation accepted successfully")


@router.post("/invitations/decline")
async def decline(body: TokenBody, work: Work) -> Envelope[Message]:
    """Turn an invitation down; nobody can use it any more."""
    await work.offers.decline(body.token)
    return said("Invitation declined successfully")


@router.get("/{id}/invitations")
async def list_invitations(
    id: PathId,  # noqa: A002
    caller: CurrentUser,
    look: Look,
) -> Envelope[list[OpenInvitationAnswer]]:
    """List the open invitations of an organization, the newest first."""
    found = await look.invitations.open(caller, id)
    shown = [OpenInvitationAnswer(**_fields(one.invitation), invited_by=one.inviter) for one in found]
    return Envelope(data=shown, message="Invitations retrieved successfully")


@router.post("/{id}/invitations", status_code=201)
async def invite(
    id: PathId,  # noqa: A002
    body: InvitationBody,
    caller: CurrentUser,
    work: Work,
) -> Envelope[InvitedAnswer]:
    """Invite somebody by mail, or without an address whoever brings the link."""
    invited = await work.invitations.invite(caller, id, body.role, body.email)
    return Envelope(data=_invited(invited), message="Invitation created successfully")


@router.delete(_ONE)
async def revoke(id: PathId, invitation_id: PathId, caller: CurrentUser, work: Work) -> Envelope[Message]:  # noqa: A002
    """Take an open invitation back: its mails and links open nothing any more."""
    await work.invitations.revoke(caller, id, invitation_id)
    return said("Invitation revoked successfully")


@router.post(_ONE + "/link", status_code=201)
async def make_link(
    id: PathId,  # noqa: A002
    invitation_id: PathId,
    caller: CurrentUser,
    work: Work,
) -> Envelope[InvitedAnswer]:
    """Make another link of an open invitation, to be handed over."""
    invited = await work.invitations.link(caller, id, invitation_id)
    return Envelope(data=_invited(invited), message="Link created successfully")


@router.post(_ONE + "/again")
async def send_again(
    id: PathId,  # noqa: A002
    invitation_id: PathId,
    caller: CurrentUser,
    work: Work,
) -> Envelope[InvitationAnswer]:
    """Send an open invitation by mail once more."""
    invitation = await work.invitations.again(caller, id, invitation_id)
    return Envelope(data=InvitationAnswer.model_validate(invitation), message="Invitation sent again")


def _fields(invitation: Invitation) -> dict[str, Any]:
    return InvitationAnswer.model_validate(invitation).model_dump()


def _invited(invited: Invited) -> InvitedAnswer:
    return InvitedAnswer(**_fields(invited.invitation), link=invited.link)
