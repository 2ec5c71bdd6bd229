"""Invented lives: who came when, what was decided about them, and what became of them."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from backend.services.demo import devices
from backend.services.demo.days import Days
from backend.services.demo.devices import Device
from backend.services.demo.people import Invented, Town, words
from backend.services.demo.staff import APPROVERS

USUAL: Final = 300
"""How many people fill an installation."""
FEWEST: Final = 40
"""So few still hold somebody of each language and in each state."""
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
_SINCE: Final = timedelta(hours=3)
"""Who came after that still waits, or was quickly decided about."""
_SELDOM: Final = 0.05
_OVERLOOKED: Final = timedelta(days=12)
"""How seldom a request is overlooked, and for how long."""
_REGULAR: Final = 0.25
_OLD: Final = 0.7
"""How much of the time is over for somebody to whom more has happened than being let in."""


class Fate(StrEnum):
    """What became of somebody."""

    IN = "in"
    MADE = "made"
    """The administrator made the account."""
    WAITING = "waiting"
    REJECTED = "rejected"
    RECONSIDERED = "reconsidered"
    SUSPENDED = "suspended"
    OPENED_AGAIN = "opened again"
    EXPIRED = "expired"
    ENDING = "ending"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"
    ERASED = "erased"


_OF_USUAL: Final[Mapping[Fate, int]] = {
    Fate.MADE: 4,
    Fate.REJECTED: 16,
    Fate.RECONSIDERED: 3,
    Fate.SUSPENDED: 5,
    Fate.OPENED_AGAIN: 3,
    Fate.EXPIRED: 6,
    Fate.ENDING: 8,
    Fate.DEACTIVATED: 6,
    Fate.DELETED: 6,
    Fate.ERASED: 2,
}
_WAITS: Final = (
    *(timedelta(minutes=minutes) for minutes in (3, 12, 48, 140, 290, 560)),
    *(timedelta(hours=hours) for hours in (17, 22, 26, 29, 33, 38, 43, 47, 52, 56, 61, 66, 70)),
    *(timedelta(days=days) for days in (3.2, 3.5, 4.1, 4.4, 4.8, 5.3, 6.2, 6.6, 7.4, 8.2, 9.3, 11.3)),
)
"""How long people have waited who wait now."""


@dataclass(frozen=True)
class Life:
    """Somebody's time here. `turned` is when something happened to them after the decision, `seen` how they sign in."""

    person: Invented
    came: datetime
    fate: Fate
    devices: Sequence[Device]
    decided: datetime | None = None
    by: str | None = None
    turned: datetime | None = None
    eagerness: float = 0.0
    """How often they sign in on a day of work."""
    verified: bool = True
    reachable: bool = True
    """Whether mail to them arrives."""

    @property
    def who(self) -> str:
        """Their username."""
        return self.person.username

    @property
    def until(self) -> datetime | None:
        """When they could not sign in any more."""
        return (
            None
            if self.fate in {Fate.IN, Fate.MADE, Fate.ENDING, Fate.RECONSIDERED, Fate.OPENED_AGAIN}
            else self.turned
        )


def lived(chance: random.Random, days: Days, number: int) -> Sequence[Life]:
    """Make up the lives of so many people between the days' beginning and now, in the order in which they came."""
    town, names = Town(chance, number), words()["devices"]
    waits = _some(_WAITS, max(4, round(len(_WAITS) * number / USUAL)))
    came = sorted(days.moment(days.now - _SINCE) for _ in range(number - len(waits) - len(APPROVERS)))
    fates = _fates(chance, came, days, number)
    lives = [
        _settled(chance, days, Life(town.somebody(at), at, fate, devices.of_somebody(chance, names)))
        for at, fate in zip(came, fates, strict=True)
    ]
    for wait in sorted(waits, reverse=True):
        at = days.now - wait * chance.uniform(0.985, 1)
        person = town.somebody(at, noted=0.94)
        lives.append(Life(person, at, Fate.WAITING, devices.of_somebody(chance, names), verified=chance.random() < 0.8))  # noqa: PLR2004
    for number_, person in enumerate(APPROVERS):
        at = days.start + (2 + 3 * number_) * timedelta(hours=1)
        lives.append(Life(person, at, Fate.IN, devices.of_somebody(chance, names), at + 9 * _MINUTE, eagerness=0.95))
    return sorted(_unreachable(lives), key=lambda life: life.came)


def _fates(chance: random.Random, came: Sequence[datetime], days: Days, number: int) -> Sequence[Fate]:
    fates = [Fate.IN] * len(came)
    long_ago = days.start + (days.now - days.start) * _OLD
    old = [place for place, at in enumerate(came) if at < long_ago]
    chance.shuffle(old)
    for fate, usual in _OF_USUAL.items():
        for _ in range(max(1, round(usual * number / USUAL))):
            fates[old.pop()] = fate
    for place in range(len(came)):  # not only long ago
        if fates[place] is Fate.IN and chance.random() < 0.03:  # noqa: PLR2004
            fates[place] = Fate.REJECTED
    return fates


def _settled(chance: random.Random, days: Days, life: Life) -> Life:
    overlooked = _OVERLOOKED * chance.uniform(0.5, 1) if chance.random() < _SELDOM else timedelta()
    decision = days.decision(min(life.came + overlooked, max(life.came, days.now - _DAY)))
    if life.fate is Fate.MADE:
        return replace(life, decided=life.came, eagerness=_REGULAR, verified=False)
    after = days.now - decision.at
    turned = decision.at + after * chance.uniform(0.3, 0.9)
    if life.fate is Fate.RECONSIDERED:
        turned = decision.at + min(after, 2 * _DAY) * chance.uniform(0.3, 0.9)
    if life.fate is Fate.ENDING:
        turned = decision.at + min(after, _DAY) * chance.random()
    (eagerness,) = chance.choices((0.0, 0.05, _REGULAR, 0.7), (8, 20, 47, 25))
    if life.fate not in {Fate.IN, Fate.REJECTED}:
        eagerness = max(eagerness, _REGULAR)
    return replace(
        life,
        decided=decision.at,
        by=decision.who,
        turned=None if life.fate in {Fate.IN, Fate.REJECTED} else turned,
        eagerness=eagerness,
        verified=chance.random() < 0.85,  # noqa: PLR2004
    )


def _unreachable(lives: Sequence[Life]) -> Iterator[Life]:
    """Let mail to a few people come back."""
    for number, life in enumerate(lives):
        lost = number % 60 == 17  # noqa: PLR2004
        yield replace(life, reachable=False, verified=False) if lost and life.person not in APPROVERS else life


def _some(of: Sequence[timedelta], number: int) -> Sequence[timedelta]:
    """Take so many of them, evenly, the first and the last among them."""
    number = min(number, len(of))
    return [of[round(place * (len(of) - 1) / (number - 1))] for place in range(number)]
