"""Sessions, and the refresh tokens that belong to them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, new_id, words


class Carrier(StrEnum):
    """What carries the credential of a session."""

    BEARER = "bearer"
    COOKIE = "cookie"
    OPAQUE = "opaque"
    """A string that stands in the body of each call (dialect B0)."""


class SessionEnd(StrEnum):
    """Why a session ended, as the audit records it."""

    USER_LOGOUT = "user_logout"
    USER_LOGOUT_ALL = "user_logout_all"
    USER_REVOKE = "user_revoke"
    PASSWORD_CHANGE = "password_change"  # noqa: S105  # a reason, not a password
    ADMIN = "admin"
    INACTIVITY = "inactivity"
    EXPIRED = "expired"
    REFRESH_REUSE = "refresh_reuse"
    AGENT_CHANGE = "agent_change"
    TOO_MANY = "too_many"
    STATUS = "status"


class UserSession(SQLModel, table=True):
    """One sign-in. It lives until its absolute end, unless idleness or somebody ends it before."""

    __tablename__ = "sessions"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    carrier: Carrier = Field(sa_type=words(Carrier))
    credential_digest: str | None = Field(default=None, max_length=64, unique=True)
    """SHA-256 of the cookie or the opaque string; None: access tokens name their session by id."""
    remembered: bool = False
    epoch: int = 0
    """The person's `token_epoch` at the sign-in; a session of an older epoch is over."""
    created_at: datetime = Field(sa_type=UTCDateTime)
    last_activity: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_because: SessionEnd | None = Field(default=None, sa_type=words(SessionEnd))
    ip_address: str | None = Field(default=None, max_length=64)
    user_agent: str | None = Field(default=None, max_length=400)
    agent: str | None = Field(default=None, max_length=64)
    """The family of the user agent, such as `Firefox on Linux`."""
    device_id: str | None = Field(default=None, max_length=200)
    device_name: str | None = Field(default=None, max_length=200)
    device_type: str | None = Field(default=None, max_length=200)


class RefreshToken(SQLModel, table=True):
    """A refresh token: its digest only, good for one use (RFC 9700 §4.14)."""

    __tablename__ = "refresh_tokens"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    session_id: UUID = Field(foreign_key="sessions.id", ondelete="CASCADE", index=True)
    """The family: all refresh tokens of a session descend from the one its sign-in gave."""
    digest: str = Field(max_length=64, unique=True)
    created_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    salt: str | None = Field(default=None, max_length=64)
    """Set when it is used: token and salt together give its successor, so that an exact retry gets the same one."""
