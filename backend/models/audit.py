"""What happened, who did it, to whom, when, from where and why."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, json_object, new_id


class AuditEvent(SQLModel, table=True):
    """One record. Actor and target are ids without foreign keys: a record outlives what it tells of."""

    __tablename__ = "audit_events"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(sa_type=UTCDateTime, index=True)
    action: str = Field(max_length=64, index=True)
    actor_id: UUID | None = Field(default=None, index=True)
    target_id: UUID | None = Field(default=None, index=True)
    reason: str | None = Field(default=None, max_length=1000)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=json_object())
    ip_address: str | None = Field(default=None, max_length=64)
    user_agent: str | None = Field(default=None, max_length=400)
    request_id: str | None = Field(default=None, max_length=64)
