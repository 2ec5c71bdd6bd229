"""Invented organizations with members and invitations, and tiers with limits."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from backend.models import MembershipRole
from backend.services.demo.days import Days
from backend.services.demo.lives import USUAL, Fate, Life
from backend.services.demo.people import words
from backend.services.demo.staff import ADMIN
from backend.services.demo.stage import Scene, Stage

if TYPE_CHECKING:
    from uuid import UUID

_DAY: Final = timedelta(days=1)
_EAGER: Final = 0.1
_FEWEST: Final = 3
_INVITED: Final = ("k.holm@example.net", "office@example.com", "r.mensah@example.org", "p.vaughan@example.net")
_HOUR_SECONDS: Final = 3600
_TIERS: Final = (
    ("Standard", True, (("/api", 3000),)),
    ("Programs", False, (("/api", 60_000), ("/api/v1/users", 6000))),
    ("Trial", False, (("/api", 300),)),
)
"""Name, whether it is the default one, and how many requests an hour to which paths."""
_PROGRAMS: Final = 0.06
_TRIAL: Final = 0.05


class Group:
    """One organization while the past is played."""

    def __init__(self, name: str) -> None:
        """Remember its name; its id is known when it has been made."""
        self.name = name
        self.id: UUID | None = None

    async def found(self, owner: str, stage: Stage) -> None:
        """Make the organization."""
        place = await stage.services.organizations.create(await stage.identity(owner), self.name)
        self.id = place.organization.id

    async def found_while_waiting(self, owner: str, stage: Stage) -> None:
        """Let somebody who waits have made it while signing up; it waits with them."""
        organization = await stage.services.organizations.founding.found(await stage.user(owner), self.name)
        self.id = organization.id

    async def join(
        self,
        owner: str,
        member: str,
        role: MembershipRole,
        takes: timedelta,
        stage: Stage,
        *,
        by_link: bool,
    ) -> None:
        """Let somebody be invited, and come in a while later."""
        if self.id is None:
            return
        invitations, user = stage.services.invitations, await stage.user(member)
        host = await stage.identity(owner)
        made = await invitations.invite(host, self.id, role, None if by_link else user.email)
        token = await stage.services.offers.token_for(made.invitation.id, host.id)
        stage.clock.pass_(takes)
        if token:
            await stage.services.offers.accept(await stage.identity(member), token)

    async def invite(self, owner: str, email: str | None, stage: Stage) -> None:
        """Let somebody be invited who has not come yet."""
        if self.id:
            await stage.services.invitations.invite(await stage.identity(owner), self.id, MembershipRole.MEMBER, email)

    async def hand_over(self, owner: str, heir: str, stage: Stage) -> None:
        """Let another member own it."""
        if self.id:
            await stage.services.members.transfer(await stage.identity(owner), self.id, stage.id(heir))

    async def part(self, owner: str, member: str, stage: Stage) -> None:
        """Remove a member."""
        if self.id:
            await stage.services.members.remove(await stage.identity(owner), self.id, stage.id(member))


def scenes(chance: random.Random, days: Days, lives: Sequence[Life], number: int) -> Iterator[Scene]:
    """Write down what groups there are, and how people came into them."""
    yield from _tiers(chance, days, lives)
    names: Sequence[tuple[str, str]] = words()["organizations"]
    names = names[: max(_FEWEST, round(len(names) * number / USUAL))]
    regular = [life for life in lives if life.fate is Fate.IN and life.eagerness > _EAGER and life.decided]
    for place, (name, language) in enumerate(names[1:]):
        crowd = _crowd(chance, regular, language, chance.randrange(_FEWEST, 14))
        yield from _organization(chance, days, Group(name), crowd, place)
    waiting = [life for life in lives if life.fate is Fate.WAITING]
    founder = waiting[len(waiting) // 3]
    moment = founder.came + timedelta(minutes=1)
    yield Scene(moment, partial(Group(names[0][0]).found_while_waiting, founder.who), (founder.who,))


def _crowd(chance: random.Random, regular: Sequence[Life], language: str, number: int) -> Sequence[Life]:
    """Choose who is in an organization, its owner first; a name in a language is for those who speak it."""
    speakers = [life for life in regular if life.person.language == language]
    others = [life for life in regular if life not in speakers]
    first = chance.sample(speakers, min(len(speakers), number // 2 + 1))
    rest = chance.sample(others, min(len(others), number - len(first)))
    return [*sorted(first, key=lambda life: life.came), *sorted(rest, key=lambda life: life.came)]


def _organization(
    chance: random.Random, days: Days, group: Group, crowd: Sequence[Life], place: int
) -> Iterator[Scene]:
    owner, *others = crowd
    origin, made = owner.devices[0].origin, _later(chance, days, owner.decided or days.start, 30)
    yield Scene(made, partial(group.found, owner.who), (owner.who,), origin)
    joined = made
    for number, life in enumerate(others):
        role = MembershipRole.ADMIN if number == 0 else MembershipRole.MEMBER
        at = _later(chance, days, max(made, life.decided or made), 20)
        takes = min(timedelta(hours=chance.uniform(0.2, 30)), (days.now - at) * 0.8)
        by_link = chance.random() < 1 / 3
        play = partial(group.join, owner.who, life.who, role, takes, by_link=by_link)
        yield Scene(at, play, (owner.who, life.who), origin)
        joined = max(joined, at + takes)
    last = joined + (days.now - joined) * chance.uniform(0.1, 0.9)
    if place == 0:
        yield Scene(last, partial(group.part, owner.who, others[-1].who), (owner.who, others[-1].who), origin)
    if place == 1:
        yield Scene(last, partial(group.hand_over, owner.who, others[0].who), (owner.who, others[0].who), origin)
        return
    asked = days.now - chance.uniform(0.1, 9) * _DAY
    if asked > made:
        yield Scene(asked, partial(group.invite, owner.who, _INVITED[place % len(_INVITED)]), (owner.who,), origin)
        if place % 2 == 0:
            yield Scene(asked, partial(group.invite, owner.who, None), (owner.who,), origin)


def _tiers(chance: random.Random, days: Days, lives: Sequence[Life]) -> Iterator[Scene]:
    made = days.start + timedelta(hours=1)
    yield Scene(made, _make_tiers)
    for life in lives:
        drawn = chance.random()
        tier = "Programs" if drawn < _PROGRAMS else "Trial" if drawn < _PROGRAMS + _TRIAL else None
        if tier and life.decided and life.fate is Fate.IN:
            at = life.decided + min(days.now - life.decided, 2 * _DAY) * chance.random()
            yield Scene(max(at, made), partial(_give_tier, life.who, tier), (life.who,))


async def _make_tiers(stage: Stage) -> None:
    admin, services = stage.cast.by(ADMIN), stage.services
    if await services.tiers.every():
        return
    for name, is_default, limits in _TIERS:
        await services.tiers.create(admin, name, is_default=is_default)
        for path, amount in limits:
            await services.tier_limits.add(admin, name, path=path, amount=amount, period=_HOUR_SECONDS)


async def _give_tier(who: str, name: str, stage: Stage) -> None:
    held = {tier.name: tier.id for tier in await stage.services.tiers.every()}
    if name in held:
        await stage.services.tier_holders.assign(stage.cast.by(ADMIN), stage.id(who), held[name])


def _later(chance: random.Random, days: Days, after: datetime, most: float) -> datetime:
    """Return a moment some days after another one, and well before now."""
    room = min((days.now - after) * 0.8, most * _DAY)
    return after + room * chance.uniform(0.1, 1)
