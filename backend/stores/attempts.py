"""Attempts to sign in, counted in the database: one count for all processes, which no restart forgets."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from sqlalchemy import ColumnElement, case, delete, not_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from backend.models import SignInAttempts
from backend.stores.counters import Limit
from backend.stores.database import Database
from backend.stores.lockouts import ABANDONED, Attempts

_KEPT: Final = timedelta(days=3)
"""Longer than the longest window, the longest lockout and the time that levels are kept, together."""
_AFTER_ALL_HEX: Final = "g"


@dataclass(frozen=True)
class Tried:
    """The rows of `sign_in_attempts` that count one attempt, by their subjects.

    `subject` is the account or, if the device is known, this device alone. An attempt by an unknown device is counted
    for its network too: `pair` for this account, `network` for all accounts.
    """

    subject: str
    pair: str | None = None
    network: str | None = None


@dataclass(frozen=True)
class Room:
    """Whether one more attempt may begin.

    If not `free`, `refusal` is a limit that was reached, for `opens_in` seconds more; None: attempts under way hold all
    places, those of the network or (`crowded`) only those of the account.
    """

    free: bool
    refusal: Limit | None = None
    opens_in: int = 0
    crowded: bool = False


_FREE: Final = Room(free=True)
_TAKEN: Final = Room(free=False)
_CROWDED: Final = Room(free=False, crowded=True)


@dataclass(frozen=True)
class Wrong:
    """The state after a wrong password: the nearest limit, what remains of it, and in how many seconds it resets."""

    limit: Limit
    remaining: int
    resets_in: int
    closed_at_first: bool
    """Whether this locked the account, for the first time in a day."""


class AttemptStore:
    """The `sign_in_attempts` table. Each call is a transaction of its own: a refused sign-in still counts.

    An attempt takes its place before the password is checked, so that many guesses at once cannot slip through. A
    place that is not given back, because its process died, is free again after a minute.
    """

    def __init__(self, database: Database, account: Limit, address: Limit) -> None:
        """Work on this database, with a limit for each account or device and one for each address."""
        self._database = database
        self._insert = sqlite.insert if database.embedded else postgresql.insert
        self._account, self._address = account, address

    async def enter(self, tried: Tried, now: datetime, inside: int) -> Room:
        """Take a place, if there is one; `inside` counts this process's attempts under way from the same network."""
        async with self._database.writing() as session:
            connection = await session.connection()
            if tried.network:
                failures, started_at = await self._from(connection, tried.network, now)
                if failures >= self._address.amount:
                    return _closed(self._address, started_at + _window(self._address), now)
                if failures + inside >= self._address.amount:
                    return _TAKEN
            values = {**_fresh(tried.subject, now), "under_way": 1}
            inserted: Any = self._insert(SignInAttempts).values(values).on_conflict_do_nothing()
            if (await connection.execute(inserted.returning(col(SignInAttempts.subject)))).first():
                return _FREE
            known = await self._lock(connection, tried.subject, now)
            if shut_until := known.shut_until(self._account):
                return _closed(self._account, shut_until, now)
            if known.failures + known.under_way >= self._account.amount:
                return _CROWDED
            await _save(connection, tried.subject, replace(known, under_way=known.under_way + 1, touched_at=now))
        return _FREE

    async def give_back(self, tried: Tried, now: datetime, *, right: bool) -> None:
        """Give a place back; a right password clears the failures of its own device or network, and no others."""
        async with self._database.writing() as session:
            connection = await session.connection()
            if right and tried.pair is None:
                await connection.execute(delete(SignInAttempts).where(col(SignInAttempts.subject) == tried.subject))
                return
            alone = (
                col(SignInAttempts.subject) == tried.subject,
                col(SignInAttempts.failures) == 0,
                col(SignInAttempts.level) == 0,
                col(SignInAttempts.under_way) <= 1,
            )
            if (await connection.execute(delete(SignInAttempts).where(*alone).returning(alone[0]))).first():
                return
            known = await self._lock(connection, tried.subject, now)
            known = replace(known, under_way=max(0, known.under_way - 1))
            if right and tried.pair and known.failures:
                own: Any = delete(SignInAttempts).where(col(SignInAttempts.subject) == tried.pair)
                own = own.returning(col(SignInAttempts.failures), col(SignInAttempts.started_at))
                failures, started_at = (await connection.execute(own)).one_or_none() or (0, now)
                forgiven = failures if started_at == known.started_at else 0
                known = replace(known, failures=max(0, known.failures - forgiven))
            await _save(connection, tried.subject, known)

    async def wrong(self, tried: Tried, now: datetime) -> Wrong:
        """Give a place back after a wrong password, and count that in every row it concerns."""
        started = col(SignInAttempts.started_at)
        async with self._database.writing() as session:
            connection = await session.connection()
            before = await self._lock(connection, tried.subject, now)
            after = before.failed(now, self._account)
            await _save(connection, tried.subject, after)
            limit, failures, since = self._account, after.failures, after.started_at
            if tried.pair:  # only failures from the same network are shown
                failures, since = await self._add(connection, tried.pair, after.started_at, now, started != since)
            if tried.network:
                over = not_(self._recently(now))
                from_there = await self._add(connection, tried.network, now, now, over)
                if self._address.amount - from_there[0] < limit.amount - failures:
                    limit, (failures, since) = self._address, from_there
        remaining, until = max(0, limit.amount - failures), since + _window(limit)
        if after.closed_until:
            limit, remaining, until = self._account, 0, after.closed_until
        return Wrong(limit, remaining, _seconds(until, now), closed_at_first=(before.level, after.level) == (0, 1))

    async def forget(self, account: str, now: datetime) -> None:
        """Remove all rows of an account: those whose subject begins with `account`."""
        family = col(SignInAttempts.subject) >= account, col(SignInAttempts.subject) < account + _AFTER_ALL_HEX
        async with self._database.writing() as session:
            connection = await session.connection()
            await self._lock(connection, account, now)  # first, as everywhere: else two transactions could deadlock
            await connection.execute(delete(SignInAttempts).where(*family))

    async def remove_over(self, now: datetime, limit: int) -> int:
        """Remove rows that do not count any more; return how many."""
        subject, touched_at = col(SignInAttempts.subject), col(SignInAttempts.touched_at)
        idle = touched_at < now - max(_window(self._account), _window(self._address), ABANDONED)
        old = idle & (col(SignInAttempts.level) == 0) | (touched_at < now - _KEPT)
        async with self._database.writing() as session:
            some = select(subject).where(old).limit(limit).with_for_update(skip_locked=True)
            connection = await session.connection()
            result: Any = await connection.execute(delete(SignInAttempts).where(subject.in_(some)))
        return int(result.rowcount)

    async def _from(self, connection: AsyncConnection, network: str, now: datetime) -> tuple[int, datetime]:
        """Return the failures from a network, and when its window began."""
        recent = select(col(SignInAttempts.failures), col(SignInAttempts.started_at)).where(
            col(SignInAttempts.subject) == network, self._recently(now)
        )
        failures, started_at = (await connection.execute(recent)).one_or_none() or (0, now)
        return failures, started_at

    def _recently(self, now: datetime) -> ColumnElement[bool]:
        """Return the condition that a network's window is open; one far in the future was written by a wrong clock."""
        window, started = _window(self._address), col(SignInAttempts.started_at)
        return (started > now - window) & (started <= now + window)

    async def _lock(self, connection: AsyncConnection, subject: str, now: datetime) -> Attempts:
        """Return what still counts of a subject's attempts, with its row locked."""
        statement: Any = self._insert(SignInAttempts).values(_fresh(subject, now))
        held = statement.on_conflict_do_update(
            index_elements=[col(SignInAttempts.subject)], set_={"failures": col(SignInAttempts.failures)}
        )
        columns = [col(getattr(SignInAttempts, name)) for name in Attempts.__dataclass_fields__]
        row = (await connection.execute(held.returning(*columns))).one()
        return Attempts(*row).at(now, _window(self._account))

    async def _add(
        self, connection: AsyncConnection, subject: str, start: datetime, now: datetime, over: ColumnElement[bool]
    ) -> tuple[int, datetime]:
        """Count one more failure; where the former window is `over`, a new one begins at `start`."""
        statement: Any = self._insert(SignInAttempts)
        statement = statement.values({**_fresh(subject, now), "started_at": start, "failures": 1})
        statement = statement.on_conflict_do_update(
            index_elements=[col(SignInAttempts.subject)],
            set_={
                "failures": case((over, 1), else_=col(SignInAttempts.failures) + 1),
                "started_at": case((over, start), else_=col(SignInAttempts.started_at)),
                "touched_at": now,
            },
        ).returning(col(SignInAttempts.failures), col(SignInAttempts.started_at))
        failures, started_at = (await connection.execute(statement)).one()
        return failures, started_at


def _fresh(subject: str, now: datetime) -> dict[str, Any]:
    return {"subject": subject, "started_at": now, "failures": 0, "under_way": 0, "level": 0, "touched_at": now}


async def _save(connection: AsyncConnection, subject: str, known: Attempts) -> None:
    row = col(SignInAttempts.subject) == subject
    if known.worth_keeping:
        await connection.execute(update(SignInAttempts).where(row).values(asdict(known)))
    else:
        await connection.execute(delete(SignInAttempts).where(row))


def _window(limit: Limit) -> timedelta:
    return timedelta(seconds=limit.window)


def _closed(limit: Limit, until: datetime, now: datetime) -> Room:
    return Room(free=False, refusal=limit, opens_in=_seconds(until, now))


def _seconds(until: datetime, now: datetime) -> int:
    return max(1, ceil((until - now).total_seconds()))
