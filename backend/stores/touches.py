"""When sessions were last used, and on which days: known at once in this process, written in batches."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import bindparam, select, update
from sqlmodel import col

from backend.clock import pause
from backend.models import UserSession
from backend.stores.activity import ActivityStore
from backend.stores.database import Database

_BATCH: Final = 1000
_log = structlog.get_logger("vestibule.touches")


@dataclass(slots=True, weakref_slot=True)
class Pulse:
    """The last activity of one session, shared by all credentials that name it."""

    session_id: UUID
    last: datetime
    unsaved: bool = False
    day: date | None = None
    """The last day on which this process saw it used."""
    families: set[str] = field(default_factory=set)
    """The families of user agents this process has seen it used by."""


class Touches:
    """The last activity of the sessions this process knows, and which of it the database does not have yet."""

    def __init__(self) -> None:
        """Begin with none."""
        self._pulses: WeakValueDictionary[UUID, Pulse] = WeakValueDictionary()
        self._unsaved: list[Pulse] = []
        self._used: defaultdict[date, set[UUID]] = defaultdict(set)

    def pulse(self, session_id: UUID, stored: datetime) -> Pulse:
        """Return a session's pulse, no older than what the database has stored."""
        pulse = self._pulses.get(session_id)
        if pulse is None:
            pulse = self._pulses[session_id] = Pulse(session_id, stored)
        elif pulse.last < stored:
            pulse.last = stored
        return pulse

    def newest(self, session_id: UUID, stored: datetime) -> datetime:
        """Return when a session was last used, as far as this process and the database know."""
        pulse = self._pulses.get(session_id)
        return stored if pulse is None or pulse.last < stored else pulse.last

    def touch(self, pulse: Pulse, now: datetime) -> None:
        """Note activity. Time never goes back."""
        if now <= pulse.last:
            return
        pulse.last = now
        if not pulse.unsaved:
            pulse.unsaved = True
            self._unsaved.append(pulse)
        today = now.date()
        if pulse.day != today:
            pulse.day = today
            self._used[today].add(pulse.session_id)

    async def save(self, database: Database) -> None:
        """Write what the database does not have yet; what could not be written is kept for the next time.

        An ended session stays as it is, and a newer moment that another process has written wins. What is touched
        meanwhile is left for the next time: else this would never end under load.

        Whoever ends sessions may lock them in any order. So this never waits for a session while it holds another one:
        those that somebody has locked are left out of the batch, and waited for one by one.
        """
        due, self._unsaved = self._unsaved, []
        locked: list[Pulse] = []
        while due or locked:
            batch = due[:_BATCH] or locked[:1]
            due, locked = due[_BATCH:], locked if due else locked[1:]
            for pulse in batch:
                pulse.unsaved = False
            try:
                locked += _unsaved(await _write(database, batch))
            except BaseException:
                self._unsaved += _unsaved(batch) + due + locked
                raise
        await self._save_days(database)

    async def _save_days(self, database: Database) -> None:
        """Mark which accounts were used on which day; those that are marked already are skipped."""
        due, self._used = self._used, defaultdict(set)
        try:
            for day in sorted(due):
                while sessions := list(islice(due[day], _BATCH)):
                    async with database.reading() as look:
                        people = await ActivityStore(look).unnoted(sessions, day)
                    if people:
                        async with database.writing() as work:
                            await ActivityStore(work).note(people, day)
                    due[day].difference_update(sessions)
        except BaseException:
            for day, left in due.items():
                self._used[day] |= left
            raise

    async def keep_saving(self, database: Database, seconds: float, stopping: asyncio.Event) -> None:
        """Write every so many seconds, and once more at the end."""
        while not stopping.is_set():
            await pause(stopping, seconds)
            await self._try_to_save(database)
        await self._try_to_save(database)

    async def _try_to_save(self, database: Database) -> None:
        try:
            await self.save(database)
        except Exception:  # noqa: BLE001  # whatever went wrong, it is tried again with the next batch
            _log.warning("activity_not_saved", sessions=len(self._unsaved), exc_info=True)


async def _write(database: Database, batch: Sequence[Pulse]) -> list[Pulse]:
    """Write pulses in one transaction, and return those left out because their session is locked; one alone waits."""
    async with database.writing() as session:
        connection = await session.connection()
        free = {pulse.session_id for pulse in batch}
        if len(batch) > 1:
            free = set((await connection.execute(_FREE, {"sessions": list(free)})).scalars())
        rows = [{"session": pulse.session_id, "at": pulse.last} for pulse in batch if pulse.session_id in free]
        if rows:
            await connection.execute(_WRITE, rows)
    return [pulse for pulse in batch if pulse.session_id not in free]


def _unsaved(pulses: Sequence[Pulse]) -> list[Pulse]:
    """Mark pulses as unsaved, and return those that were not: the others were touched, and noted, meanwhile."""
    marked = [pulse for pulse in pulses if not pulse.unsaved]
    for pulse in marked:
        pulse.unsaved = True
    return marked


_ended_at, _last_activity = col(UserSession.ended_at), col(UserSession.last_activity)
_FREE: Final = (
    select(col(UserSession.id))
    .where(col(UserSession.id).in_(bindparam("sessions", expanding=True)))
    .with_for_update(key_share=True, skip_locked=True)
)
_WRITE: Final = (
    update(UserSession.__table__)  # type: ignore[attr-defined]  # the table itself: no ORM on many rows
    .where(col(UserSession.id) == bindparam("session"), _ended_at.is_(None), _last_activity < bindparam("at"))
    .values(last_activity=bindparam("at"))
)
