"""Mail that is due: the outbox, and after sending its ledger."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, new_id, words


class MailPurpose(StrEnum):
    """Which mail; each has a template of that name."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105  # a purpose, not a password
    ACCOUNT_APPROVED = "account_approved"
    ACCOUNT_REJECTED = "account_rejected"
    NEW_DEVICE = "new_device"
    REFRESH_REUSE = "refresh_reuse"


_DUE: Final = "sent_at IS NULL"


class Mail(SQLModel, table=True):
    """A mail to one account. Purpose and account only: tokens are minted when it is sent, addresses are read then."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "id", postgresql_where=text(_DUE), sqlite_where=text(_DUE)),  # the few that are
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    purpose: MailPurpose = Field(sa_type=words(MailPurpose))
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    created_at: datetime = Field(sa_type=UTCDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime, index=True)
