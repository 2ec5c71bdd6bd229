"""Counts that are kept with every change, compared with the rows that they count after a walk nobody planned."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import pytest
from sqlmodel import select

from backend.errors import VestibuleError
from backend.models import GONE, AuditEvent, Role, Status, Tally, TallyKind, User
from backend.services import Services, bulk, reading, retention, unit_of_work
from backend.services.audit import COUNTED, Origin
from backend.services.registration import Registration
from tests.application import Application
from tests.factories import PASSWORD, People

STEPS: Final = 120
DECISIONS: Final = {"admin_user_approved", "admin_user_rejected"}
WAITS: Final = [("hour", 1), ("day", 24), ("three_days", 72), ("week", 168), ("longer", 10**6)]
Counted = Counter[tuple[TallyKind, str]]
Act = Callable[[Services, UUID], Awaitable[object]]


async def _sign_in(work: Services, id_: UUID) -> None:
    user = await work.authentication.check_password((await work.people.one(id_)).username, PASSWORD)
    await work.sessions.open_cookie(user)


async def _give_or_take_a_tier(work: Services, id_: UUID) -> None:
    name = f"tier {id_.int % 2}"
    tier = next((tier for tier in await work.tiers.every() if tier.name == name), None)
    tier = tier or await work.tiers.create(None, name)
    had = (await work.people.one(id_, gone=True)).tier_id
    await work.tier_holders.assign(None, id_, tier.id if had is None else None)


async def _fail_to_sign_in(running: Application, dice: random.Random, ids: list[UUID]) -> None:
    async with reading(running.context) as look:
        name = (await look.people.one(dice.choice(ids), gone=True)).username
    body = {"username_or_email": name, "password": dice.choice([PASSWORD, "wrong"])}
    await running.client.post("/api/auth/login", json=body)


ACTS: Final[Mapping[str, Act]] = {
    "approve": lambda work, id_: work.decisions.approve(id_, by=None),
    "reject": lambda work, id_: work.decisions.reject(id_, by=None),
    "reopen": lambda work, id_: work.decisions.reopen(id_, by=None),
    "suspend": lambda work, id_: work.closing.suspend(None, id_),
    "expire": lambda work, id_: work.closing.expire(None, id_),
    "deactivate": lambda work, id_: work.closing.deactivate(id_, confirmed=True),
    "activate": lambda work, id_: work.closing.activate(None, id_),
    "promote": lambda work, id_: work.roles.promote(None, id_),
    "demote": lambda work, id_: work.roles.demote(None, id_),
    "let decide": lambda work, id_: work.roles.give(None, id_, Role.APPROVER),
    "delete": lambda work, id_: work.deletion.delete(None, id_),
    "delete with names": lambda work, id_: work.deletion.delete(None, id_, free_names=False),
    "restore": lambda work, id_: work.deletion.restore(None, id_),
    "anonymize": lambda work, id_: work.erasure.anonymize(None, id_),
    "sign in": _sign_in,
    "tier": _give_or_take_a_tier,
}


async def _register(running: Application, number: int) -> UUID:
    async with unit_of_work(running.context) as work:
        name = f"walker{number}"
        return (await work.sign_up.register(Registration(name, f"{name}@example.org", PASSWORD))).id


async def _in_bulk(running: Application, dice: random.Random, ids: list[UUID]) -> None:
    operation, role = dice.choice(list(bulk.Operation)), dice.choice(list(Role))
    some = [str(id_) for id_ in dice.sample(ids, min(5, len(ids)))]
    async with reading(running.context) as look:
        tier_id = dice.choice([None, *(tier.id for tier in await look.tiers.every())])
    await bulk.run(running.context, None, bulk.Call(operation, some, role, tier_id), Origin())


async def _step(running: Application, dice: random.Random, ids: list[UUID]) -> str:
    """Do anything to anybody; tell what."""
    act = dice.choice([*ACTS, "sign in", "at the door", "register", "register", "in bulk", "wait", "time"])
    if act == "register":
        ids.append(await _register(running, len(ids)))
    elif act == "in bulk":
        await _in_bulk(running, dice, ids)
    elif act == "at the door":
        await _fail_to_sign_in(running, dice, ids)
    elif act == "wait":
        running.clock.move(hours=dice.choice([1, 5, 40, 90]))
    elif act == "time":
        await retention.catch_up(running.context)
    else:
        try:
            async with unit_of_work(running.context) as work:
                await ACTS[act](work, dice.choice(ids))
        except VestibuleError:
            return f"{act}: refused"
    return act


async def _kept(people: People) -> dict[tuple[TallyKind, str], int]:
    async with people.context.database.reading() as session:
        found = (await session.exec(select(Tally))).all()
    return {(TallyKind(tally.kind), tally.key): tally.count for tally in found if tally.count}


async def _counted(people: People) -> dict[tuple[TallyKind, str], int]:
    async with people.context.database.reading() as session:
        users = (await session.exec(select(User))).all()
        audit = (await session.exec(select(AuditEvent))).all()
    counts = _happened(audit) + _waited(audit, {user.id: user.created_at for user in users}) + _active(audit)
    counts += Counter((TallyKind.PEOPLE, f"{user.role}/{user.status}") for user in users)
    counts += Counter((TallyKind.TIERED, f"{user.tier_id}/{user.role}/{user.status}") for user in users if user.tier_id)
    counts += Counter((TallyKind.REGISTERED, f"{user.created_at:%Y-%m-%d}") for user in users)
    counts += Counter(
        (TallyKind.SEEN, _hour(user.last_login)) for user in users if user.last_login and user.status not in GONE
    )
    return dict(counts)


def _happened(audit: Sequence[AuditEvent]) -> Counted:
    """Records that are counted by day, with their reason where it is a word of ours."""
    whys = {event.id: f"/{event.reason.lower()}" for event in audit if event.action == "signin_failed" and event.reason}
    keys = (f"{event.at:%Y-%m-%d}/{event.action}{whys.get(event.id, '')}" for event in audit if event.action in COUNTED)
    return Counter((TallyKind.HAPPENED, key) for key in keys)


def _waited(audit: Sequence[AuditEvent], came: Mapping[UUID, datetime]) -> Counted:
    """Decisions about people who waited until then; who was turned away before did not."""
    decided = [event for event in audit if event.action in DECISIONS and event.details["was"] == Status.PENDING]
    waits = [(event.at, (event.at - came[event.target_id]).total_seconds()) for event in decided if event.target_id]
    return Counter(
        (TallyKind.WAITED, f"{at:%Y-%m-%d}/{next(word for word, hours in WAITS if seconds < 3600 * hours)}")
        for at, seconds in waits
    )


def _active(audit: Sequence[AuditEvent]) -> Counted:
    """Who signed in on a day, in a week: nobody does anything else in these walks."""
    seen = {(event.target_id, event.at.date()) for event in audit if event.action == "signin_succeeded"}
    weeks = {(who, f"{day:%G-W%V}") for who, day in seen}
    return Counter((TallyKind.ACTIVE, str(when)) for _, when in [*seen, *weeks])


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H}"


@pytest.mark.settings(rate_limits=False)
@pytest.mark.parametrize("seed", [1, 2])
async def test_tallies_equal_the_rows(running: Application, people: People, seed: int) -> None:
    dice, did = random.Random(seed), Counter[str]()  # noqa: S311
    ids = [await _register(running, 0)]
    for number in range(STEPS):
        act = await _step(running, dice, ids)
        did[act] += 1
        if number % 20 == 0 or number == STEPS - 1:
            assert await _kept(people) == await _counted(people), act

    statuses = Counter((await people.statuses()).values())
    assert len(statuses) >= 5
    assert sum(count for act, count in did.items() if "refused" not in act) > STEPS / 3


async def test_a_refused_change_counts_nothing(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    before = await _kept(people)
    for act, id_ in (("demote", admin.id), ("delete", admin.id), ("approve", person.id), ("restore", person.id)):
        with pytest.raises(VestibuleError):  # noqa: PT012  # a unit of work is a block
            async with unit_of_work(running.context) as work:
                await work.closing.suspend(None, person.id)
                await ACTS[act](work, id_)
    assert await _kept(people) == before == await _counted(people)


async def test_people_who_sign_in_at_once_are_all_counted(running: Application, people: People) -> None:
    persons = [await people.active() for _ in range(5)]
    running.clock.move(hours=2)
    await asyncio.gather(*(people.signed_in(person) for person in persons * 2))
    assert await _kept(people) == await _counted(people)


async def test_hours_in_which_nobody_was_seen_last_are_swept(running: Application, people: People) -> None:
    person = await people.active()
    for _ in range(3):
        running.clock.move(hours=2)
        await people.signed_in(person)
    await retention.clean_up(running.context)
    async with people.context.database.reading() as session:
        seen = (await session.exec(select(Tally).where(Tally.kind == TallyKind.SEEN))).all()
    assert [(tally.key, tally.count) for tally in seen] == [(_hour(running.clock.now()), 1)]
    assert (await people.row(person)).status is Status.ACTIVE
