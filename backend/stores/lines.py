"""Queues of this process: attempts to sign in that wait until there is room, first come, first served."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Line:
    """One queue: those who wait, and those who are inside already."""

    front: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the first in the queue: only they ask whether there is room."""
    people: int = 0
    """Both together."""
    inside: int = 0
    """Those who were let in and have not left."""


class Lines:
    """The queues of this process, by what is waited for."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._lines: dict[str, Line] = {}
        self.moved = asyncio.Event()
        """Set when anybody leaves any queue, and replaced by a new event then."""

    @contextmanager
    def at(self, what: str) -> Iterator[Line]:
        """Stand in a queue; it is removed with the last who leaves it."""
        line = self._lines.setdefault(what, Line())
        line.people += 1
        try:
            yield line
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[what]

    def left(self) -> None:
        """Wake those at the fronts of all queues: somebody has left."""
        self.moved.set()
        self.moved = asyncio.Event()
