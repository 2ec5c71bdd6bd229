"""Fills an installation with nine invented weeks, played through the services with a clock that is moved."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from backend.context import Context
from backend.models import Status
from backend.services import retention
from backend.services.demo import devices, groups, letters, signing_in, visits
from backend.services.demo.accounts import ACCOUNTS
from backend.services.demo.days import Days
from backend.services.demo.lives import Fate, Life, lived
from backend.services.demo.people import Invented, words
from backend.services.demo.places import Later
from backend.services.demo.scenes import SceneWriter
from backend.services.demo.signing_in import Entry
from backend.services.demo.staff import ADMIN, PASSWORD
from backend.services.demo.stage import Cast, Moved, Scene, Stage, past_of
from backend.services.demo.visits import Visit
from backend.services.work import reading, unit_of_work
from backend.stores.mails import WantedMails

_SEED: Final = 20
_WEEKS: Final = 9
_OWNED: Final = 4
_EAGERNESS: Final = (0.8, 0.4)
"""How many devices each of the two accounts has, and how often they sign in on a day of work."""


@dataclass(frozen=True)
class Filled:
    """What an installation holds after it was filled."""

    people: int
    waiting: int
    organizations: int
    sign_ins: int
    mails: int
    left_out: int
    """People who were not made, because somebody else has their names."""
    applicant: str | None
    """The username of somebody who waits."""


@dataclass(frozen=True)
class Play:
    """All that is to happen, in order of time."""

    days: Days
    lives: Sequence[Life]
    scenes: Sequence[Scene]
    visits: Sequence[Visit]


def beginning(now: datetime) -> datetime:
    """Return when the invented past begins."""
    return (now - timedelta(weeks=_WEEKS)).replace(hour=8, minute=0, second=0, microsecond=0)


def written(now: datetime, number: int) -> Play:
    """Make up the past of so many people; it is the same for the same number and moment."""
    chance = random.Random(_SEED)  # noqa: S311  # it is to be the same every time
    days = Days(chance, beginning(now), now)
    lives, names = lived(chance, days, number), words()["devices"]
    admin = devices.of_somebody(chance, names)[0]
    origins = {ADMIN: admin.origin} | {life.who: life.devices[0].origin for life in lives}
    writer = SceneWriter(chance, days, origins)
    scenes = list(chain.from_iterable(writer.scenes(life) for life in lives))
    scenes += groups.scenes(chance, days, lives, number)
    coming = list(chain.from_iterable(visits.of_life(chance, life, now) for life in lives))
    coming += visits.burst(chance, lives, now)
    for account, eagerness in zip(ACCOUNTS, _EAGERNESS, strict=True):
        owned = devices.unlike(chance, names, _OWNED, admin if account.username == ADMIN else None)
        person = Invented(account.username, account.email, account.full_name, "english", timedelta(hours=1))
        life = Life(person, days.start, Fate.IN, owned, days.start, eagerness=eagerness)
        coming += visits.at_work(chance, life, days.start + timedelta(hours=1), now, now)
        coming += visits.remembered(chance, life, days.start, now)
    ordered = sorted((scene for scene in scenes if scene.at <= now), key=lambda scene: scene.at)
    return Play(days, lives, ordered, [visit for visit in coming if visit.at <= now])


async def fill(context: Context, play: Play, played: Callable[[datetime], None]) -> Filled:
    """Play the past; `played` is called with the time of each scene that is over. The two accounts have to be there.

    Each scene is one transaction, at its own moment. Mails are left in their last state: none of them ever leaves.
    """
    hashed = await context.hasher.hashed(PASSWORD)
    clock, cast = Moved(play.days.start, play.days.now), Cast()
    places = Later(context.provisioner)
    past = past_of(context, clock, hashed, places)
    async with reading(context) as look:
        for account in ACCOUNTS:
            user = await look.users.get_by_email(account.email)
            if user:
                cast.ids[account.username] = user.id
    try:
        idle = timedelta(minutes=context.settings.inactivity_minutes)
        moments = _Moments(signing_in.entries(play.visits, play.days.now, idle))
        for scene in play.scenes:
            if all(who in cast.ids for who in scene.takes):
                clock.move(scene.at)
                async with unit_of_work(past, scene.origin) as services:
                    stage = Stage(services, clock, cast)
                    await signing_in.write(stage, list(moments.until(scene.at)), play.days.now)
                    await scene.play(stage)
                    await letters.conclude(stage, scene.at)
            played(scene.at)
        clock.move(play.days.now)
        async with unit_of_work(past) as services:
            await signing_in.write(Stage(services, clock, cast), list(moments.until(play.days.now)), play.days.now)
    finally:
        past.hasher.close()
    await asyncio.to_thread(places.make)
    await retention.clean_up(context)
    return await _counted(context, play, cast)


class _Moments:
    """The moments of visits, each returned once."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries, self._next = entries, 0

    def until(self, at: datetime) -> Iterator[Entry]:
        """Return those up to a moment that have not been returned before."""
        while self._next < len(self._entries) and self._entries[self._next].at <= at:
            self._next += 1
            yield self._entries[self._next - 1]


async def _counted(context: Context, play: Play, cast: Cast) -> Filled:
    async with reading(context) as look:
        people = await look.users.tallies.people()
        totals = await look.users.tallies.totals()
        mails = await look.mails.count(WantedMails())
        waiting = [life.person for life in play.lives if life.fate is Fate.WAITING and life.who in cast.ids]
        return Filled(
            people=people.total(),
            waiting=sum(count for (_, status), count in people.items() if status is Status.PENDING),
            organizations=await look.past.organizations(),
            sign_ins=totals.get("signin_succeeded", 0),
            mails=mails,
            left_out=cast.left_out,
            applicant=_speaking(waiting).username if waiting else None,
        )


def _speaking(waiting: Sequence[Invented]) -> Invented:
    """Choose an applicant who gives a reason, with a name that everybody can type."""
    plain = [one for one in waiting if one.note and one.institution and one.username.isascii()]
    return min(plain or waiting, key=lambda one: len(one.email))
