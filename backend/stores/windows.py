"""Counts in memory that end with their window; adding one costs the same at any number of them."""

import heapq
import time
from dataclasses import dataclass, field
from typing import Final

_MOST: Final = 200_000
"""Counts that are kept at once: some fifty megabytes."""
_CLEARED_AT_ONCE: Final = 64


@dataclass(slots=True)
class _Window:
    count: int
    ends: float


@dataclass
class Windows:
    """Fixed windows by key. Times are those of `time.monotonic()`.

    Every call removes a few windows that have ended. Beyond `most` of them, those that end first are dropped: an
    installation with so many people should count in Redis.
    """

    most: int = _MOST
    _windows: dict[str, _Window] = field(default_factory=dict)
    _ends: list[tuple[float, str]] = field(default_factory=list)

    def __len__(self) -> int:
        """Count the windows, those included that have ended and are not cleared away yet."""
        return len(self._windows)

    def add(self, key: str, seconds: int) -> tuple[int, float]:
        """Count one more, and return how many there are and in how many seconds the window ends."""
        now = time.monotonic()
        for _ in range(_CLEARED_AT_ONCE):
            if not (self._ends and self._ends[0][0] <= now):
                break
            self._forget_first()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            while window is None and len(self._windows) >= self.most:
                self._forget_first()
            window = self._windows[key] = _Window(0, now + seconds)
            heapq.heappush(self._ends, (window.ends, key))
        window.count += 1
        return window.count, window.ends - now

    def look(self, key: str) -> tuple[int, float]:
        """Return how many there are, and in how many seconds the window ends; 0 and 0 if there is none."""
        now, window = time.monotonic(), self._windows.get(key)
        return (window.count, window.ends - now) if window and window.ends > now else (0, 0.0)

    def _forget_first(self) -> None:
        ends, key = heapq.heappop(self._ends)
        window = self._windows.get(key)
        if window and window.ends == ends:  # else a later window of the same key has taken its place
            del self._windows[key]
