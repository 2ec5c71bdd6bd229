"""News between the processes of one installation: whose sessions changed, so that nobody believes an old answer.

One of three channels carries it: Redis where the settings name one, else PostgreSQL's LISTEN/NOTIFY, else, for the
embedded database, its own count of changes. News is ids only. A process trusts what it remembers only while it hears
itself through the channel; otherwise it asks the database again after a second, so that no failure of a channel makes
an ended session valid.
"""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

import asyncpg
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.stores.identities import IdentityCache

_TOPIC: Final = "vestibule"
_BEAT: Final = "."
_ALL: Final = "*"
_BEAT_SECONDS: Final = 0.25
_DEAF_AFTER_SECONDS: Final = 2.2 * _BEAT_SECONDS
"""Two beats missed."""
_LOOK_SECONDS: Final = 0.04
_PATIENCE_SECONDS: Final = 0.2
_AGAIN_SECONDS: Final = 0.5
_PERSISTENCE_SECONDS: Final = 5.0
"""How long a command waits for a Redis that does not answer."""
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
            return _ALL
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
        heard = now - self._heard_at < _DEAF_AFTER_SECONDS
        return now - read_at < (_BELIEVED_SECONDS if heard else _BELIEVED_UNHEARD_SECONDS)

    @property
    def hearing(self) -> bool:
        """Whether the channel works at this moment."""
        return time.monotonic() - self._heard_at < _DEAF_AFTER_SECONDS

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

    async def listen(self, stopping: asyncio.Event) -> None:
        """Hear the others until the process stops."""
        while not stopping.is_set():
            try:
                await self._channel.listen(self._hear, stopping)
            except Exception:  # noqa: BLE001  # a channel may fail in any way; it is tried again
                _log.warning("news_lost", exc_info=True)
            self._heard_at = float("-inf")
            self._cache.clear()
            await _pause(stopping, _AGAIN_SECONDS)

    def _hear(self, message: str) -> None:
        if message == _BEAT:
            if not self.hearing:
                self._cache.clear()  # whatever was said while nobody heard it
            self._heard_at = time.monotonic()
        elif message == _ALL:
            self._cache.clear()
        else:
            sessions, _, users = message.partition(";")
            self._cache.drop(map(UUID, filter(None, sessions.split(","))), map(UUID, filter(None, users.split(","))))

    def _forget(self, changes: Changes) -> None:
        if str(changes) == _ALL:
            self._cache.clear()
        else:
            self._cache.drop(changes.sessions, changes.users)


class PostgresChannel:
    """LISTEN on a connection of its own, NOTIFY inside the transaction: sent exactly when it commits."""

    _NAME: Final = "vestibule news"

    def __init__(self, arguments: dict[str, Any]) -> None:
        """Take what `asyncpg.connect` needs."""
        self._arguments = arguments
        self._listener: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def within(self, session: AsyncSession, changes: Changes) -> None:
        """Notify when the transaction commits."""
        connection = await session.connection()
        await connection.execute(text("SELECT pg_notify(:topic, :news)"), {"topic": _TOPIC, "news": str(changes)})

    async def after(self, changes: Changes) -> None:
        """Nothing is left to say."""

    async def listen(self, hear: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Listen, and send a beat to oneself four times a second."""
        beat = f"{_BEAT}{uuid4().hex}"

        def received(*arguments: Any) -> None:  # noqa: ANN401  # asyncpg's callback
            message = str(arguments[-1])
            if message == beat:
                hear(_BEAT)
            elif not message.startswith(_BEAT):
                hear(message)

        settings = {"application_name": self._NAME}
        connection = await asyncpg.connect(**self._arguments, timeout=5, server_settings=settings)
        try:
            await connection.add_listener(_TOPIC, received)
            self._listener = connection
            while not stopping.is_set():
                async with asyncio.timeout(2 * _BEAT_SECONDS), self._one_at_a_time:
                    await connection.execute(f"NOTIFY {_TOPIC}, '{beat}'")
                await _pause(stopping, _BEAT_SECONDS)
        finally:
            self._listener = None
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=_PATIENCE_SECONDS)  # it ends by force what does not end in time

    async def alone(self) -> bool:
        """Count the listeners of this database."""
        if self._listener is None:
            return False
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._one_at_a_time:
                return bool(await self._listener.fetchval(query, self._NAME) == 1)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            return False


class RedisChannel:
    """Publish and subscribe. It knows nothing of transactions, so who may have said something unheard is not trusted.

    A process whose message got lost says "forget everything" as soon as it can; when one falls silent (it may have
    died between its commit and its message), the others forget everything once.
    """

    def __init__(self, url: str) -> None:
        """Prepare the connections; nothing is connected yet."""
        self._name = uuid4().hex
        self._owes = False
        self._beats = False
        """Whether this process serves requests; a command of the command line says its word and goes."""
        self._redis = Redis.from_url(
            url,
            socket_timeout=_PATIENCE_SECONDS,
            socket_connect_timeout=_PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    async def within(self, session: AsyncSession, changes: Changes) -> None:
        """Nothing can be said before the commit."""

    async def after(self, changes: Changes) -> None:
        """Publish; what cannot be published now is made good by the next beat, or, without one, by trying on."""
        if self._owes:
            return
        until = time.monotonic() + _PERSISTENCE_SECONDS
        while not await self._said(str(changes)):
            if self._beats:
                self._owes = True
                return
            if time.monotonic() > until:
                _log.error("news_not_told")
                return
            await asyncio.sleep(_BEAT_SECONDS)

    async def listen(self, hear: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Subscribe, and publish a beat four times a second."""
        self._beats = True
        beating = asyncio.create_task(self._beat(stopping))
        others: dict[str, float] = {}
        try:
            async with self._redis.pubsub() as subscription:
                await subscription.subscribe(_TOPIC)
                heard_at = time.monotonic()
                while not stopping.is_set() and time.monotonic() - heard_at < 4 * _BEAT_SECONDS:
                    try:
                        message = await subscription.get_message(ignore_subscribe_messages=True, timeout=_BEAT_SECONDS)
                    except TimeoutError:
                        continue
                    said = str(message["data"]) if message else ""
                    if said == f"{_BEAT}{self._name}":
                        heard_at = time.monotonic()
                        hear(_BEAT)
                    elif said.startswith(_BEAT):
                        others[said] = time.monotonic()
                    elif said:
                        hear(said)
                    silent = [name for name, at in others.items() if time.monotonic() - at > _DEAF_AFTER_SECONDS]
                    if silent:
                        hear(_ALL)
                    for name in silent:
                        del others[name]
        finally:
            beating.cancel()
            if stopping.is_set():
                await self._redis.aclose()

    async def alone(self) -> bool:
        """Count the subscribers."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return bool((await self._redis.pubsub_numsub(_TOPIC))[0][1] == 1)
        except (RedisError, OSError, TimeoutError):
            return False

    async def _said(self, message: str) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._redis.publish(_TOPIC, message)
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def _beat(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    if self._owes:
                        await self._pay()
                    await self._redis.publish(_TOPIC, f"{_BEAT}{self._name}")
            await _pause(stopping, _BEAT_SECONDS)

    async def _pay(self) -> None:
        # Settled before it is said: a change that is saved while this is on its way has to speak for itself.
        self._owes = False
        try:
            await self._redis.publish(_TOPIC, _ALL)
        except BaseException:
            self._owes = True
            raise


class RevisionChannel:
    """The embedded database itself: a count that is raised in the transaction, looked at 25 times a second.

    SQLite tells for next to nothing whether any other connection has changed the file (`PRAGMA data_version`).
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
        """Remember which count was this process's own: its news is known here already."""
        if changes.revision:
            self._own.add(changes.revision)

    async def listen(self, hear: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Look whether the count was raised by another process; what it was about is not said, so all is forgotten."""
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
                            hear(_ALL)
                        self._own = {own for own in self._own if own > latest}
                        version, revision = found, latest
                    hear(_BEAT)
                await _pause(stopping, _LOOK_SECONDS)
        finally:
            reader.close()
            os.close(self._presence)
            self._presence = None

    async def alone(self) -> bool:
        """Try to have for oneself the lock that every process that listens shares."""
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


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
