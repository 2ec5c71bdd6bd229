"""Groups of people with owners of their own, and how people come into them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String
from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, new_id, words


class MembershipRole(StrEnum):
    """What a member may do in one organization; it says nothing about the installation."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class Organization(SQLModel, table=True):
    """A group of people. It works while one of its owners has an active account, and is inert otherwise."""

    __tablename__ = "organizations"
    __table_args__ = (Index("ix_organizations_created_at_id", "created_at", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(max_length=200)
    created_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)


class Membership(SQLModel, table=True):
    """One person in one organization."""

    __tablename__ = "memberships"
    __table_args__ = (
        Index("ix_memberships_organization_id_created_at_user_id", "organization_id", "created_at", "user_id"),
    )

    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    organization_id: UUID = Field(foreign_key="organizations.id", ondelete="CASCADE", primary_key=True)
    role: MembershipRole = Field(default=MembershipRole.MEMBER, sa_type=words(MembershipRole))
    created_at: datetime = Field(sa_type=UTCDateTime)


class Invitation(SQLModel, table=True):
    """An invitation to an organization: for the owner of an email address, or for whoever has its link."""

    __tablename__ = "invitations"
    __table_args__ = (Index("ix_invitations_organization_id_id", "organization_id", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organization_id: UUID = Field(foreign_key="organizations.id", ondelete="CASCADE")
    role: MembershipRole = Field(default=MembershipRole.MEMBER, sa_type=words(MembershipRole))
    email: str | None = Field(default=None, sa_type=String(320))
    """The invited address, as typed; None: whoever has the link."""
    email_key: str | None = Field(default=None, max_length=1024, index=True)
    invited_by: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    created_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    """When it was accepted; set once, by compare-and-swap."""
    used_by: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    """When it was taken back, or declined."""
    declined: bool = False
    """Whether the invited person declined."""


class InvitationToken(SQLModel, table=True):
    """The digest of a token that opens an invitation; each mail and each link shown carries one of its own.

    It is good only while its maker may still invite: otherwise people who were removed could come back by it.
    """

    __tablename__ = "invitation_tokens"

    digest: str = Field(primary_key=True, max_length=64)
    invitation_id: UUID = Field(foreign_key="invitations.id", ondelete="CASCADE", index=True)
    made_by: UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    created_at: datetime = Field(sa_type=UTCDateTime)
