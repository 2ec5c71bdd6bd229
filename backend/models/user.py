"""A person's account."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, new_id, words


class Status(StrEnum):
    """Where in its life an account is; the one truth from which every flag is derived."""

    PENDING = "pending"
    REJECTED = "rejected"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"
    ANONYMIZED = "anonymized"


GONE: Final = (Status.DELETED, Status.ANONYMIZED)
"""States that no list shows unless it asks for them."""
NOT_LET_IN: Final = (Status.PENDING, Status.REJECTED)
"""States of people whom nobody has let in: what opens their account is a decision."""
CLOSED: Final = (Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED)
"""States out of which an administrator opens an account again."""


class Role(StrEnum):
    """What an active account may do."""

    USER = "user"
    APPROVER = "approver"
    ADMIN = "admin"


def _where(condition: str) -> dict[str, Any]:
    """Return the options of a partial index, for both databases."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class User(SQLModel, table=True):
    """One account. Whether names are free is decided by `Identifier`, not here."""

    __tablename__ = "users"
    __table_args__ = (
        Index("ix_users_status_created_at_id", "status", "created_at", "id"),
        Index("ix_users_created_at_id", "created_at", "id"),
        Index("ix_users_role_status_created_at_id", "role", "status", "created_at", "id"),
        Index("ix_users_seen_at_id", "seen_at", "id"),
        Index("ix_users_access_expires_at", "access_expires_at", **_where("access_expires_at IS NOT NULL")),
        Index("ix_users_suspended_until", "suspended_until", **_where("suspended_until IS NOT NULL")),
        Index("ix_users_tier_id_created_at_id", "tier_id", "created_at", "id", **_where("tier_id IS NOT NULL")),
        Index("ix_users_deleted_at", "deleted_at", **_where("deleted_at IS NOT NULL")),
    )

    DERIVED: ClassVar = frozenset({"is_active", "is_superuser", "is_approved"})
    """Names that look like columns to fastapi-users and are read-only views of `status`, `role` and `approved_at`."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    email: str = Field(sa_type=String(320))
    username: str = Field(sa_type=String(64))
    full_name: str | None = Field(default=None, max_length=100)
    institution: str | None = Field(default=None, max_length=200)
    approval_note: str | None = Field(default=None, max_length=2000)
    profile_image_url: str | None = Field(default=None, max_length=2000)
    hashed_password: str = Field(max_length=1024, repr=False)
    role: Role = Field(default=Role.USER, sa_type=words(Role))
    status: Status = Field(default=Status.PENDING, sa_type=words(Status))
    status_before_deletion: Status | None = Field(default=None, sa_type=words(Status))
    is_verified: bool = False
    must_change_password: bool = False
    password_expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    """When a temporary password stops opening the account (ASVS 6.4.1); None: never."""
    token_epoch: int = 0
    """Raised to invalidate all earlier sessions and tokens, also those that a restored backup brings back."""
    approved_by: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    approved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decision_reason: str | None = Field(default=None, max_length=1000)
    created_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)
    last_login: datetime | None = Field(default=None, sa_type=UTCDateTime)
    login_count: int = 0
    seen_at: datetime = Field(sa_type=UTCDateTime)
    """The last sign-in or, of those who never signed in, when the account was made."""
    active_on: date | None = None
    """The last day (UTC) on which the account was used; an account is counted once a day."""
    tier_id: int | None = Field(default=None, foreign_key="tiers.id", ondelete="RESTRICT")
    access_expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    """When the account stops working by itself; None: never."""
    suspended_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    """When a suspended account opens again by itself; None: when somebody opens it."""
    deleted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    def password_ran_out(self, now: datetime) -> bool:
        """Tell whether the password was a temporary one whose time is over."""
        return self.password_expires_at is not None and self.password_expires_at <= now

    @property
    def display_name(self) -> str:
        """What to call the person."""
        return self.full_name or self.username

    @property
    def is_active(self) -> bool:
        """Whether the account can be used now."""
        return self.status is Status.ACTIVE

    @is_active.setter
    def is_active(self, value: bool) -> None:
        raise _derived("is_active", value)

    @property
    def is_superuser(self) -> bool:
        """Whether the person may administer the installation."""
        return self.role is Role.ADMIN

    @is_superuser.setter
    def is_superuser(self, value: bool) -> None:
        raise _derived("is_superuser", value)

    @property
    def is_approved(self) -> bool:
        """Whether somebody, or the open door, has let the person in."""
        return self.approved_at is not None


def _derived(name: str, value: object) -> AttributeError:
    return AttributeError(f"{name} follows from the account's status or role and cannot be set to {value!r}")
