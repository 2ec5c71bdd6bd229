"""Passwords into hashes and back to a verdict, off the event loop and in bounded numbers."""

import asyncio
import contextlib
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from passlib.context import CryptContext

from backend.errors import HashingBusy

T = TypeVar("T")

_NICENESS: Final = 10
"""Hash threads give way to cheap requests (Linux schedules threads by their own niceness)."""


class PasswordHasher:
    """Argon2id with upgrade of older hashes; fastapi-users' `PasswordHelperProtocol`, and the same without blocking.

    Hashing takes all of a core for some tens of milliseconds. It runs in as many threads as there are cores; `queue`
    calls may wait in front of them for `patience` seconds each, further ones are refused with `HashingBusy`.
    """

    def __init__(self, cost: tuple[int, int, int], *, queue: int = 256, patience: float = 5) -> None:
        """Take argon2id's memory (KiB), passes and lanes; RFC 9106 and OWASP name sound values."""
        memory, passes, lanes = cost
        self._crypt = CryptContext(
            ["argon2", "bcrypt"],
            deprecated=["bcrypt"],
            argon2__type="ID",
            argon2__memory_cost=memory,
            argon2__time_cost=passes,
            argon2__parallelism=lanes,
        )
        self._threads = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="hash", initializer=_be_nice)
        self._free = asyncio.Semaphore(self._threads)
        self._queue = queue
        self._patience = patience
        self.waiting = 0
        self._nobodys_hash = self._crypt.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """Hash a password with the present cost. Blocks; only for start and command line."""
        return str(self._crypt.hash(password))

    def verify_and_update(self, plain_password: str, hashed_password: str) -> tuple[bool, str | None]:
        """Check a password and tell a fresh hash if the stored one is of an older kind or cost. Blocks.

        A hash that cannot be read is a wrong password, never an error (ASVS 11.2.5). bcrypt sees 72 bytes at most:
        a longer password against such a hash is wrong, not cut.
        """
        try:
            verified, updated = self._crypt.verify_and_update(plain_password, hashed_password)
        except (ValueError, TypeError):
            return False, None
        return bool(verified), updated

    def generate(self) -> str:
        """Make a password nobody has to remember: 128 bits from the system's source (ASVS 6.4.1)."""
        return secrets.token_urlsafe(16)

    async def hashed(self, password: str) -> str:
        """Hash a password in the pool.

        Raises:
            HashingBusy: the queue is full or the wait was too long.
        """
        return await self._in_pool(lambda: self.hash(password))

    async def verified(self, password: str, hashed_password: str | None) -> tuple[bool, str | None]:
        """Check a password in the pool; `None` stands for nobody's hash and costs the same time (ASVS 6.3.8).

        Raises:
            HashingBusy: the queue is full or the wait was too long.
        """
        if hashed_password is None:
            await self._in_pool(lambda: self.verify_and_update(password, self._nobodys_hash))
            return False, None
        return await self._in_pool(lambda: self.verify_and_update(password, hashed_password))

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _in_pool(self, work: Callable[[], T]) -> T:
        if self.waiting >= self._queue:
            raise HashingBusy
        self.waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise HashingBusy from None
        finally:
            self.waiting -= 1
        running = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # A caller who goes away leaves its thread at work: the place is free when the thread is, not before.
        running.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(running)


def _be_nice() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
