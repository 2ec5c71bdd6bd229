"""Counts that are kept with every change, compared with the rows that they count after a walk nobody planned."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import pytest
from sqlmodel import select

from backend.errors import VestibuleError
from backend.models import GONE, Role, Status, Tally, TallyKind, User
from backend.services import Services, bulk, retention, unit_of_work
from backend.services.admission import Registration
from backend.services.audit import Origin
from tests.application import Application
from tests.factories import PASSWORD, People

STEPS: Final = 120
Act = Callable[[Services, UUID], Awaitable[object]]


async def _sign_in(work: Services, id_: UUID) -> None:
    user = await work.users.check_password((await work.people.found(id_)).username, PASSWORD)
    await work.sessions.open_cookie(user)


ACTS: Final[Mapping[str, Act]] = {
    "approve": lambda work, id_: work.users.approve(id_, by=None),
    "reject": lambda work, id_: work.users.reject(id_, by=None),
    "reopen": lambda work, id_: work.users.reopen(id_, by=None),
    "suspend": lambda work, id_: work.closing.suspend(None, id_),
    "expire": lambda work, id_: work.closing.expire(None, id_),
    "deactivate": lambda work, id_: work.closing.deactivate(id_, confirmed=True),
    "activate": lambda work, id_: work.closing.activate(None, id_),
    "promote": lambda work, id_: work.administration.promote(None, id_),
    "demote": lambda work, id_: work.administration.demote(None, id_),
    "let decide": lambda work, id_: work.administration.set_role(None, id_, Role.APPROVER),
    "delete": lambda work, id_: work.closing.delete(None, id_),
    "delete with names": lambda work, id_: work.closing.delete(None, id_, free_names=False),
    "restore": lambda work, id_: work.closing.restore(None, id_),
    "anonymize": lambda work, id_: work.erasure.anonymize(None, id_),
    "sign in": _sign_in,
}


async def _register(running: Application, number: int) -> UUID:
    async with unit_of_work(running.context) as work:
        name = f"walker{number}"
        return (await work.users.register(Registration(name, f"{name}@example.org", PASSWORD))).id


async def _in_bulk(running: Application, dice: random.Random, ids: list[UUID]) -> None:
    operation, role = dice.choice(list(bulk.Operation)), dice.choice(list(Role))
    some = [str(id_) for id_ in dice.sample(ids, min(5, len(ids)))]
    await bulk.run(running.context, None, bulk.Call(operation, some, role), Origin())


async def _step(running: Application, dice: random.Random, ids: list[UUID]) -> str:
    """Do anything to anybody; tell what."""
    act = dice.choice([*ACTS, "sign in", "register", "register", "in bulk", "wait", "time"])
    if act == "register":
        ids.append(await _register(running, len(ids)))
    elif act == "in bulk":
        await _in_bulk(running, dice, ids)
    elif act == "wait":
        running.clock.move(hours=dice.choice([1, 5, 40]))
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
    counts = Counter((TallyKind.PEOPLE, f"{user.role}/{user.status}") for user in users)
    counts += Counter((TallyKind.REGISTERED, f"{user.created_at:%Y-%m-%d}") for user in users)
    counts += Counter(
        (TallyKind.SEEN, _hour(user.last_login)) for user in users if user.last_login and user.status not in GONE
    )
    return dict(counts)


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
