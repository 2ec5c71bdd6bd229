"""Mail: the outbox of what is to be sent, and the ledger of what was."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, new_id, words


class MailPurpose(StrEnum):
    """Which mail; each has a template of that name."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105  # a purpose, not a password
    REGISTRATION_RECEIVED = "registration_received"
    ALREADY_REGISTERED = "already_registered"
    APPLICANTS_WAITING = "applicants_waiting"
    ACCOUNT_APPROVED = "account_approved"
    ACCOUNT_REJECTED = "account_rejected"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # a purpose, not a password
    EMAIL_CHANGED = "email_changed"
    USERNAME_CHANGED = "username_changed"
    NEW_DEVICE = "new_device"
    REFRESH_REUSE = "refresh_reuse"
    SIGN_IN_BLOCKED = "sign_in_blocked"
    ORGANIZATION_INVITATION = "organization_invitation"
    ORGANIZATION_DELETED = "organization_deleted"
    OWNERSHIP_RECEIVED = "ownership_received"
    MEMBERSHIP_ENDED = "membership_ended"


class MailState(StrEnum):
    """How far a mail has come."""

    DUE = "due"
    """It waits for its moment: the first, or the next after a failure that may pass."""
    SENT = "sent"
    """It is being handed to the mail server, which has not answered yet."""
    ACCEPTED = "accepted"
    """The mail server took it."""
    FAILED = "failed"
    """The mail server refused it for good, or was away for too long."""
    SUPPRESSED = "suppressed"
    """It was never sent: there is no mail server, it would be one too many, or it is not true any more."""


OPEN: Final = "state IN ('due', 'sent')"
"""SQL condition for mails that are not concluded; the partial index on these few is written the same way."""


class Mail(SQLModel, table=True):
    """A mail to one account, without its text: tokens are made and addresses are read when it is sent."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "priority", "due_at", postgresql_where=text(OPEN), sqlite_where=text(OPEN)),
        Index("ix_outbox_state_id", "state", "id"),
        Index("ix_outbox_user_id_purpose_created_at", "user_id", "purpose", "created_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    purpose: MailPurpose = Field(sa_type=words(MailPurpose))
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    address: str | None = Field(default=None, sa_type=String(320))
    """The recipient, if it is not the account's own address: the former address after a change, or that of somebody the
    account has invited."""
    about: str | None = Field(default=None, max_length=200)
    """The name of the organization it is about, if any; the organization may be deleted before it is sent."""
    invitation_id: UUID | None = Field(default=None, index=True)
    """The invitation it carries."""
    state: MailState = Field(default=MailState.DUE, sa_type=words(MailState))
    priority: int = 2
    """0 for new passwords, 1 for proofs of address, 2 for news, 3 for invitations; lower ones go first."""
    due_at: datetime = Field(sa_type=UTCDateTime)
    """When to send it or, while it is being sent, when the lease of its sender ends."""
    attempts: int = 0
    why: str | None = Field(default=None, max_length=200)
    """Why the last attempt failed, or why it was not sent."""
    created_at: datetime = Field(sa_type=UTCDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime, index=True)
    """When the mail server took it."""
