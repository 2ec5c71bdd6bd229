"""What happened, who did it, to whom, when, from where and why."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, json_object, new_id


class AuditEvent(SQLModel, table=True):
    """One record. Actor and target are ids without foreign keys: a record outlives what it tells of."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_at_id", "at", "id"),
        Index("ix_audit_events_action_at_id", "action", "at", "id"),
        Index("ix_audit_events_actor_id_at_id", "actor_id", "at", "id"),
        Index("ix_audit_events_target_id_at_id", "target_id", "at", "id"),
        Index("ix_audit_events_ip_address_at_id", "ip_address", "at", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(sa_type=UTCDateTime)
    action: str = Field(max_length=64)
    actor_id: UUID | None = None
    target_id: UUID | None = None
    reason: str | None = Field(default=None, max_length=1000)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=json_object())
    ip_address: str | None = Field(default=None, max_length=64)
    user_agent: str | None = Field(default=None, max_length=400)
    request_id: str | None = Field(default=None, max_length=64)
