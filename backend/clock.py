"""Where time comes from: one injected clock, so that tests move it instead of waiting."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Every rule about time in Vestibule asks one of these."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


@dataclass
class MovedClock:
    """A clock that runs with the machine's, ahead of it by `ahead`; rehearsals and tests move it."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """Return the machine's time plus the distance moved so far."""
        return datetime.now(UTC) + self.ahead

    def move(self, **distance: float) -> None:
        """Move by a distance given as `timedelta` keywords, for example `minutes=20`."""
        self.ahead += timedelta(**distance)
