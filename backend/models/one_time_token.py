"""One-time tokens: they prove an address or allow a new password."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, new_id, words


class TokenPurpose(StrEnum):
    """What a one-time token is good for; never for anything else (ASVS 9.2.2)."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105  # a purpose, not a password


class OneTimeToken(SQLModel, table=True):
    """A one-time token's digest, bound to account, purpose and address; `used_at` is set by compare-and-swap."""

    __tablename__ = "one_time_tokens"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    purpose: TokenPurpose = Field(sa_type=words(TokenPurpose))
    digest: str = Field(max_length=64, unique=True)
    email_key: str = Field(max_length=1024)
    mail_id: UUID | None = Field(default=None)
    """The mail that carries it. A mail that is sent twice carries two tokens, both good until one is used."""
    created_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
