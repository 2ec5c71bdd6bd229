"""Organizations, `/api/v1/organizations`: one's own, who is in them, and who they belong to."""

from typing import Annotated

from fastapi import APIRouter, Query

from backend.routes.deps import CurrentUser, Look, Work
from backend.routes.paths import PathId
from backend.schemas.answers import Envelope, Message, said
from backend.schemas.organizations import (
    EnvelopedPage,
    MemberAnswer,
    OrganizationAnswer,
    OrganizationBody,
    OrganizationsQuery,
    OrganizationWithOwners,
    PageQuery,
    RoleBody,
    SuccessorBody,
)
from backend.services import Services
from backend.services.identity import Identity
from backend.services.members import Member
from backend.services.organizations import Place

router = APIRouter(prefix="/api/v1/organizations", tags=["Organizations"])

ONE = "/{id}"
MEMBER = "/{id}/members/{user_id}"


@router.get("", response_model=EnvelopedPage[OrganizationWithOwners] | EnvelopedPage[OrganizationAnswer])
async def list_organizations(
    caller: CurrentUser, look: Look, query: Annotated[OrganizationsQuery, Query()]
) -> EnvelopedPage[OrganizationWithOwners] | EnvelopedPage[OrganizationAnswer]:
    """List one's organizations by name, or, for administrators, `all` there are, newest first."""
    if query.all:
        return await _everybodys(look, caller, query)
    places = await look.organizations.mine(caller.id)
    return EnvelopedPage(
        data=[organization_of(place) for place in places], message="Organizations retrieved successfully"
    )


@router.post("", status_code=201)
async def create(body: OrganizationBody, caller: CurrentUser, work: Work) -> Envelope[OrganizationAnswer]:
    """Make an organization; the caller is its owner."""
    place = await work.organizations.create(caller, body.name)
    return Envelope(data=organization_of(place), message="Organization created successfully")


@router.get(ONE)
async def show(id: PathId, caller: CurrentUser, look: Look) -> Envelope[OrganizationAnswer]:  # noqa: A002
    """Show an organization one is in."""
    place = await look.organizations.one(caller, id)
    return Envelope(data=organization_of(place), message="Organization retrieved successfully")


@router.patch(ONE)
async def rename(
    id: PathId,  # noqa: A002
    body: OrganizationBody,
    caller: CurrentUser,
    work: Work,
) -> Envelope[OrganizationAnswer]:
    """Give an organization another name."""
    place = await work.organizations.rename(caller, id, body.name)
    return Envelope(data=organization_of(place), message="Organization updated successfully")


@router.delete(ONE)
async def delete(id: PathId, caller: CurrentUser, work: Work) -> Envelope[Message]:  # noqa: A002
    """Delete an organization for good; whoever was in it is told by mail."""
    await work.organizations.delete(caller, id)
    return said("Organization deleted successfully")


@router.get("/{id}/members")
async def list_members(
    id: PathId,  # noqa: A002
    caller: CurrentUser,
    look: Look,
    query: Annotated[PageQuery, Query()],
) -> EnvelopedPage[MemberAnswer]:
    """List who is in an organization, those who came first first."""
    page = await look.members.page(caller, id, query.cursor, query.items_per_page)
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
    member = await work.members.change_role(caller, id, user_id, body.role)
    return Envelope(data=_member(member), message="Role updated successfully")


@router.delete(MEMBER)
async def remove(id: PathId, user_id: PathId, caller: CurrentUser, work: Work) -> Envelope[Message]:  # noqa: A002
    """Take a member out, or leave oneself."""
    await work.members.remove(caller, id, user_id)
    return said("Member removed successfully")


@router.post("/{id}/leave")
async def leave(id: PathId, caller: CurrentUser, work: Work) -> Envelope[Message]:  # noqa: A002
    """Leave an organization; the last owner who could look after it cannot."""
    await work.members.leave(caller, id)
    return said("You have left the organization")


@router.post("/{id}/transfer")
async def transfer(
    id: PathId,  # noqa: A002
    body: SuccessorBody,
    caller: CurrentUser,
    work: Work,
) -> Envelope[OrganizationAnswer]:
    """Make a member owner; the caller is admin afterwards, if they were owner."""
    place = await work.members.transfer(caller, id, body.user_id)
    return Envelope(data=organization_of(place), message="Organization transferred successfully")


async def _everybodys(look: Services, caller: Identity, query: PageQuery) -> EnvelopedPage[OrganizationWithOwners]:
    page = await look.organizations.all(caller, query.cursor, query.items_per_page)
    shown = [
        OrganizationWithOwners(**organization_of(row.place).model_dump(), owners=list(row.owners)) for row in page.rows
    ]
    return EnvelopedPage(data=shown, message="Organizations retrieved successfully", next_cursor=page.next_cursor)


def organization_of(place: Place) -> OrganizationAnswer:
    """Return what an answer says of an organization."""
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
