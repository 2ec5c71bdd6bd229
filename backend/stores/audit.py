"""Audit records: added, read, never changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, update
from sqlalchemy import text as sql
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import AuditEvent
from backend.models.types import new_id
from backend.stores import audit_walks
from backend.stores.audit_walks import REACH, Walk, WantedRecords
from backend.stores.pages import Page, Position, position
from backend.stores.rows import insert_values
from backend.stores.tallies import TallyStore


@dataclass(frozen=True)
class AuditPage(Page[AuditEvent]):
    """Some records. Where not all of them could be looked at, `searched_to` is how far back, and the cursor goes on."""

    searched_to: datetime | None = None


class AuditStore:
    """The `audit_events` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session
        self._embedded = session.get_bind().dialect.name == "sqlite"
        self.tallies = TallyStore(session)

    async def add_all(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Add records, given by the values of all their columns but the id."""
        await insert_values(self._session, AuditEvent, [{"id": new_id(), **event} for event in events])

    async def page(self, wanted: WantedRecords, cursor: str | None, limit: int, *, reach: int = REACH) -> AuditPage:
        """List records, the newest first, at the same cost however many there are.

        Where several conditions meet, it looks at no more than `reach` records, and may find fewer than there are.

        Raises:
            InvalidCursor: the cursor is not one that an earlier page handed out.
        """
        below, ways = wanted.below(position(cursor)), wanted.ways()
        if not self._embedded:  # a plan for any values at once would be far slower for some
            await (await self._session.connection()).execute(sql("SET LOCAL plan_cache_mode = force_custom_plan"))
        walk = Walk(ways[0], limit + 1)
        if len(ways) > 1:
            ends = await self._edges(audit_walks.edges(ways, below, reach))
            walk = audit_walks.farthest(ways, ends, wanted.since, reach)
        rows = await self._records(walk.newest(wanted, below, limit + 1))
        if len(rows) > limit:
            last = rows[limit - 1]
            return AuditPage(rows[:limit], Position(last.at, last.id).cursor())
        return AuditPage(rows, walk.edge.cursor() if walk.edge else None, walk.edge.at if walk.edge else None)

    async def about(
        self, target_id: UUID, limit: int, *, only: str | None = None, without: Collection[str] = ()
    ) -> Sequence[AuditEvent]:
        """Return what happened to an account, newest first, `only` one kind of action or `without` some."""
        query = select(AuditEvent).where(AuditEvent.target_id == target_id, col(AuditEvent.action).not_in(without))
        if only:
            query = query.where(AuditEvent.action == only)
        query = query.order_by(col(AuditEvent.at).desc(), col(AuditEvent.id).desc()).limit(limit)
        return (await self._session.exec(query)).all()

    async def last(
        self, target_ids: Collection[UUID], actions: Collection[str]
    ) -> Mapping[UUID, Mapping[str, datetime]]:
        """Tell when each of these actions happened last to each of these accounts, if it did."""
        alike = col(AuditEvent.target_id).in_(target_ids), col(AuditEvent.action).in_(actions)
        query = select(AuditEvent.target_id, AuditEvent.action, func.max(AuditEvent.at)).where(*alike)
        found: dict[UUID, dict[str, datetime]] = {}
        for target_id, action, at in (
            await self._session.exec(query.group_by(col(AuditEvent.target_id), col(AuditEvent.action)))
        ).all():
            if target_id:
                found.setdefault(target_id, {})[action] = at
        return found

    async def all_of(self, user_id: UUID, after: UUID | None, limit: int) -> Sequence[AuditEvent]:
        """Return what somebody did or what happened to them, oldest first, after the record `after`."""
        query = select(AuditEvent).where((col(AuditEvent.target_id) == user_id) | (col(AuditEvent.actor_id) == user_id))
        if after:
            query = query.where(col(AuditEvent.id) > after)
        return (await self._session.exec(query.order_by(col(AuditEvent.id)).limit(limit))).all()

    async def _edges(self, query: Select[Any]) -> Mapping[str, list[Position]]:
        found: dict[str, list[Position]] = {}
        for way, at, id_ in (await (await self._session.connection()).execute(query)).all():
            found.setdefault(way, []).append(Position(at, id_))
        return found

    async def _records(self, query: Select[Any]) -> Sequence[AuditEvent]:
        found = query.subquery()
        records = select(AuditEvent).join(found, col(AuditEvent.id) == found.c.id)
        return (await self._session.exec(records.order_by(found.c.at.desc(), found.c.id.desc()))).all()

    async def forget_details(self, user_id: UUID, actions: Collection[str]) -> None:
        """Empty the details of what happened to somebody, in records of these actions."""
        about = col(AuditEvent.target_id) == user_id, col(AuditEvent.action).in_(actions)
        await self._session.exec(update(AuditEvent).where(*about).values(details={}))

    async def forget_reasons(self, user_id: UUID, without: Collection[str]) -> None:
        """Remove the reasons from records about somebody, except from those of these actions."""
        about = col(AuditEvent.target_id) == user_id, col(AuditEvent.action).not_in(without)
        await self._session.exec(update(AuditEvent).where(*about).values(reason=None))

    async def forget_origins(self, user_id: UUID) -> None:
        """Remove addresses and user agents from records of what somebody did, or what was tried in their name.

        What a command did to them is no request, and stays marked as a command's.
        """
        by_request = col(AuditEvent.ip_address).is_not(None) | col(AuditEvent.request_id).is_not(None)
        tried = col(AuditEvent.actor_id).is_(None) & by_request
        theirs = (col(AuditEvent.actor_id) == user_id) | ((col(AuditEvent.target_id) == user_id) & tried)
        await self._session.exec(update(AuditEvent).where(theirs).values(ip_address=None, user_agent=None))
