"""News by the embedded database: a count that whoever shares the file can see."""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.clock import pause
from backend.stores.news import ALL, BEAT, Changes

_LOOK_SECONDS: Final = 0.04


class RevisionChannel:
    """The embedded database itself: a count that is raised in the transaction, and polled 25 times a second.

    `PRAGMA data_version` tells at next to no cost whether another connection has changed the file.
    """

    def __init__(self, path: Path) -> None:
        """Take the database's file."""
        self._path = path
        self._own: set[int] = set()
        self._presence: int | None = None

    async def within(self, session: AsyncSession, changes: Changes) -> None:
        """Raise the count."""
        connection = await session.connection()
        raised = await connection.execute(text("UPDATE installation SET revision = revision + 1 RETURNING revision"))
        changes.revision = raised.scalar_one()

    async def after(self, changes: Changes) -> None:
        """Remember which count this process has raised itself: that change is known here already."""
        if changes.revision:
            self._own.add(changes.revision)

    async def listen(self, hear: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Poll whether another process has raised the count; what changed is not known, so the cache is emptied."""
        # A file beside the database: closing the database's own file would drop SQLite's locks of this process.
        self._presence = os.open(self._path.with_suffix(".presence"), os.O_RDONLY | os.O_CREAT, 0o600)
        fcntl.flock(self._presence, fcntl.LOCK_SH)
        reader = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=0, isolation_level=None)
        try:
            version, revision = -1, self._revision(reader)
            while not stopping.is_set():
                with contextlib.suppress(sqlite3.OperationalError):  # locked for a moment: look again
                    found = int(reader.execute("PRAGMA data_version").fetchone()[0])
                    if found != version:
                        latest = self._revision(reader)
                        if not self._own.issuperset(range(revision + 1, latest + 1)) or latest < revision:
                            hear(ALL)
                        self._own = {own for own in self._own if own > latest}
                        version, revision = found, latest
                    hear(BEAT)
                await pause(stopping, _LOOK_SECONDS)
        finally:
            reader.close()
            os.close(self._presence)
            self._presence = None

    async def alone(self) -> bool:
        """Try to take alone the lock that all listening processes share."""
        if self._presence is None:
            return False
        try:
            fcntl.flock(self._presence, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            fcntl.flock(self._presence, fcntl.LOCK_SH)
        return True

    @staticmethod
    def _revision(reader: sqlite3.Connection) -> int:
        return int(reader.execute("SELECT revision FROM installation").fetchone()[0])

    async def close(self) -> None:
        """Nothing is held: the file ends with `listen`."""
