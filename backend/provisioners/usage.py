"""How much people keep in their directories: counted on demand, a few at a time, and not again at once."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from backend.provisioners.base import Provisioner, Usage

_AT_ONCE: Final = 2
_MOST: Final = 1000
_REST: Final = 20
"""How many times longer than a count took its result is good: counting takes a twentieth of one thread at most."""


@dataclass
class UsageMeter:
    """Counts files and bytes. Who asks while somebody else's count of the same directory runs, waits for that one."""

    provisioner: Provisioner
    _known: dict[UUID, tuple[float, Usage]] = field(default_factory=dict)
    _running: dict[UUID, asyncio.Task[Usage]] = field(default_factory=dict)
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def of(self, user_id: UUID) -> Usage:
        """Return what somebody keeps. Call it without a connection to the database in hand: it may take a while."""
        until, usage = self._known.get(user_id, (0.0, None))
        if usage is not None and time.monotonic() < until:
            return usage
        task = self._running.get(user_id)
        if task is None:
            task = self._running[user_id] = asyncio.create_task(self._count(user_id))
        return await asyncio.shield(task)

    async def _count(self, user_id: UUID) -> Usage:
        try:
            async with self._free:
                begun = time.monotonic()
                usage = await asyncio.to_thread(self.provisioner.measure, user_id)
                ended = time.monotonic()
        finally:
            del self._running[user_id]
        self._known.pop(user_id, None)
        self._known[user_id] = (ended + _REST * (ended - begun), usage)
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return usage
