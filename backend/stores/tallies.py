"""Counts kept with every change: how many accounts of which role and status, made on which day, seen in which hour."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import GONE, Role, Status, Tally, TallyKind

Counted = tuple[Role, Status, datetime | None]
"""What of an account is counted: its role, its status, its last sign-in."""


class TallyStore:
    """The `tallies` table within one transaction.

    Changes of role and status happen behind the installation's lock. Sign-ins do not: they, and only they, are
    counted last in a transaction, the later hour first, so that no two wait for each other.
    """

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def registered(self, role: Role, status: Status, at: datetime, number: int = 1) -> None:
        """Count new accounts."""
        await self._add(
            Counter({(TallyKind.PEOPLE, f"{role}/{status}"): number, (TallyKind.REGISTERED, f"{at:%Y-%m-%d}"): number})
        )

    async def changed(self, before: Counter[Counted], after: Counter[Counted]) -> None:
        """Count accounts anew whose role or status changed."""
        changes: Counter[tuple[TallyKind, str]] = Counter()
        for counted, sign in ((before, -1), (after, 1)):
            for (role, status, seen), number in counted.items():
                changes[TallyKind.PEOPLE, f"{role}/{status}"] += sign * number
                if seen and status not in GONE:
                    changes[TallyKind.SEEN, _hour(seen)] += sign * number
        await self._add(changes)

    async def seen(self, before: datetime | None, now: datetime) -> None:
        """Count a sign-in where the account was not seen in the same hour before."""
        if before is None or _hour(before) != _hour(now):
            await self._add(
                Counter({(TallyKind.SEEN, _hour(now)): 1, **({(TallyKind.SEEN, _hour(before)): -1} if before else {})})
            )

    async def people(self) -> Counter[tuple[Role, Status]]:
        """Return how many accounts there are by role and status."""
        found = await self._of(TallyKind.PEOPLE, "")
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

    async def _add(self, changes: Counter[tuple[TallyKind, str]]) -> None:
        table: Table = Tally.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`
        connection = await self._session.connection()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        for (kind, key), count in sorted(changes.items(), reverse=True):
            if count:
                new = dialect.insert(table).values(kind=kind, key=key, count=count)
                more = {"count": table.c.count + new.excluded.count}
                await connection.execute(new.on_conflict_do_update(index_elements=["kind", "key"], set_=more))


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H}"
