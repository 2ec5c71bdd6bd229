"""A call about many accounts at once, and how far it has come."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, json_object


class BulkCall(SQLModel, table=True):
    """Kept under its Idempotency-Key: the same call again goes on where it stopped, or gets the same answer."""

    __tablename__ = "bulk_calls"

    actor_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    key: str = Field(primary_key=True, max_length=200)
    digest: str = Field(max_length=64)
    """SHA-256 of the call: another call under the same key is refused."""
    done: int = 0
    """How many of the sorted ids have been dealt with."""
    errors: dict[str, Any] = Field(default_factory=dict, sa_type=json_object())
    """Error code and message by account id."""
    created_at: datetime = Field(sa_type=UTCDateTime, index=True)
