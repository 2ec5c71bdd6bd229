"""Demo data: the past of invented people, written many rows at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import Mail, MailState, Organization, User, UserSession
from backend.stores.rows import insert_values


class PastStore:
    """Sessions, sign-ins and mails of invented people, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add_sessions(self, sessions: Sequence[Mapping[str, Any]]) -> None:
        """Add sessions, given by the values of all their columns."""
        await insert_values(self._session, UserSession, sessions)

    async def note_sign_ins(self, last: Mapping[UUID, tuple[datetime, int]]) -> None:
        """Note on accounts, by id, their last sign-in and by how many sign-ins their number grows."""
        table: Table = User.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`
        change = update(table).where(table.c.id == bindparam("who"))
        change = change.values(
            last_login=bindparam("at"),
            seen_at=bindparam("at"),
            active_on=bindparam("day"),
            login_count=table.c.login_count + bindparam("more"),
        )
        rows = [{"who": who, "at": at, "day": at.date(), "more": more} for who, (at, more) in last.items()]
        if rows:
            await (await self._session.connection()).execute(change, rows)

    async def due(self, since: datetime, until: datetime) -> Sequence[Mail]:
        """Return the due mails that were queued between two moments."""
        queued = col(Mail.created_at) >= since, col(Mail.created_at) <= until
        return (
            await self._session.exec(select(Mail).where(Mail.state == MailState.DUE, *queued).order_by(col(Mail.id)))
        ).all()

    async def save(self, mails: Sequence[Mail]) -> None:
        """Save what has become of mails."""
        if mails:
            self._session.add_all(mails)
            await self._session.flush()

    async def organizations(self) -> int:
        """Count the organizations there are."""
        return (await self._session.exec(select(func.count()).select_from(Organization))).one()
