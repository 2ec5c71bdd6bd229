"""Days of an office: when people come by, and when somebody is there to decide about them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from backend.services.demo.staff import ADMIN, AFTERNOON, MORNING

_DAY: Final = timedelta(days=1)
_WEEKEND: Final = 5
_BUSY: Final = (1, 1.1, 1.05, 1, 0.8, 0.22, 0.18)
"""How many come on a day of the week, Monday first, compared with a Monday."""
_HOURS: Final = (1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 10, 8, 8, 9, 10, 9, 7, 6, 5, 5, 4, 3, 2, 1)
"""How many come in an hour of the day in UTC; somewhere people are always awake."""
_GROWTH: Final = 0.9
_ANNOUNCED: Final = (19, 18)
"""So many days ago the summer school was announced, and three times as many came as on other days."""
_RUSH: Final = 3.2
_LATELY: Final = 11
_DECIDED: Final = 0.6
"""Of those who came in the last days, some wait still, and this is about the others."""
_AWAY: Final = range(33, 41)
"""So many days ago who decides in the morning was on holiday, and people waited longer."""
_NOTICED: Final = 0.72
"""How likely somebody who decides gets to a request."""
_AT_LEAST: Final = timedelta(minutes=6)
_SITTING: Final = 50


@dataclass(frozen=True)
class Sitting:
    """Somebody sits down to decide."""

    at: datetime
    who: str


class Days:
    """The days between a beginning and now."""

    def __init__(self, chance: random.Random, start: datetime, now: datetime) -> None:
        """Look at each of them."""
        self._chance, self.start, self.now = chance, start, now
        self._midnights = [
            datetime.combine(start.date(), time(tzinfo=UTC)) + _DAY * number
            for number in range((now.date() - start.date()).days + 1)
        ]
        self._weights = [self._busy(midnight, number) for number, midnight in enumerate(self._midnights)]
        self.sittings = self._sittings()

    def moment(self, latest: datetime) -> datetime:
        """Return a moment at which somebody may come."""
        while True:
            (midnight,) = self._chance.choices(self._midnights, self._weights)
            at = midnight + timedelta(hours=self._hour(), seconds=self._chance.uniform(0, 3600))
            if self.start < at < latest:
                return at

    def decision(self, came: datetime) -> Sitting:
        """Return when somebody decides about who came then, and who that is."""
        for sitting in self.sittings:
            begins = max(sitting.at, came + _AT_LEAST)
            ends = sitting.at + timedelta(minutes=_SITTING)
            if begins < ends and begins < self.now and self._chance.random() < _NOTICED:
                at = begins + (min(ends, self.now) - begins) * self._chance.random()
                return Sitting(at, sitting.who)
        return Sitting(came + (self.now - came) * self._chance.uniform(0.2, 0.9), AFTERNOON)

    def _hour(self) -> int:
        return self._chance.choices(range(24), _HOURS)[0]

    def _busy(self, midnight: datetime, number: int) -> float:
        grown = 1 + _GROWTH * number / len(self._midnights)
        ago = (self.now.date() - midnight.date()).days
        rush = _RUSH if ago in _ANNOUNCED else _DECIDED if ago <= _LATELY else 1
        return _BUSY[midnight.weekday()] * grown * rush

    def _sittings(self) -> Sequence[Sitting]:
        found = []
        for midnight in self._midnights:
            ago, weekend = (self.now.date() - midnight.date()).days, midnight.weekday() >= _WEEKEND
            if weekend:
                if self._chance.random() < 1 / 4:
                    found.append(self._about(midnight, 18, AFTERNOON))
                continue
            if ago not in _AWAY:
                found.append(self._about(midnight, 8, MORNING))
            found.append(self._about(midnight, 13, AFTERNOON))
            if midnight.weekday() in {1, 4}:
                found.append(self._about(midnight, 16, ADMIN))
        return [sitting for sitting in found if self.start < sitting.at < self.now]

    def _about(self, midnight: datetime, hour: int, who: str) -> Sitting:
        return Sitting(midnight + timedelta(hours=hour, minutes=self._chance.uniform(0, 55)), who)
