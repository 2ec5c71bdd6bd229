"""Audit records: added, read, never changed."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import AuditEvent
from backend.stores.database import insert


class AuditStore:
    """The `audit_events` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add(self, event: AuditEvent) -> None:
        """Add a record."""
        await insert(self._session, event)

    async def about(
        self, target_id: UUID, limit: int, *, only: str | None = None, without: Collection[str] = ()
    ) -> Sequence[AuditEvent]:
        """Return what happened to an account, newest first, `only` one kind of action or `without` some."""
        query = select(AuditEvent).where(AuditEvent.target_id == target_id, col(AuditEvent.action).not_in(without))
        if only:
            query = query.where(AuditEvent.action == only)
        query = query.order_by(col(AuditEvent.at).desc(), col(AuditEvent.id).desc()).limit(limit)
        return (await self._session.exec(query)).all()

    async def count(self, actions: Collection[str]) -> Mapping[tuple[str, str | None], int]:
        """Count the records of these actions, by action and reason."""
        query = select(AuditEvent.action, AuditEvent.reason, func.count())
        query = query.where(col(AuditEvent.action).in_(actions))
        rows = await self._session.exec(query.group_by(col(AuditEvent.action), col(AuditEvent.reason)))
        return {(action, reason): count for action, reason, count in rows.all()}
