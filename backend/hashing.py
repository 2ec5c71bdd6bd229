"""Hashes and verifies passwords, off the event loop and behind a bounded queue."""

import asyncio
import base64
import binascii
import contextlib
import os
import re
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from passlib.context import CryptContext

from backend.errors import HashingBusy, InvalidHash

T = TypeVar("T")

_NICENESS: Final = 10
"""Hash threads give way to cheap requests (Linux schedules threads by their own niceness)."""
_SCHEMES: Final = ("argon2", "bcrypt", "pbkdf2_sha256", "pbkdf2_sha512", "django_pbkdf2_sha256")
_ARGON2: Final = (
    r"\$argon2(?:id|i|d)\$v=(?:16|19)\$m=(?P<memory>[1-9]\d*),t=(?P<passes>[1-9]\d*),p=(?P<lanes>[1-9]\d*)"
    r"\$(?P<salt>[A-Za-z0-9+/]{11,86})\$(?P<digest>[A-Za-z0-9+/]{22,86})"
)
_FOREIGN: Final = tuple(
    re.compile(kind, re.ASCII)
    for kind in (
        _ARGON2,
        r"\$2[aby]\$(?P<doublings>\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]",
        r"\$pbkdf2-sha256\$(?P<rounds>[1-9]\d*)\$(?P<salt>[A-Za-z0-9./]{1,86})\$(?P<digest>[A-Za-z0-9./]{43})",
        r"\$pbkdf2-sha512\$(?P<rounds>[1-9]\d*)\$(?P<salt>[A-Za-z0-9./]{1,86})\$(?P<digest>[A-Za-z0-9./]{86})",
        r"pbkdf2_sha256\$(?P<rounds>[1-9]\d*)\$[A-Za-z0-9]{1,86}\$(?P<digest>[A-Za-z0-9+/]{43})=",
    )
)
"""Kinds of hashes that other systems bring: argon2's own form, bcrypt, PBKDF2 as passlib and as Django write it."""
_LONGEST_FOREIGN: Final = 400
_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "memory": (8, 256 * 1024),
    "passes": (1, 16),
    "lanes": (1, 16),
    "doublings": (4, 15),
    "rounds": (1, 2_000_000),
}
"""What a foreign hash may cost; at the most, the check of one password takes a core for a second or two."""
_MOST_WORK: Final = 1024 * 1024
"""KiB of memory that argon2 may go over, all passes together."""


class PasswordHasher:
    """Argon2id with upgrade of other hashes; fastapi-users' `PasswordHelperProtocol`, and the same without blocking.

    Hashing takes all of a core for some tens of milliseconds. It runs in `threads`, one for each core; `queue`
    calls may wait in front of them for `patience` seconds each, further ones are refused with `HashingBusy`.
    """

    def __init__(
        self, cost: tuple[int, int, int], *, queue: int = 256, patience: float = 5, threads: int | None = None
    ) -> None:
        """Take argon2id's memory (KiB), passes and lanes; RFC 9106 and OWASP name sound values."""
        memory, passes, lanes = cost
        self._crypt = CryptContext(
            _SCHEMES,
            default=_SCHEMES[0],
            argon2__type="ID",
            argon2__memory_cost=memory,
            argon2__time_cost=passes,
            argon2__parallelism=lanes,
        )
        self._present = f"$argon2id$v=19$m={memory},t={passes},p={lanes}$"
        self._threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="hash", initializer=_be_nice)
        self._free = asyncio.Semaphore(self._threads)
        self._queue = queue
        self._patience = patience
        self.waiting = 0
        self.nobodys_hash = self.hash(secrets.token_urlsafe())
        """A hash that no password matches; checking it takes as long as any other."""

    def hash(self, password: str) -> str:
        """Hash a password with the present cost. Blocks; only for start and command line."""
        return str(self._crypt.hash(password))

    def verify_and_update(self, plain_password: str, hashed_password: str) -> tuple[bool, str | None]:
        """Check a password; return a new hash too if the stored one is of another kind or cost. Blocks.

        A hash that cannot be read is a wrong password, never an error (ASVS 11.2.5). bcrypt sees 72 bytes at most:
        a longer password against such a hash is wrong, not cut.
        """
        try:
            verified = bool(self._crypt.verify(plain_password, hashed_password))
        except (ValueError, TypeError):
            return False, None
        current = hashed_password.startswith(self._present)
        return verified, self.hash(plain_password) if verified and not current else None

    def generate(self) -> str:
        """Generate a temporary password: 128 bits from the system's random source (ASVS 6.4.1)."""
        return secrets.token_urlsafe(16)

    async def hashed(self, password: str) -> str:
        """Hash a password in the pool.

        Raises:
            HashingBusy: the queue is full or the wait was too long.
        """
        return await self.in_pool(lambda: self.hash(password))

    async def verified(self, password: str, hashed_password: str | None) -> tuple[bool, str | None]:
        """Check a password in the pool; `None` stands for nobody's hash and costs the same time (ASVS 6.3.8).

        Raises:
            HashingBusy: the queue is full or the wait was too long.
        """
        if hashed_password is None:
            await self.in_pool(lambda: self.verify_and_update(password, self.nobodys_hash))
            return False, None
        return await self.in_pool(lambda: self.verify_and_update(password, hashed_password))

    def close(self) -> None:
        """Stop the threads once they have finished their current hash."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def in_pool(self, work: Callable[[], T]) -> T:
        """Run other work in the pool that takes a core for some milliseconds.

        Raises:
            HashingBusy: the queue is full or the wait was too long.
        """
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
        # The thread of a cancelled caller works on: its place is released when the thread is done, not before.
        running.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(running)


def check_foreign(hashed_password: str) -> None:
    """Check a hash made by another system: that it is well-formed, and not too expensive to verify.

    Raises:
        InvalidHash: it cannot be taken over; the message never shows it.
    """
    if len(hashed_password) > _LONGEST_FOREIGN:
        raise InvalidHash
    found = next((match for kind in _FOREIGN if (match := kind.fullmatch(hashed_password))), None)
    if found is None:
        raise InvalidHash
    parts = found.groupdict()
    if not all(_canonical(parts[name]) for name in ("salt", "digest") if name in parts):
        raise InvalidHash
    cost = {name: int(value) for name, value in parts.items() if name in _BOUNDS}
    within = all(_BOUNDS[name][0] <= value <= _BOUNDS[name][1] for name, value in cost.items())
    memory, passes, lanes = cost.get("memory", 8), cost.get("passes", 1), cost.get("lanes", 1)
    if not within or memory * passes > _MOST_WORK or memory < 8 * lanes:
        raise InvalidHash("The cost of this password hash is out of bounds: each check of it would take too long.")


def _canonical(text: str) -> bool:
    """Tell whether a text is canonical base64, in the alphabet of argon2 or of passlib."""
    standard = text.replace(".", "+")
    try:
        raw = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        return False
    return base64.b64encode(raw).decode().rstrip("=") == standard


def _be_nice() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
