"""Counts kept with every change: accounts by role, status, day and hour; what happened and who was active by day."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, String, delete, func, text, tuple_
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import GONE, Role, Status, Tally, TallyKind, User
from backend.stores.rows import insert

Counted = tuple[Role, Status, datetime | None, int | None]
"""What of an account is counted: its role, its status, its last sign-in, its tier."""
_OF_ROWS: Final = (TallyKind.PEOPLE, TallyKind.TIERED, TallyKind.REGISTERED, TallyKind.SEEN)
"""Kinds that can be recounted from rows; the others count events, which are not stored."""
_DAY: Final = len("2026-11-21/")
_LONGEST: Final = 100


class Wait(StrEnum):
    """Ranges of waiting times, by their upper bounds; each begins where the one before ends."""

    HOUR = "hour"
    DAY = "day"
    THREE_DAYS = "three_days"
    WEEK = "week"
    LONGER = "longer"


class TallyStore:
    """The `tallies` table within one transaction.

    Changes are collected on the session, for all stores that share it, and written just before the commit, in one
    order everywhere: so transactions cannot deadlock on counts, and wait for each other no longer than a commit.
    """

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    def registered(
        self, role: Role, status: Status, at: datetime, number: int = 1, *, tier_id: int | None = None
    ) -> None:
        """Count new accounts."""
        self._add({(TallyKind.PEOPLE, f"{role}/{status}"): number, (TallyKind.REGISTERED, f"{at:%Y-%m-%d}"): number})
        if tier_id is not None:
            self._add({(TallyKind.TIERED, f"{tier_id}/{role}/{status}"): number})

    def changed(self, before: Counter[Counted], after: Counter[Counted]) -> None:
        """Move accounts whose role, status or tier changed from one count to another."""
        changes: Counter[tuple[TallyKind, str]] = Counter()
        for counted, sign in ((before, -1), (after, 1)):
            for (role, status, seen, tier_id), number in counted.items():
                changes[TallyKind.PEOPLE, f"{role}/{status}"] += sign * number
                if tier_id is not None:
                    changes[TallyKind.TIERED, f"{tier_id}/{role}/{status}"] += sign * number
                if seen and status not in GONE:
                    changes[TallyKind.SEEN, _hour(seen)] += sign * number
        self._add(changes)

    def seen(self, before: datetime | None, now: datetime) -> None:
        """Count a sign-in where the account was not seen in the same hour before."""
        if before is None or _hour(before) != _hour(now):
            self._add({(TallyKind.SEEN, _hour(now)): 1, **({(TallyKind.SEEN, _hour(before)): -1} if before else {})})

    def recorded(self, at: datetime, action: str, why: str | None, number: int = 1) -> None:
        """Count audit records by day, action and, where it is given, `why`: one of our codes, never free text."""
        self._add({(TallyKind.HAPPENED, f"{at:%Y-%m-%d}/{_what(action, why)}"[:_LONGEST]): number})

    def decided(self, at: datetime, waits: Counter[Wait]) -> None:
        """Count decisions by day, and by how long the applicants had waited."""
        self._add({(TallyKind.WAITED, f"{at:%Y-%m-%d}/{wait}"): number for wait, number in waits.items()})

    def active(self, before: date | None, today: date, number: int = 1) -> None:
        """Count accounts as used today that were used last on the day `before` (None: never)."""
        self._add({(TallyKind.ACTIVE, str(today)): number})
        if before is None or week(before) != week(today):
            self._add({(TallyKind.ACTIVE, week(today)): number})

    async def people(self) -> Counter[tuple[Role, Status]]:
        """Return how many accounts there are by role and status."""
        found = Counter(await self._of(TallyKind.PEOPLE, ""))
        for (kind, key), count in _gathered(self._session).items():
            if kind is TallyKind.PEOPLE:
                found[key] += count
        parts = {tuple(key.split("/")): count for key, count in found.items()}
        return Counter({(Role(role), Status(status)): count for (role, status), count in parts.items()})

    async def tiered(self, tier_id: int | None = None) -> Mapping[int, Counter[tuple[Role, Status]]]:
        """Return how many accounts have each tier of their own, or this one, by role and status."""
        query = select(Tally.key, Tally.count).where(Tally.kind == TallyKind.TIERED)
        if tier_id is not None:
            query = query.where(col(Tally.key).startswith(f"{tier_id}/"))
        found: defaultdict[int, Counter[tuple[Role, Status]]] = defaultdict(Counter)
        for key, count in await self._session.exec(query):
            tier, role, status = key.split("/")
            found[int(tier)][Role(role), Status(status)] = count
        return found

    async def registrations(self, since: datetime) -> Mapping[str, int]:
        """Return how many accounts were made on each day, from the day of this moment on."""
        return await self._of(TallyKind.REGISTERED, f"{since:%Y-%m-%d}")

    async def seen_since(self, since: datetime) -> Mapping[str, int]:
        """Return how many accounts were last seen in each hour, from the hour of this moment on."""
        return await self._of(TallyKind.SEEN, _hour(since))

    async def happened(self, since: datetime, action: str, why: str | None = None) -> Mapping[str, int]:
        """Return how often something was recorded on each day, from the day of this moment on."""
        wanted, found = _what(action, why), Counter[str]()
        for day, what, count in await self.by_day(TallyKind.HAPPENED, since.date()):
            if what == wanted or (why is None and what.startswith(f"{wanted}/")):
                found[day] += count
        return found

    async def by_day(self, kind: TallyKind, since: date) -> Sequence[tuple[str, str, int]]:
        """Return all counts of a kind that counts something by day, as day, what and how many, from a day on."""
        return [(key[: _DAY - 1], key[_DAY:], count) for key, count in (await self._of(kind, str(since))).items()]

    async def by_week(self, kind: TallyKind, since: date) -> Sequence[tuple[str, str, int]]:
        """Return the same by week, under its Monday: a year then takes a tenth of the rows."""
        connection = await self._session.connection()
        day: ColumnElement[str] = func.substr(Tally.key, 1, _DAY - 1)
        if connection.dialect.name == "sqlite":
            monday: ColumnElement[str] = func.date(day, "weekday 0", "-6 days")
        else:
            monday = func.to_char(func.date_trunc("week", func.to_date(day, "YYYY-MM-DD")), "YYYY-MM-DD")
        what: ColumnElement[str] = func.substr(Tally.key, _DAY + 1)
        query = select(monday.label("monday"), what.label("what"), func.sum(Tally.count))
        query = query.where(Tally.kind == kind, Tally.key >= str(since)).group_by(text("monday"), text("what"))
        return [(monday_, what_, int(count)) for monday_, what_, count in (await self._session.exec(query)).all()]

    async def totals(self) -> Mapping[str, int]:
        """Return the totals of all counted audit records, by `action` or `action/why`."""
        what: ColumnElement[str] = func.substr(Tally.key, _DAY + 1)
        query = select(what, func.sum(Tally.count)).where(Tally.kind == TallyKind.HAPPENED)
        query = query.group_by(what)
        return {key: int(count) for key, count in (await self._session.exec(query)).all()}

    async def active_on(self, days: Collection[date], *, weekly: bool = False) -> Mapping[date, int]:
        """Return how many people used their account on each of these days, or in the weeks that hold them."""
        keys = {week(day) if weekly else str(day): day for day in days}
        query = select(Tally.key, Tally.count).where(Tally.kind == TallyKind.ACTIVE, col(Tally.key).in_(keys))
        return {keys[key]: count for key, count in (await self._session.exec(query)).all()}

    async def first_day(self, kind: TallyKind) -> date | None:
        """Return from which day on something has been counted by day."""
        query = select(func.min(Tally.key)).where(Tally.kind == kind, col(Tally.key).not_like("%W%"))
        first = (await self._session.exec(query)).one()
        return date.fromisoformat(first[: _DAY - 1]) if first else None

    async def sweep(self) -> None:
        """Remove hours in which nobody was seen last, and tiers that nobody has."""
        passing = col(Tally.kind).in_([TallyKind.SEEN, TallyKind.TIERED])
        empty = select(Tally.kind, Tally.key).where(passing, col(Tally.count) == 0).with_for_update(skip_locked=True)
        await self._session.exec(delete(Tally).where(tuple_(col(Tally.kind), col(Tally.key)).in_(empty)))

    async def _of(self, kind: TallyKind, since: str) -> dict[str, int]:
        rows = await self._session.exec(select(Tally.key, Tally.count).where(Tally.kind == kind, Tally.key >= since))
        return dict(rows.all())

    async def recount(self) -> None:
        """Recount the rows, in case they were changed past the stores; call it with the installation locked.

        Counts of events stay as they are: no row holds people's activity and waits. The table is locked, so that no
        count is lost that another transaction is about to commit.
        """
        connection = await self._session.connection()
        if connection.dialect.name == "postgresql":
            await connection.execute(text("LOCK TABLE tallies IN SHARE ROW EXCLUSIVE MODE"))
        day, hour = _texts(connection)
        alive = col(User.status).not_in(GONE), col(User.last_login).is_not(None)
        counts: Counter[tuple[TallyKind, str]] = Counter()
        people = await self._session.exec(select(User.role, User.status, func.count()).group_by(User.role, User.status))
        counts.update({(TallyKind.PEOPLE, f"{role}/{status}"): count for role, status, count in people.all()})
        having = select(User.tier_id, User.role, User.status, func.count()).where(col(User.tier_id).is_not(None))
        tiered = await self._session.exec(having.group_by(col(User.tier_id), User.role, User.status))
        counts.update(
            {(TallyKind.TIERED, f"{tier}/{role}/{status}"): count for tier, role, status, count in tiered.all()}
        )
        for kind, key, conditions in ((TallyKind.REGISTERED, day, ()), (TallyKind.SEEN, hour, alive)):
            rows = await self._session.exec(select(key, func.count()).where(*conditions).group_by(key))
            counts.update({(kind, found): count for found, count in rows.all()})
        await self._session.exec(delete(Tally).where(col(Tally.kind).in_(_OF_ROWS)))
        await insert(self._session, *[Tally(kind=kind, key=key, count=count) for (kind, key), count in counts.items()])

    def _add(self, changes: Mapping[tuple[TallyKind, str], int]) -> None:
        gathered = _gathered(self._session)
        for which, count in changes.items():
            gathered[which] += count


async def settle(session: AsyncSession) -> None:
    """Write the collected changes in one statement, as the last step of a transaction."""
    gathered = _gathered(session)
    rows = [{"kind": kind, "key": key, "count": count} for (kind, key), count in sorted(gathered.items()) if count]
    gathered.clear()
    if rows:
        connection = await session.connection()
        await connection.execute(_MORE[connection.dialect.name], rows)


def _gathered(session: AsyncSession) -> Counter[tuple[TallyKind, str]]:
    found: Counter[tuple[TallyKind, str]] = session.info.setdefault("tallies", Counter())
    return found


def week(day: date) -> str:
    """Name the week of a day (ISO 8601), as in `2026-W47`."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


def _more(dialect: Any) -> Any:  # noqa: ANN401  # the two modules have no type in common
    new = dialect.insert(Tally.__table__)  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`
    return new.on_conflict_do_update(
        index_elements=["kind", "key"],
        set_={"count": Tally.__table__.c.count + new.excluded.count},  # type: ignore[attr-defined]
    )


_MORE: Final = {"postgresql": _more(postgresql), "sqlite": _more(sqlite)}


def _what(action: str, why: str | None) -> str:
    return f"{action}/{why.lower()}" if why else str(action)


def _texts(connection: AsyncConnection) -> tuple[Any, Any]:
    """Return the day somebody registered and the hour they were seen, as the database writes our keys."""
    if connection.dialect.name == "sqlite":
        seen = func.replace(func.substr(sql_cast(User.last_login, String), 1, 13), " ", "T")
        return func.substr(sql_cast(User.created_at, String), 1, 10), seen
    seen = func.to_char(func.timezone("UTC", User.last_login), 'YYYY-MM-DD"T"HH24')
    return func.to_char(func.timezone("UTC", User.created_at), "YYYY-MM-DD"), seen


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H}"
