"""Lines: who waits in this process until there is room for one more attempt, first come, first served."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Line:
    """Those who wait for one thing or are inside already."""

    front: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the first in the line: only they ask whether there is room."""
    people: int = 0
    """All of them."""
    inside: int = 0
    """Those who were let in and have not left."""


class Lines:
    """The lines of this process, by what is waited for; nobody else's are known here."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._lines: dict[str, Line] = {}
        self.moved = asyncio.Event()
        """Set once the next one leaves, wherever; there is a new one for the one after."""

    @contextmanager
    def at(self, what: str) -> Iterator[Line]:
        """Stand in a line; it is forgotten with the last who leaves it."""
        line = self._lines.setdefault(what, Line())
        line.people += 1
        try:
            yield line
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[what]

    def left(self) -> None:
        """Tell those at the fronts that somebody has left."""
        self.moved.set()
        self.moved = asyncio.Event()
