"""Organizations, their members and invitations: `/api/v1/organizations`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from backend.models import MembershipRole
from backend.schemas.answers import Data, Envelope, FromDomain
from backend.schemas.types import Email, Id, PageSize, Strict, Text


class EnvelopedPage(Envelope[list[Data]]):
    """A page of a list; `next_cursor` fetches the next one, null where there is none."""

    next_cursor: str | None = None


class OrganizationBody(Strict):
    """What an organization is to be called."""

    name: Text


class RoleBody(Strict):
    """What a member is to be."""

    role: MembershipRole


class SuccessorBody(Strict):
    """Which member is to be owner."""

    user_id: Id


class InvitationBody(Strict):
    """Whom to invite as what; without an address whoever brings the link."""

    role: MembershipRole = MembershipRole.MEMBER
    email: Email | None = None


class TokenBody(Strict):
    """What stands behind `#token=` in the link of an invitation."""

    token: Text


class PageQuery(Strict):
    """Which page of a list."""

    cursor: Annotated[str, Field(max_length=500)] | None = None
    items_per_page: PageSize = 10


class OrganizationsQuery(PageQuery):
    """One's own organizations, all on one page, or `all` there are."""

    all: bool = False


class OrganizationAnswer(BaseModel):
    """An organization as the caller stands in it; `role` and `since` are null for administrators who are no members."""

    id: UUID
    name: str
    role: MembershipRole | None
    is_active: bool
    """Whether it works: one of its owners has an active account."""
    member_count: int
    since: datetime | None
    created_at: datetime


class OrganizationWithOwners(OrganizationAnswer):
    """An organization with the usernames of its owners."""

    owners: list[str]


class MemberAnswer(BaseModel):
    """Somebody in an organization."""

    user_id: UUID
    username: str
    full_name: str | None
    profile_image_url: str | None
    is_active: bool
    """Whether their account can be used now."""
    role: MembershipRole
    since: datetime


class InvitationAnswer(FromDomain):
    """An open invitation; without an address it is for whoever brings its link."""

    id: UUID
    role: MembershipRole
    email: str | None
    created_at: datetime
    expires_at: datetime


class OpenInvitationAnswer(InvitationAnswer):
    """An open invitation, and the username of whoever made it."""

    invited_by: str | None


class InvitedAnswer(InvitationAnswer):
    """An invitation with its link, where that is to be handed over; it is shown this once."""

    link: str | None


class OfferAnswer(BaseModel):
    """What an invitation says to whoever brings it."""

    organization_id: UUID
    organization: str
    role: MembershipRole
    inviter: str | None
    email: str | None
    expires_at: datetime
