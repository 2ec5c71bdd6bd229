"""A hasher that tests look into, and whose work they hold up: what happens meanwhile is no matter of luck then."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import Final

import pytest

from backend.hashing import PasswordHasher
from tests.application import PATIENCE, Application

THREADS: Final = 2


class WatchedHasher(PasswordHasher):
    """A hasher that counts the passwords it checks, with two threads however many cores there are."""

    def __init__(self, cost: tuple[int, int, int], *, queue: int = 256, patience: float = PATIENCE) -> None:
        self._open, self._counting = Event(), Lock()
        self._open.set()
        self.checked = self.in_hand = 0
        super().__init__(cost, queue=queue, patience=patience, threads=THREADS)

    def verify_and_update(self, plain_password: str, hashed_password: str) -> tuple[bool, str | None]:
        with self._counting:
            self.checked += 1
            self.in_hand += 1
        try:
            assert self._open.wait(PATIENCE)
            return super().verify_and_update(plain_password, hashed_password)
        finally:
            with self._counting:
                self.in_hand -= 1

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Let no check end as long as this lasts."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    async def busy(self, in_hand: int = THREADS, waiting: int = 0) -> None:
        """Go on when so many checks are in hand and so many wait for a thread."""
        async with asyncio.timeout(PATIENCE):
            while (self.in_hand, self.waiting) != (in_hand, waiting):  # noqa: ASYNC110  # threads announce nothing
                await asyncio.sleep(0.001)


@pytest.fixture
def hasher(running: Application) -> WatchedHasher:
    """The hasher of the running application."""
    running.context.hasher.close()
    settings = running.context.settings
    watched = WatchedHasher(settings.argon2, queue=settings.hash_queue, patience=settings.hash_queue_seconds)
    running.context.hasher = watched
    return watched
