"""Rate limit counters: how often something happened within a window, in this process or shared in Redis."""

import asyncio
import time
from dataclasses import dataclass
from math import ceil
from typing import Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from redis.exceptions import RedisError

from backend.stores.windows import Windows

_REDIS_PATIENCE_SECONDS: Final = 0.2
_REDIS_REST_SECONDS: Final = 5.0
"""How long Redis is left alone after it failed to answer: one slow request, not every one."""


@dataclass(frozen=True)
class Limit:
    """At most `amount` of something called `name` within `window` seconds."""

    name: str
    amount: int
    window: int


@dataclass(frozen=True)
class Count:
    """What a counter says: whether the limit still holds, and the seconds until its window ends."""

    within: bool
    remaining: int
    resets_in: int


class Counters:
    """Counts against limits. Without Redis, or while it is away, each process counts for itself.

    A process that should share but cannot allows half of a limit, so that the installation as a whole stays near it.
    """

    def __init__(self, redis_url: str | None) -> None:
        """Prepare the counters; nothing is connected yet."""
        self._memory = Windows()
        self._shared: RedisStorage | None = None
        self._resting_until = 0.0
        if redis_url:
            self._shared = RedisStorage(
                f"async+{redis_url}",
                implementation="redispy",
                key_prefix="vestibule",
                socket_timeout=_REDIS_PATIENCE_SECONDS,
                socket_connect_timeout=_REDIS_PATIENCE_SECONDS,
            )

    async def add(self, limit: Limit, subject: str) -> Count:
        """Count one more, and tell whether the limit still holds."""
        return await self._count(limit, subject, 1)

    async def look(self, limit: Limit, subject: str) -> Count:
        """Count nothing, and tell whether one more would be within the limit."""
        return await self._count(limit, subject, 0)

    async def _count(self, limit: Limit, subject: str, more: int) -> Count:
        if self._shared and time.monotonic() >= self._resting_until:
            try:
                async with asyncio.timeout(_REDIS_PATIENCE_SECONDS):
                    return _told(limit, limit.amount, *await _shared(self._shared, limit, subject, more))
            except (RedisError, OSError, TimeoutError, ValueError):
                self._resting_until = time.monotonic() + _REDIS_REST_SECONDS
        allowed = max(1, limit.amount // 2) if self._shared else limit.amount
        key = _key(limit, subject)
        found = self._memory.add(key, limit.window) if more else self._memory.look(key)
        return _told(limit, allowed, found[0] + (not more), found[1])

    async def reachable(self) -> bool | None:
        """Tell whether Redis answers; None where none is used."""
        if self._shared is None:
            return None
        try:
            async with asyncio.timeout(_REDIS_PATIENCE_SECONDS):
                return await self._shared.check()
        except (RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        """Close the connection to Redis."""
        if self._shared is not None:
            await self._shared.bridge.storage.aclose()  # type: ignore[attr-defined]  # limits has no close of its own


async def _shared(storage: RedisStorage, limit: Limit, subject: str, more: int) -> tuple[int, float]:
    key = _key(limit, subject)
    count = await storage.incr(key, limit.window) if more else await storage.get(key) + 1
    return count, await storage.get_expiry(key) - time.time()


def _told(limit: Limit, allowed: int, count: int, seconds: float) -> Count:
    return Count(count <= allowed, max(0, allowed - count), min(max(1, ceil(seconds)), limit.window))


def _key(limit: Limit, subject: str) -> str:
    return RateLimitItemPerSecond(limit.amount, limit.window).key_for(limit.name, subject)
