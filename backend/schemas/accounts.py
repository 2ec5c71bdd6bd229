"""Accounts as answers show them, in more words or in fewer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field, computed_field

from backend.models import MembershipRole, Role, Status
from backend.schemas.answers import FromDomain
from backend.stores.organizations import Standing


class OwnUser(FromDomain):
    """A person's own account, as dialect C shows it."""

    id: UUID
    email: str
    username: str
    full_name: str | None
    institution: str | None
    approval_note: str | None
    profile_image_url: str | None
    role: Role
    is_active: bool
    is_superuser: bool
    is_verified: bool
    is_approved: bool
    status: Status
    approved_by: UUID | None
    approved_at: datetime | None
    must_change_password: bool
    tier_id: int | None
    created_at: datetime
    updated_at: datetime
    last_login: datetime | None

    @computed_field  # type: ignore[prop-decorator]  # Pydantic's own way
    @property
    def name(self) -> str | None:
        """The full name once more, as some clients call it."""
        return self.full_name


class Account(OwnUser):
    """An account, as dialects B1 and B3 show it: with how it ends, and ended."""

    decision_reason: str | None
    access_expires_at: datetime | None
    suspended_until: datetime | None
    deleted_at: datetime | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_deleted(self) -> bool:
        """Whether the account is deleted, to be restored or not."""
        return self.deleted_at is not None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def email_verified(self) -> bool:
        """`is_verified` once more."""
        return self.is_verified


def fields(user: object) -> dict[str, Any]:
    """Return the fields of an account, for an answer that has more than these."""
    return Account.model_validate(user).model_dump(exclude={"name", "is_deleted", "email_verified"})


class OwnPlace(BaseModel):
    """An organization somebody is in, and as what."""

    id: UUID
    name: str
    role: MembershipRole
    is_active: bool
    """Whether it works: one of its owners has an active account."""


def own_places(standings: Sequence[Standing]) -> list[OwnPlace]:
    """Return what an answer says of the organizations somebody is in."""
    return [
        OwnPlace(id=one.organization.id, name=one.organization.name, role=one.role, is_active=one.is_active)
        for one in standings
        if one.role
    ]


class OwnAccount(OwnUser):
    """A person's own account with their organizations, as dialect C shows it."""

    organizations: list[OwnPlace]

    @classmethod
    def of(cls, user: object, standings: Sequence[Standing]) -> Self:
        """Show an account with where its person stands in organizations."""
        return cls(**fields(user), organizations=own_places(standings))


class PersonAnswer(Account):
    """An account with its organizations and numbers: files and bytes of the directory, sign-ins, live sessions."""

    organizations: list[OwnPlace]
    login_count: int
    file_count: int
    storage_bytes: int
    session_count: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def display_name(self) -> str:
        """What to call the person."""
        return self.full_name or self.username


class ChangedAnswer(Account):
    """An account after a change, and what happened."""

    message: str = "User updated successfully"


class PublicProfile(FromDomain):
    """What everybody may know about somebody."""

    id: UUID
    username: str
    name: str | None = Field(validation_alias="full_name")
    profile_image_url: str | None
    created_at: datetime


class Received(BaseModel):
    """The one answer to everybody who signs up where registration is private."""

    message: str = "Your request has been received. We send you a mail with the next steps."
