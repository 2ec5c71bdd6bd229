"""When sessions were last used, and on which days: known at once in this process, written in batches."""

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import bindparam, update
from sqlmodel import col

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
    """The pulses of the sessions this process knows, and which of them the database does not have yet."""

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
        """Write what the database does not have yet; what could not be written stays to be.

        An ended session stays as it is, and a newer moment that another process has written wins. What is touched
        meanwhile is for the next time: else the writing would never end while people come.
        """
        due, self._unsaved = self._unsaved, []
        while due:
            batch = due[:_BATCH]
            for pulse in batch:
                pulse.unsaved = False
            rows = [{"session": pulse.session_id, "at": pulse.last} for pulse in batch]
            try:
                async with database.writing() as session:
                    connection = await session.connection()
                    await connection.execute(_WRITE, sorted(rows, key=lambda row: str(row["session"])))
            except BaseException:
                self._unsaved += [pulse for pulse in batch if not pulse.unsaved] + due[_BATCH:]
                for pulse in batch:
                    pulse.unsaved = True
                raise
            due = due[_BATCH:]
        await self._save_days(database)

    async def _save_days(self, database: Database) -> None:
        """Note whose sessions were used on which day; nothing is written about those of whom that is known."""
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
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stopping.wait()
            await self._try_to_save(database)
        await self._try_to_save(database)

    async def _try_to_save(self, database: Database) -> None:
        try:
            await self.save(database)
        except Exception:  # noqa: BLE001  # whatever went wrong, it is tried again with the next batch
            _log.warning("activity_not_saved", sessions=len(self._unsaved), exc_info=True)


_ended_at, _last_activity = col(UserSession.ended_at), col(UserSession.last_activity)
_WRITE: Final = (
    update(UserSession.__table__)  # type: ignore[attr-defined]  # the table itself: no ORM on many rows
    .where(col(UserSession.id) == bindparam("session"), _ended_at.is_(None), _last_activity < bindparam("at"))
    .values(last_activity=bindparam("at"))
)
