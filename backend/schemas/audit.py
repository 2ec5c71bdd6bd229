"""The audit."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel


class AuditRecord(BaseModel):
    """One record: what happened, who did it, to whom, from where and why. What is not known is null."""

    id: UUID
    at: datetime
    action: str
    by: Literal["person", "nobody", "command_line", "service"]
    """Who acted: somebody who was signed in, somebody who was not, a command, or the service itself."""
    actor_id: UUID | None
    actor: str | None
    """The username as it is now."""
    target_id: UUID | None
    target: str | None
    reason: str | None
    """Of a refusal its error code; otherwise what somebody wrote, or a word of the service."""
    ip_address: str | None
    device: str | None
    """The family of the browser or program."""
    details: dict[str, Any]
    request_id: str | None


class AuditPage(BaseModel):
    """A page of the audit, the newest records first. There is no total: counting would take too long."""

    data: list[AuditRecord]
    has_more: bool
    items_per_page: int
    next_cursor: str | None
    searched_to: datetime | None
    """How far back this page has looked where it did not look at everything; there may be more behind it."""
