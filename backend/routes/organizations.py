"""Organizations, `/api/v1/organizations`: one's own, who is in them, and how people come into them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from backend.models import Invitation
from backend.routes.deps import CurrentUser, Look, Work
from backend.routes.paths import PathId
from backend.schemas.organizations import (
    EnvelopedPage,
    InvitationAnswer,
    InvitationBody,
    InvitedAnswer,
    MemberAnswer,
    OfferAnswer,
    OpenInvitationAnswer,
    OrganizationAnswer,
    OrganizationBody,
    OrganizationsQuery,
    OverviewAnswer,
    PageQuery,
    RoleBody,
    SuccessorBody,
    TokenBody,
)
from backend.schemas.session_service import Envelope, Message
from backend.services import Services
from backend.services.identity import Identity
from backend.services.invitations import Invited
from backend.services.organizations import Member, Place

router = APIRouter(prefix="/api/v1/organizations", tags=["Organizations"])

ONE = "/{id}"
MEMBER = "/{id}/members/{user_id}"
INVITATION = "/{id}/invitations/{invitation_id}"


@router.get("", response_model=EnvelopedPage[OverviewAnswer] | EnvelopedPage[OrganizationAnswer])
async def list_organizations(
    caller: CurrentUser, look: Look, query: Annotated[OrganizationsQuery, Query()]
) -> EnvelopedPage[OverviewAnswer] | EnvelopedPage[OrganizationAnswer]:
    """List one's organizations by name, or, for administrators, `all` there are, newest first."""
    if query.all:
        return await _everybodys(look, caller, query)
    places = await look.organizations.mine(caller.id)
    return EnvelopedPage(
        data=[_organization(place) for place in places], message="Organizations retrieved successfully"
    )


@router.post("", status_code=201)
async def create(body: OrganizationBody, caller: CurrentUser, work: Work) -> Envelope[OrganizationAnswer]:
    """Make an organization; the caller is its owner."""
    place = await work.organizations.create(caller, body.name)
    return Envelope(data=_organization(place), message="Organization created successfully")


@router.post("/invitations/look")
async def look_at_invitation(body: TokenBody, look: Look) -> Envelope[OfferAnswer]:
    """Show what an invitation offers to whoever brings its token."""
    offer = await look.invitations.look(body.token)
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
    place = await work.invitations.accept(caller, body.token)
    return Envelope(data=_organization(place), message="Invitation accepted successfully")


@router.post("/invitations/decline")
async def decline(body: TokenBody, work: Work) -> Envelope[Message]:
    """Turn an invitation down; nobody can use it any more."""
    await work.invitations.decline(body.token)
    return _said("Invitation declined successfully")


@router.get(ONE)
async def show(id: PathId, caller: CurrentUser, look: Look) -> Envelope[OrganizationAnswer]:  # noqa: A002
    """Show an organization one is in."""
    place = await look.organizations.one(caller, id)
    return Envelope(data=_organization(place), message="Organization retrieved successfully")


@router.patch(ONE)
async def rename(
    id: PathId,  # noqa: A002
    body: OrganizationBody,
    caller: CurrentUser,
    work: Work,
) -> Envelope[OrganizationAnswer]:
    """Give an organization another name."""
    place = await work.organizations.rename(caller, id, body.name)
    return Envelope(data=_organization(place), message="Organization updated successfully")


@router.delete(ONE)
async def delete(id: PathId, caller: CurrentUser, work: Work) -> Envelope[Message]:  # noqa: A002
    """Delete an organization for good; whoever was in it is told by mail."""
    await work.organizations.delete(caller, id)
    return _said("Organization deleted successfully")


@router.get("/{id}/members")
async def list_members(
    id: PathId,  # noqa: A002
    caller: CurrentUser,
    look: Look,
    query: Annotated[PageQuery, Query()],
) -> EnvelopedPage[MemberAnswer]:
    """List who is in an organization, those who came first first."""
    page = await look.organizations.members(caller, id, query.cursor, query.items_per_page)
    members = [_member(member) for member in page.rows]
    return EnvelopedPage(data=members, message="Members retrieved successfully", next_cursor=page.next_cursor)


@router.patch(MEMBER)
async def change_role(
    id: PathId,  # noqa: A002
    user_id: PathId,
    body: RoleBody,
    caller: CurrentUser,
    work: Work,
) -> Envelope[MemberAnswer]:
    """Let a member be owner, admin or member."""
    member = await work.organizations.change_role(caller, id, user_id, body.role)
    return Envelope(data=_member(member), message="Role updated successfully")


@router.delete(MEMBER)
async def remove(id: PathId, user_id: PathId, caller: CurrentUser, work: Work) -> Envelope[Message]:  # noqa: A002
    """Take a member out, or leave oneself."""
    await work.organizations.remove(caller, id, user_id)
    return _said("Member removed successfully")


@router.post("/{id}/leave")
async def leave(id: PathId, caller: CurrentUser, work: Work) -> Envelope[Message]:  # noqa: A002
    """Leave an organization; the last owner who could look after it cannot."""
    await work.organizations.leave(caller, id)
    return _said("You have left the organization")


@router.post("/{id}/transfer")
async def transfer(
    id: PathId,  # noqa: A002
    body: SuccessorBody,
    caller: CurrentUser,
    work: Work,
) -> Envelope[OrganizationAnswer]:
    """Make a member owner; the caller is admin afterwards, if they were owner."""
    place = await work.organizations.transfer(caller, id, body.user_id)
    return Envelope(data=_organization(place), message="Organization handed over successfully")


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


@router.delete(INVITATION)
async def revoke(id: PathId, invitation_id: PathId, caller: CurrentUser, work: Work) -> Envelope[Message]:  # noqa: A002
    """Take an open invitation back: its mails and links open nothing any more."""
    await work.invitations.revoke(caller, id, invitation_id)
    return _said("Invitation revoked successfully")


@router.post(INVITATION + "/link", status_code=201)
async def make_link(
    id: PathId,  # noqa: A002
    invitation_id: PathId,
    caller: CurrentUser,
    work: Work,
) -> Envelope[InvitedAnswer]:
    """Make another link of an open invitation, to be handed over."""
    invited = await work.invitations.link(caller, id, invitation_id)
    return Envelope(data=_invited(invited), message="Link created successfully")


@router.post(INVITATION + "/again")
async def send_again(
    id: PathId,  # noqa: A002
    invitation_id: PathId,
    caller: CurrentUser,
    work: Work,
) -> Envelope[InvitationAnswer]:
    """Send an open invitation by mail once more."""
    invitation = await work.invitations.again(caller, id, invitation_id)
    return Envelope(data=InvitationAnswer.model_validate(invitation), message="Invitation sent again")


async def _everybodys(look: Services, caller: Identity, query: PageQuery) -> EnvelopedPage[OverviewAnswer]:
    page = await look.organizations.all(caller, query.cursor, query.items_per_page)
    shown = [OverviewAnswer(**_organization(row.place).model_dump(), owners=list(row.owners)) for row in page.rows]
    return EnvelopedPage(data=shown, message="Organizations retrieved successfully", next_cursor=page.next_cursor)


def _organization(place: Place) -> OrganizationAnswer:
    return OrganizationAnswer(
        id=place.organization.id,
        name=place.organization.name,
        role=place.role,
        is_active=place.is_active,
        member_count=place.member_count,
        since=place.since,
        created_at=place.organization.created_at,
    )


def _member(member: Member) -> MemberAnswer:
    return MemberAnswer(
        user_id=member.user.id,
        username=member.user.username,
        full_name=member.user.full_name,
        profile_image_url=member.user.profile_image_url,
        is_active=member.user.is_active,
        role=member.role,
        since=member.since,
    )


def _fields(invitation: Invitation) -> dict[str, Any]:
    return InvitationAnswer.model_validate(invitation).model_dump()


def _invited(invited: Invited) -> InvitedAnswer:
    return InvitedAnswer(**_fields(invited.invitation), link=invited.link)


def _said(sentence: str) -> Envelope[Message]:
    return Envelope(data=Message(message=sentence), message=sentence)
