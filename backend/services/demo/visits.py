"""Invented sign-ins: who signed in when and with what, how it ended, and who was refused."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from backend.errors import (
    AccountDeactivated,
    AccountExpired,
    AccountPending,
    AccountRejected,
    AccountSuspended,
    InvalidCredentials,
)
from backend.models import Carrier
from backend.services.audit import Origin
from backend.services.demo import devices
from backend.services.demo.devices import Device
from backend.services.demo.lives import Fate, Life

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_WEEKEND: Final = 5
_AT_WEEKENDS: Final = 0.2
_MISTYPED: Final = 0.07
_SIGNS_OUT: Final = 0.45
_REMEMBERED: Final = 0.25
"""How many people stay signed in on a device."""
_LONGEST_REMEMBERED: Final = 27.0
_REFUSALS: Final = {
    Fate.WAITING: AccountPending,
    Fate.REJECTED: AccountRejected,
    Fate.SUSPENDED: AccountSuspended,
    Fate.EXPIRED: AccountExpired,
    Fate.DEACTIVATED: AccountDeactivated,
}
_TRIES_AGAIN: Final = 0.4
_LOOKS: Final = 0.4
"""How many of those who wait look whether they have been let in."""
_BURST: Final = 88
_BURST_TAKES: Final = timedelta(minutes=7)
_KNOWN: Final = 9
"""So many real usernames are among those that are guessed at."""


@dataclass(frozen=True)
class Visit:
    """A sign-in; `who` is a username, None for a name that nobody has. Refused ones have the code of a refusal."""

    at: datetime
    who: str | None
    device: Device | None
    origin: Origin
    until: datetime | None = None
    """The last activity of a session."""
    signs_out: bool = False
    remembered: bool = False
    refused: str | None = None


def of_life(chance: random.Random, life: Life, now: datetime) -> Iterator[Visit]:
    """Make up the visits of one life."""
    if life.decided and life.verified and chance.random() < _LOOKS:
        at = life.came + (life.decided - life.came) * chance.uniform(0.1, 0.9)
        yield Visit(at, life.who, life.devices[0], life.devices[0].origin, refused=AccountPending.code)
    yield from _turned_away(chance, life, now)
    begins = life.turned if life.fate is Fate.RECONSIDERED else life.decided
    if begins is None or life.fate is Fate.REJECTED or not life.eagerness:
        return
    ends = life.until or now
    yield from at_work(chance, life, begins + timedelta(minutes=chance.uniform(10, 300)), ends, now)
    if ends == now and chance.random() < _REMEMBERED:
        yield from remembered(chance, life, begins, now)


def remembered(chance: random.Random, life: Life, since: datetime, now: datetime) -> Iterator[Visit]:
    """Make up the sessions that somebody keeps open in their browsers."""
    for device in life.devices:
        at = now - timedelta(days=chance.uniform(0.5, _LONGEST_REMEMBERED))
        if at > since and device.carrier is Carrier.COOKIE:
            idle = min((now - at) / 2, timedelta(hours=chance.uniform(0.05, 120)))
            yield Visit(at, life.who, device, device.origin, until=now - idle, remembered=True)


def at_work(chance: random.Random, life: Life, first: datetime, ends: datetime, now: datetime) -> Iterator[Visit]:
    """Make up the sign-ins of somebody between two moments."""
    day, at = 0, first
    while at < ends:
        device = life.devices[0] if chance.random() < 0.7 else chance.choice(life.devices)  # noqa: PLR2004
        if chance.random() < _MISTYPED:
            yield Visit(at - _MINUTE, life.who, device, device.origin, refused=InvalidCredentials.code)
        until = at + timedelta(minutes=chance.expovariate(1 / 35))
        if until > ends and ends != now:
            return
        yield Visit(at, life.who, device, device.origin, until=min(until, now), signs_out=chance.random() < _SIGNS_OUT)
        day += 1
        while True:
            at = _sometime(chance, first + day * _DAY, life)
            rate = life.eagerness * (_AT_WEEKENDS if at.weekday() >= _WEEKEND else 1)
            if at >= ends or (at > until and chance.random() < rate):
                break
            day += 1


def burst(chance: random.Random, lives: Sequence[Life], now: datetime) -> Iterator[Visit]:
    """Make up the guesses of a stranger from many addresses, this very day; most names are nobody's."""
    midnight = datetime.combine(now.date(), time(tzinfo=now.tzinfo))
    begins = max(min(midnight + 5 * _MINUTE, now - _BURST_TAKES), now - timedelta(hours=2, minutes=40))
    known = [life.who for life in lives if life.fate is Fate.IN][:_KNOWN]
    for number in range(_BURST):
        at = begins + _BURST_TAKES * (number / _BURST)
        who = chance.choice(known) if chance.random() < 1 / 4 else None
        yield Visit(at, who, None, devices.of_a_stranger(chance), refused=InvalidCredentials.code)


def _sometime(chance: random.Random, day: datetime, life: Life) -> datetime:
    """Return a moment of a day at which somebody is awake."""
    midnight = datetime.combine(day.date(), time(tzinfo=day.tzinfo))
    return midnight - life.person.ahead + timedelta(hours=chance.triangular(7.5, 22, 10))


def _turned_away(chance: random.Random, life: Life, now: datetime) -> Iterator[Visit]:
    """Let somebody try who is not let in, or not any more."""
    refusal = _REFUSALS.get(life.fate)
    begins = life.came if life.fate is Fate.WAITING else life.turned or life.decided
    if refusal is None or begins is None or not life.verified:
        return
    for _ in range(1 if life.fate is Fate.WAITING else 2):
        at = begins + min(now - begins, 2 * _DAY) * chance.uniform(0.1, 1)
        if chance.random() < _TRIES_AGAIN and at < now:
            yield Visit(at, life.who, life.devices[0], life.devices[0].origin, refused=refusal.code)
