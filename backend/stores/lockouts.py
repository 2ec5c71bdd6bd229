"""Lockouts: which attempts still count, how many failures lock an account for unknown devices, and for how long."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

from backend.stores.counters import Limit

ABANDONED: Final = timedelta(minutes=1)
"""A check under way for longer than this is given up: its process has died."""
_LEVEL_LASTS: Final = timedelta(hours=24)
_DOUBLINGS: Final = 4
_LONGEST: Final = timedelta(hours=4)


@dataclass(frozen=True)
class Attempts:
    """The attempts of one subject, with the columns of `sign_in_attempts`."""

    started_at: datetime
    failures: int
    under_way: int
    level: int
    closed_until: datetime | None
    touched_at: datetime

    def at(self, now: datetime, window: timedelta) -> Self:
        """Drop what no longer counts: ended windows, lockouts, levels and abandoned checks.

        Times too far in the future are dropped too: a clock that was ahead must not lock anybody out for good.
        """
        opens = self.closed_until is not None and not now < self.closed_until <= now + _longest(window)
        over = not now - window < self.started_at <= now + window
        begins_anew = opens or (self.closed_until is None and over)
        return replace(
            self,
            failures=0 if begins_anew else self.failures,
            under_way=0 if abs(now - self.touched_at) >= ABANDONED else self.under_way,
            level=0 if self.started_at <= now - window - _LEVEL_LASTS else self.level,
            closed_until=None if opens else self.closed_until,
        )

    def failed(self, now: datetime, limit: Limit) -> Self:
        """Turn a check under way into a failure. The last one allowed locks the account, twice as long each time."""
        window, failures = timedelta(seconds=limit.window), self.failures + 1
        after = replace(
            self,
            started_at=self.started_at if self.failures else now,
            failures=failures,
            under_way=max(0, self.under_way - 1),
        )
        if failures < limit.amount or self.closed_until is not None:
            return after
        closed_for = min(window * 2 ** min(self.level, _DOUBLINGS), _longest(window))
        return replace(after, closed_until=now + closed_for, level=self.level + 1)

    def shut_until(self, limit: Limit) -> datetime | None:
        """Return when the lockout ends, None if there is none; it may come from a limit that was lowered meanwhile."""
        enough = self.failures >= limit.amount
        return self.closed_until or (self.started_at + timedelta(seconds=limit.window) if enough else None)

    @property
    def worth_keeping(self) -> bool:
        """Whether there is anything to store."""
        return bool(self.failures or self.under_way or self.level)


def _longest(window: timedelta) -> timedelta:
    return max(window, _LONGEST)
