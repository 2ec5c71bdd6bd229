"""News by Redis: publish and subscribe."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final
from uuid import uuid4

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.clock import pause
from backend.stores.news import ALL, BEAT, BEAT_SECONDS, DEAF_AFTER_SECONDS, PATIENCE_SECONDS, TOPIC, Changes

_PERSISTENCE_SECONDS: Final = 5.0
"""How long a command retries when Redis does not answer."""
_log = structlog.get_logger("vestibule.news")


class RedisChannel:
    """Publish and subscribe. Redis has no part in transactions, so a message can be lost after its commit.

    A process that could not publish sends `ALL` as soon as it can. When a process falls silent (it may have died
    between its commit and its message), the others empty their caches once.
    """

    def __init__(self, url: str) -> None:
        """Prepare the connections; nothing is connected yet."""
        self._name = uuid4().hex
        self._owes = False
        self._beats = False
        """Whether this process listens and sends heartbeats; a command publishes once and ends."""
        self._redis = Redis.from_url(
            url,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    async def within(self, session: AsyncSession, changes: Changes) -> None:
        """Nothing can be said before the commit."""

    async def after(self, changes: Changes) -> None:
        """Publish; after a failure the next heartbeat makes up for it or, in a command, retrying does."""
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
            await asyncio.sleep(BEAT_SECONDS)

    async def listen(self, hear: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Subscribe, and publish a beat four times a second."""
        self._beats = True
        beating = asyncio.create_task(self._beat(stopping))
        others: dict[str, float] = {}
        try:
            async with self._redis.pubsub() as subscription:
                await subscription.subscribe(TOPIC)
                heard_at = time.monotonic()
                while not stopping.is_set() and time.monotonic() - heard_at < 4 * BEAT_SECONDS:
                    try:
                        message = await subscription.get_message(ignore_subscribe_messages=True, timeout=BEAT_SECONDS)
                    except TimeoutError:
                        continue
                    said = str(message["data"]) if message else ""
                    if said == f"{BEAT}{self._name}":
                        heard_at = time.monotonic()
                        hear(BEAT)
                    elif said.startswith(BEAT):
                        others[said] = time.monotonic()
                    elif said:
                        hear(said)
                    silent = [name for name, at in others.items() if time.monotonic() - at > DEAF_AFTER_SECONDS]
                    if silent:
                        hear(ALL)
                    for name in silent:
                        del others[name]
        finally:
            beating.cancel()

    async def alone(self) -> bool:
        """Count the subscribers."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return bool((await self._redis.pubsub_numsub(TOPIC))[0][1] == 1)
        except (RedisError, OSError, TimeoutError):
            return False

    async def _said(self, message: str) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._redis.publish(TOPIC, message)
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def _beat(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    if self._owes:
                        await self._pay()
                    await self._redis.publish(TOPIC, f"{BEAT}{self._name}")
            await pause(stopping, BEAT_SECONDS)

    async def _pay(self) -> None:
        # Cleared before it is sent: a change that commits meanwhile needs a message of its own.
        self._owes = False
        try:
            await self._redis.publish(TOPIC, ALL)
        except BaseException:
            self._owes = True
            raise

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
