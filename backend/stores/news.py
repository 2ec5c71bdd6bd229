"""News between the processes of one installation: whose sessions changed, so that nobody believes an old answer.

One of three channels carries it: Redis where the settings name one, else PostgreSQL's LISTEN/NOTIFY, else, for the
embedded database, its own count of changes. News is ids only. A process trusts what it remembers only while it hears
itself through the channel; otherwise it asks the database again after a second, so that no failure of a channel makes
an ended session valid.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.stores.identities import IdentityCache

TOPIC: Final = "vestibule"
BEAT: Final = "."
"""What a process says to itself, to know that it is heard."""
ALL: Final = "*"
"""What makes everybody forget everything."""
BEAT_SECONDS: Final = 0.25
DEAF_AFTER_SECONDS: Final = 2.2 * BEAT_SECONDS
"""Two beats missed."""
PATIENCE_SECONDS: Final = 0.2
"""How long a request waits for a channel at most."""
_AGAIN_SECONDS: Final = 0.5
_MOST_IDS: Final = 200
"""A NOTIFY holds 8,000 bytes; beyond this many ids everything is forgotten instead."""
_BELIEVED_UNHEARD_SECONDS: Final = 1.0
_BELIEVED_SECONDS: Final = 300.0
"""Even what was never contradicted is asked again then: no bug of a channel lasts longer."""
_log = structlog.get_logger("vestibule.news")


@dataclass
class Changes:
    """What one transaction changed about who is who."""

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
        """Say it as part of the transaction, where the channel can."""
        ...

    async def after(self, changes: Changes) -> None:
        """Say it after the commit, where the channel could not before."""
        ...

    async def listen(self, hear: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Hand every message to `hear` until the process stops; a beat of one's own proves that it gets through."""
        ...

    async def alone(self) -> bool:
        """Tell whether no other process listens; False where that is not known."""
        ...

    async def close(self) -> None:
        """Give back what is held."""
        ...


class News:
    """What this process tells and hears."""

    def __init__(self, channel: Channel, cache: IdentityCache) -> None:
        """Keep `cache` true by what `channel` brings."""
        self._channel = channel
        self._cache = cache
        self._heard_at = float("-inf")

    def believes(self, read_at: float) -> bool:
        """Tell whether what the database said at a `time.monotonic()` may still be repeated."""
        now = time.monotonic()
        heard = now - self._heard_at < DEAF_AFTER_SECONDS
        return now - read_at < (_BELIEVED_SECONDS if heard else _BELIEVED_UNHEARD_SECONDS)

    @property
    def hearing(self) -> bool:
        """Whether the channel works at this moment."""
        return time.monotonic() - self._heard_at < DEAF_AFTER_SECONDS

    async def alone(self) -> bool:
        """Tell whether this process is the only one that serves this installation, so that it knows every activity."""
        return self.hearing and await self._channel.alone()

    async def within(self, session: AsyncSession, changes: Changes) -> None:
        """Tell the others as part of the transaction: undone with it, never earlier than it."""
        if changes:
            await session.flush()
            await self._channel.within(session, changes)

    async def after(self, changes: Changes) -> None:
        """Forget what is not true any more, and tell the others, once the transaction is saved."""
        if changes:
            self._forget(changes)
            await self._channel.after(changes)

    async def doubt(self, changes: Changes) -> None:
        """Tell everybody to ask again, after a commit of which it is not known whether it was done."""
        if changes:
            changes.everything, changes.revision = True, None  # somebody else may count it, if it was undone
            await self.after(changes)

    async def close(self) -> None:
        """Give the channel back."""
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
                self._cache.clear()  # whatever was said while nobody heard it
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


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, but not beyond the end of the process."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
