"""Audit records: added, read, never changed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import AuditEvent
from backend.models.types import new_id
from backend.stores.rows import insert_values
from backend.stores.tallies import TallyStore


class AuditStore:
    """The `audit_events` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session
        self.tallies = TallyStore(session)

    async def add_all(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Add records, given by the values of all their columns but the id."""
        await insert_values(self._session, AuditEvent, [{"id": new_id(), **event} for event in events])

    async def about(
        self, target_id: UUID, limit: int, *, only: str | None = None, without: Collection[str] = ()
    ) -> Sequence[AuditEvent]:
        """Return what happened to an account, newest first, `only` one kind of action or `without` some."""
        query = select(AuditEvent).where(AuditEvent.target_id == target_id, col(AuditEvent.action).not_in(without))
        if only:
            query = query.where(AuditEvent.action == only)
        query = query.order_by(col(AuditEvent.at).desc(), col(AuditEvent.id).desc()).limit(limit)
        return (await self._session.exec(query)).all()

    async def all_of(self, user_id: UUID, after: UUID | None, limit: int) -> Sequence[AuditEvent]:
        """Return what somebody did or what happened to them, oldest first, after the record `after`."""
        query = select(AuditEvent).where((col(AuditEvent.target_id) == user_id) | (col(AuditEvent.actor_id) == user_id))
        if after:
            query = query.where(col(AuditEvent.id) > after)
        return (await self._session.exec(query.order_by(col(AuditEvent.id)).limit(limit))).all()

    async def forget_details(self, user_id: UUID, actions: Collection[str]) -> None:
        """Empty the details of what happened to somebody, in records of these actions."""
        about = col(AuditEvent.target_id) == user_id, col(AuditEvent.action).in_(actions)
        await self._session.exec(update(AuditEvent).where(*about).values(details={}))

    async def forget_reasons(self, user_id: UUID, without: Collection[str]) -> None:
        """Remove the reasons from records about somebody, except from those of these actions."""
        about = col(AuditEvent.target_id) == user_id, col(AuditEvent.action).not_in(without)
        await self._session.exec(update(AuditEvent).where(*about).values(reason=None))

    async def forget_origins(self, user_id: UUID) -> None:
        """Remove addresses and user agents from records of what somebody did, or what was tried in their name."""
        theirs = (col(AuditEvent.actor_id) == user_id) | (
            (col(AuditEvent.target_id) == user_id) & col(AuditEvent.actor_id).is_(None)
        )
        await self._session.exec(update(AuditEvent).where(theirs).values(ip_address=None, user_agent=None))
