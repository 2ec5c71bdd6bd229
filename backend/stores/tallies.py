"""Counts kept with every change: how many accounts of which role and status, made on which day, seen in which hour."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import String, Table, delete, func
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import GONE, Role, Status, Tally, TallyKind, User
from backend.stores.rows import insert

Counted = tuple[Role, Status, datetime | None]
"""What of an account is counted: its role, its status, its last sign-in."""


class TallyStore:
    """The `tallies` table within one transaction.

    Changes are gathered on the session, for all stores that share it, and written just before the commit, in one
    order everywhere: so no two transactions wait for each other in a circle, and none for longer than a commit.
    """

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    def registered(self, role: Role, status: Status, at: datetime, number: int = 1) -> None:
        """Count new accounts."""
        self._add({(TallyKind.PEOPLE, f"{role}/{status}"): number, (TallyKind.REGISTERED, f"{at:%Y-%m-%d}"): number})

    def changed(self, before: Counter[Counted], after: Counter[Counted]) -> None:
        """Count accounts anew whose role or status changed."""
        changes: Counter[tuple[TallyKind, str]] = Counter()
        for counted, sign in ((before, -1), (after, 1)):
            for (role, status, seen), number in counted.items():
                changes[TallyKind.PEOPLE, f"{role}/{status}"] += sign * number
                if seen and status not in GONE:
                    changes[TallyKind.SEEN, _hour(seen)] += sign * number
        self._add(changes)

    def seen(self, before: datetime | None, now: datetime) -> None:
        """Count a sign-in where the account was not seen in the same hour before."""
        if before is None or _hour(before) != _hour(now):
            self._add({(TallyKind.SEEN, _hour(now)): 1, **({(TallyKind.SEEN, _hour(before)): -1} if before else {})})

    async def people(self) -> Counter[tuple[Role, Status]]:
        """Return how many accounts there are by role and status."""
        found = Counter(await self._of(TallyKind.PEOPLE, ""))
        for (kind, key), count in _gathered(self._session).items():
            if kind is TallyKind.PEOPLE:
                found[key] += count
        parts = {tuple(key.split("/")): count for key, count in found.items()}
        return Counter({(Role(role), Status(status)): count for (role, status), count in parts.items()})

    async def registrations(self, since: datetime) -> Mapping[str, int]:
        """Return how many accounts were made on each day, from the day of this moment on."""
        return await self._of(TallyKind.REGISTERED, f"{since:%Y-%m-%d}")

    async def seen_since(self, since: datetime) -> Mapping[str, int]:
        """Return how many accounts were last seen in each hour, from the hour of this moment on."""
        return await self._of(TallyKind.SEEN, _hour(since))

    async def sweep(self) -> None:
        """Remove hours in which nobody was seen last."""
        await self._session.exec(delete(Tally).where(col(Tally.kind) == TallyKind.SEEN, col(Tally.count) == 0))

    async def _of(self, kind: TallyKind, since: str) -> dict[str, int]:
        rows = await self._session.exec(select(Tally.key, Tally.count).where(Tally.kind == kind, Tally.key >= since))
        return dict(rows.all())

    async def recount(self) -> None:
        """Count the rows, where something has changed them past the stores; call it behind the installation's lock."""
        day, hour = _texts(await self._session.connection())
        alive = col(User.status).not_in(GONE), col(User.last_login).is_not(None)
        counts: Counter[tuple[TallyKind, str]] = Counter()
        people = await self._session.exec(select(User.role, User.status, func.count()).group_by(User.role, User.status))
        counts.update({(TallyKind.PEOPLE, f"{role}/{status}"): count for role, status, count in people.all()})
        for kind, key, conditions in ((TallyKind.REGISTERED, day, ()), (TallyKind.SEEN, hour, alive)):
            rows = await self._session.exec(select(key, func.count()).where(*conditions).group_by(key))
            counts.update({(kind, found): count for found, count in rows.all()})
        await self._session.exec(delete(Tally))
        await insert(self._session, *[Tally(kind=kind, key=key, count=count) for (kind, key), count in counts.items()])

    def _add(self, changes: Mapping[tuple[TallyKind, str], int]) -> None:
        gathered = _gathered(self._session)
        for which, count in changes.items():
            gathered[which] += count


async def settle(session: AsyncSession) -> None:
    """Write what has been gathered; the last thing that a transaction does."""
    gathered = _gathered(session)
    table: Table = Tally.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`
    for (kind, key), count in sorted(gathered.items()):
        if count:
            connection = await session.connection()
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            new = dialect.insert(table).values(kind=kind, key=key, count=count)
            more = {"count": table.c.count + new.excluded.count}
            await connection.execute(new.on_conflict_do_update(index_elements=["kind", "key"], set_=more))
    gathered.clear()


def _gathered(session: AsyncSession) -> Counter[tuple[TallyKind, str]]:
    found: Counter[tuple[TallyKind, str]] = session.info.setdefault("tallies", Counter())
    return found


def _texts(connection: AsyncConnection) -> tuple[Any, Any]:
    """Return the day somebody registered and the hour they were seen, as the database writes our keys."""
    if connection.dialect.name == "sqlite":
        seen = func.replace(func.substr(sql_cast(User.last_login, String), 1, 13), " ", "T")
        return func.substr(sql_cast(User.created_at, String), 1, 10), seen
    seen = func.to_char(func.timezone("UTC", User.last_login), 'YYYY-MM-DD"T"HH24')
    return func.to_char(func.timezone("UTC", User.created_at), "YYYY-MM-DD"), seen


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H}"
