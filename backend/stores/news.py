"""News between the processes of one installation: whose sessions changed, so that no cache serves an old answer.

One of three channels carries it: Redis where the settings name one, else PostgreSQL's LISTEN/NOTIFY, else, for the
embedded database, its own count of changes. News is ids only. A process trusts its cache only while it hears its own
heartbeat through the channel; otherwise it asks the database again after a second, so that no failure of a channel
makes an ended session valid.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.clock import pause
from backend.stores.identities import IdentityCache

TOPIC: Final = "vestibule"
BEAT: Final = "."
"""A heartbeat: a message to oneself, which shows that the channel works."""
ALL: Final = "*"
"""A message on which every process empties its cache."""
BEAT_SECONDS: Final = 0.25
DEAF_AFTER_SECONDS: Final = 2.2 * BEAT_SECONDS
"""Two beats missed."""
PATIENCE_SECONDS: Final = 0.2
"""How long a request waits for a channel at most."""
_AGAIN_SECONDS: Final = 0.5
_MOST_IDS: Final = 200
"""A NOTIFY holds 8,000 bytes; for more ids than this, the whole cache is emptied instead."""
_BELIEVED_UNHEARD_SECONDS: Final = 1.0
_BELIEVED_SECONDS: Final = 300.0
"""Every answer is read again after this at the latest, so that no bug of a channel lasts longer."""
_log = structlog.get_logger("vestibule.news")


@dataclass
class Changes:
    """The sessions and accounts that one transaction changed."""

    sessions: set[UUID] = field(default_factory=set)
    users: set[UUID] = field(default_factory=set)
    everything: bool = False
    revision: int | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.sessions or self.users or self.everything)

    def __str__(self) -> str:
        """Write it as one message."""
        if self.everything or len(self.sessions) + len(self.users) > _MOST_IDS:
            return ALL
        return f"{','.join(id_.hex for id_ in self.sessions)};{','.join(id_.hex for id_ in self.users)}"


class Channel(Protocol):
    """Carries messages between processes."""

    async def within(self, session: AsyncSession, changes: Changes) -> None:
        """Send as part of the transaction, where the channel can."""
        ...

    async def after(self, changes: Changes) -> None:
        """Send after the commit, where the channel could not before."""
        ...

    async def listen(self, hear: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Hand every message to `hear` until the process stops; one's own heartbeat shows that it works."""
        ...

    async def alone(self) -> bool:
        """Tell whether no other process listens; False where that is not known."""
        ...

    async def close(self) -> None:
        """Release connections and files."""
        ...


class News:
    """What this process tells and hears."""

    def __init__(self, channel: Channel, cache: IdentityCache) -> None:
        """Keep `cache` true by what `channel` brings."""
        self._channel = channel
        self._cache = cache
        self._heard_at = float("-inf")

    def believes(self, read_at: float) -> bool:
        """Tell whether an answer read from the database at this `time.monotonic()` may still be used."""
        return time.monotonic() - read_at < (_BELIEVED_SECONDS if self.hearing else _BELIEVED_UNHEARD_SECONDS)

    @property
    def hearing(self) -> bool:
        """Whether the channel works at this moment."""
        return time.monotonic() - self._heard_at < DEAF_AFTER_SECONDS

    async def alone(self) -> bool:
        """Tell whether this process is the only one that serves this installation, so that it knows every activity."""
        return self.hearing and await self._channel.alone()

    async def within(self, session: AsyncSession, changes: Changes) -> None:
        """Notify the others as part of the transaction: exactly when it commits."""
        if changes:
            await session.flush()
            await self._channel.within(session, changes)

    async def after(self, changes: Changes) -> None:
        """Drop changed entries of the cache and notify the others, after the commit."""
        if changes:
            self._forget(changes)
            await self._channel.after(changes)

    async def doubt(self, changes: Changes) -> None:
        """Make every process read everything again, after a commit whose outcome is unknown."""
        if changes:
            changes.everything, changes.revision = True, None  # if it failed, another process may get this revision
            await self.after(changes)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def listen(self, stopping: asyncio.Event) -> None:
        """Hear the others until the process stops."""
        while not stopping.is_set():
            try:
                await self._channel.listen(self._hear, stopping)
            except Exception:  # noqa: BLE001  # a channel may fail in any way; it is tried again
                _log.warning("news_lost", exc_info=True)
            self._heard_at = float("-inf")
            self._cache.clear()
            await pause(stopping, _AGAIN_SECONDS)

    def _hear(self, message: str) -> None:
        if message == BEAT:
            if not self.hearing:
                self._cache.clear()  # messages may have been missed
            self._heard_at = time.monotonic()
        elif message == ALL:
            self._cache.clear()
        else:
            sessions, _, users = message.partition(";")
            self._cache.drop(map(UUID, filter(None, sessions.split(","))), map(UUID, filter(None, users.split(","))))

    def _forget(self, changes: Changes) -> None:
        if str(changes) == ALL:
            self._cache.clear()
        else:
            self._cache.drop(changes.sessions, changes.users)
