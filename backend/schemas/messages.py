"""The ledger of mail."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from backend.models import MailPurpose, MailState
from backend.schemas.types import PageSize, Strict


class MessageQuery(Strict):
    """Which messages, and which page of them."""

    state: MailState | None = None
    purpose: MailPurpose | None = None
    user_id: UUID | None = None
    cursor: str | None = Field(default=None, max_length=500)
    items_per_page: PageSize = 10


class MessageBody(Strict):
    """Whom to send which link."""

    user_id: UUID
    purpose: Literal[MailPurpose.VERIFY_EMAIL, MailPurpose.RESET_PASSWORD]


class MessageAnswer(BaseModel):
    """One mail: to whom, what for, and what became of it. What it said is not kept."""

    id: UUID
    purpose: MailPurpose
    state: MailState
    user_id: UUID
    username: str
    email: str
    """The address of the account as it is now; of an invitation, the account that invites somebody."""
    about: str | None
    """The organization that it is about, as it was called then."""
    attempts: int
    why: str | None
    created_at: datetime
    due_at: datetime | None
    """When it is tried next; None if it is not."""
    sent_at: datetime | None


class MessagesPage(BaseModel):
    """A page of the ledger, the newest messages first, and how many there are in each state."""

    data: list[MessageAnswer]
    total_count: int
    has_more: bool
    items_per_page: int
    next_cursor: str | None
    states: dict[MailState, int]


class LinkAnswer(BaseModel):
    """A one-time link to hand over; it is shown this once."""

    link: str
    expires_at: datetime
