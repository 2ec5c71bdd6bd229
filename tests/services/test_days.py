"""Counts by day and week: each person, decision and record once, on the right one; and what they are used for."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from backend.errors import DatabaseUnavailable
from backend.migrations import runner
from backend.models import AuditEvent, Tally, TallyKind, UserSession
from backend.services import reading, startup, unit_of_work
from backend.services.audit import Action
from backend.services.statistics import Unusual
from backend.stores.database import Database
from backend.stores.rows import insert
from backend.stores.touches import Touches
from tests.application import Application
from tests.factories import PASSWORD, People, Person

WHO = "/api/auth/whoami"


async def _counts(running: Application, kind: TallyKind) -> dict[str, int]:
    async with running.context.database.reading() as session:
        found = (await session.exec(select(Tally).where(Tally.kind == kind))).all()
    return {tally.key: tally.count for tally in found if tally.count}


async def _do(running: Application, statement: str) -> None:
    async with running.context.database.writing() as session:
        await (await session.connection()).execute(text(statement))


async def _at(running: Application, moment: str) -> None:
    """Go on to a moment of UTC, whatever the time is."""
    running.clock.at = datetime.fromisoformat(moment).replace(tzinfo=UTC)


async def _uses(running: Application, *persons: Person) -> None:
    for person in persons:
        assert (await person.get(WHO)).status_code == 200


async def _saved(running: Application) -> None:
    await running.context.touches.save(running.context.database)


@pytest.mark.settings(inactivity_minutes=60 * 24 * 20, max_token_lifetime_hours=24 * 30, session_lifetime_hours=24 * 30)
async def test_who_uses_an_account_is_counted_once_a_day_and_once_a_week(running: Application, people: People) -> None:
    await _at(running, "2030-12-28T22:00:00")  # a Saturday; the year ends on a Tuesday, in week 1 of the next
    ana, ben, eva = await people.admin(), await people.active(), await people.active()
    await _uses(running, ana, ana, ben)
    await _saved(running)
    await _at(running, "2030-12-28T23:59:59")
    await _uses(running, ana, ben)
    await _at(running, "2030-12-29T00:00:00")
    await _uses(running, ana)
    await _saved(running)
    await _at(running, "2030-12-30T09:00:00")
    await _uses(running, ana, ben)
    await people.signed_in(ben)
    await _saved(running)
    await _at(running, "2031-01-01T09:00:00")
    await _uses(running, ana, ben, ana)
    for _ in range(2):
        await _saved(running)
    await _at(running, "2031-01-06T00:00:01")
    await people.signed_in(eva)
    await _uses(running, eva)
    await _saved(running)

    days = {"2030-12-28": 3, "2030-12-29": 1, "2030-12-30": 2, "2031-01-01": 2, "2031-01-06": 1}
    weeks = {"2030-W52": 3, "2031-W01": 2, "2031-W02": 1}
    assert await _counts(running, TallyKind.ACTIVE) == days | weeks


async def test_the_last_second_of_a_day_belongs_to_it(running: Application, people: People) -> None:
    await _at(running, "2031-03-01T23:50:00")
    person = await people.admin()
    await _at(running, "2031-03-02T23:59:59")
    await people.signed_in(person)
    await _do(running, "UPDATE users SET active_on = '2031-03-01'")  # as if only the use were known, not the sign-in
    await _do(running, "DELETE FROM tallies WHERE kind = 'active'")
    running.clock.move(seconds=0.5)
    await _uses(running, person)
    running.clock.move(seconds=1)
    await _uses(running, person)
    await _saved(running)

    assert await _counts(running, TallyKind.ACTIVE) == {"2031-03-02": 1, "2031-03-03": 1, "2031-W10": 1}


async def test_processes_that_save_at_once_count_everybody_once(running: Application, people: People) -> None:
    persons = [await people.active() for _ in range(4)]
    running.clock.move(days=1)
    for person in persons:
        await people.signed_in(person)
    running.clock.move(days=8)
    now, database = running.clock.now(), running.context.database
    async with database.reading() as session:
        sessions = (await session.exec(select(func.count()).select_from(UserSession))).one()
    processes = [Touches() for _ in range(4)]
    used = [running.context.signer.read(person.token or "", now - timedelta(days=8)).session_id for person in persons]
    orders = (used, used[::-1], used[2:] + used[:2], used[1:] + used[:1])
    pulses = [(one, one.pulse(id_, now)) for one, ids in zip(processes, orders, strict=True) for id_ in ids]
    for one, pulse in pulses:
        one.touch(pulse, now + timedelta(seconds=1))
    await asyncio.gather(*(one.save(database) for one in processes), *(people.signed_in(one) for one in persons))

    assert sessions == 8
    assert (await _counts(running, TallyKind.ACTIVE))[f"{now:%Y-%m-%d}"] == 4
    assert (await _counts(running, TallyKind.ACTIVE))[f"{now:%G-W%V}"] == 4


async def test_a_known_day_is_not_written_again_and_a_lost_one_is_tried_again(
    running: Application, people: People
) -> None:
    person = await people.active()
    running.clock.move(days=1)
    await people.signed_in(person)
    today = f"{running.clock.now():%Y-%m-%d}"
    await _do(running, "UPDATE users SET active_on = NULL")  # as if it was not known
    running.clock.move(seconds=1)
    await _uses(running, person)
    await _do(running, "ALTER TABLE tallies RENAME TO lost")
    with pytest.raises((DatabaseUnavailable, DBAPIError)):
        await _saved(running)
    await _do(running, "ALTER TABLE lost RENAME TO tallies")
    counts = [(await _counts(running, TallyKind.ACTIVE))[today]]
    for _ in range(2):
        await _saved(running)
        counts.append((await _counts(running, TallyKind.ACTIVE))[today])
        running.clock.move(seconds=1)
        await _uses(running, person)

    assert counts == [1, 2, 2]


async def test_decisions_are_counted_by_how_long_people_had_waited(running: Application, people: People) -> None:
    waits = {"hour": 59, "day": 60, "three_days": 24 * 60, "week": 3 * 24 * 60, "longer": 7 * 24 * 60}
    for minutes in waits.values():
        person, other = await people.pending(), await people.pending()
        running.clock.move(minutes=minutes)
        async with unit_of_work(running.context) as work:
            await work.decisions.approve(person.id, by=None)
            await work.decisions.reject(other.id, by=None)
            await work.decisions.approve(other.id, by=None, reconsider=True)  # who was turned away does not wait
    async with unit_of_work(running.context) as work:
        await work.decisions.reject((await people.pending()).id, by=None)
    counted: dict[str, int] = {}
    for key, count in (await _counts(running, TallyKind.WAITED)).items():
        counted[key.partition("/")[2]] = counted.get(key.partition("/")[2], 0) + count

    assert counted == {**dict.fromkeys(waits, 2), "hour": 3}


async def test_migrate_counts_what_was_on_record_before(database_url: str) -> None:
    database = Database(database_url)
    known: Mapping[tuple[str, str | None], int] = {
        ("registered", None): 3,
        ("signin_failed", "AUTH_INVALID_CREDENTIALS"): 2,
        ("signin_failed", None): 1,
        ("refused", "PROVISIONING_FAILED"): 1,
        ("refused", "ADMIN_REQUIRED"): 4,
        ("admin_user_approved", "a reason somebody typed"): 1,
        ("session_opened", None): 5,
    }
    days = [datetime(2030, 5, day, hour, 30, tzinfo=UTC) for day, hour in ((4, 0), (4, 23), (5, 0))]
    async with database.writing() as session:
        events = [
            AuditEvent(id=uuid4(), at=at, action=action, reason=why)
            for at in days
            for (action, why), number in known.items()
            for _ in range(number)
        ]
        await insert(session, *events)
    async with database.for_schema_changes() as connection:
        await connection.run_sync(_back_and_forth)
    async with database.reading() as session:
        found = (await session.exec(select(Tally).where(Tally.kind == TallyKind.HAPPENED))).all()
    await database.close()

    assert {tally.key: tally.count for tally in found} == {
        f"2030-05-0{day}/{what}": times * number
        for day, times in ((4, 2), (5, 1))
        for what, number in (
            *(("registered", 3), ("signin_failed/auth_invalid_credentials", 2), ("signin_failed", 1)),
            *(("refused/provisioning_failed", 1), ("admin_user_approved", 1)),
        )
    }


async def test_counting_rows_anew_forgets_no_day(running: Application, people: People) -> None:
    person = await people.active()
    async with people.work() as work:
        await work.decisions.approve((await people.pending()).id, by=None)
    await running.client.post("/api/auth/login", json={"username_or_email": person.username, "password": "wrong"})
    kinds = (TallyKind.HAPPENED, TallyKind.WAITED, TallyKind.ACTIVE)
    before = [await _counts(running, kind) for kind in kinds]
    await startup.migrate(running.context)

    assert [await _counts(running, kind) for kind in kinds] == before
    assert all(before)


async def test_what_is_unusual_is_told_with_all_figures_until_the_day_after_is_over(
    running: Application, people: People
) -> None:
    for day in range(28):
        running.clock.move(days=1)
        await _happen(running, failed=4 if day % 2 else 400 * (day == 0), resets=6)
    running.clock.move(days=1)
    seen, later = [], list[Sequence[Unusual]]()
    for failed, resets in ((13, 18), (1, 0), (0, 1)):
        await _happen(running, failed=failed, resets=resets)
        async with reading(running.context) as look:
            seen.append(await look.statistics.unusual(running.clock.now()))
            later = [await look.statistics.unusual(running.clock.now() + timedelta(days=days)) for days in (1, 2)]

    failures = Unusual("Sign-ins with a wrong name or password", 14, 4, 4, "sign-ins")
    asked = Unusual("Password resets requested", 19, 6, 6, "resets")
    assert seen == [
        [],  # ten more than usual at least, and more than three times as many
        [failures],
        [failures, asked],
    ]
    assert later == [[replace(one, today=0, yesterday=one.today) for one in (failures, asked)], []]


async def _happen(running: Application, *, failed: int, resets: int) -> None:
    async with unit_of_work(running.context) as work:
        await work.audit.record_all(
            Action.SIGNIN_FAILED, {uuid4(): {} for _ in range(failed)}, reason="AUTH_INVALID_CREDENTIALS"
        )
        await work.audit.record_all(Action.PASSWORD_RESET_REQUESTED, {uuid4(): {} for _ in range(resets)})


async def test_what_is_broken_is_counted_and_what_is_not_allowed_is_not(running: Application, people: People) -> None:
    async with people.work() as work:
        for reason in ("PROVISIONING_FAILED", "ADMIN_REQUIRED", "PROVISIONING_FAILED"):
            await work.audit.record(Action.REFUSED, reason=reason)
        await work.audit.record_all(Action.SIGNIN_FAILED, {}, reason="ACCOUNT_PENDING")
    assert [*(await _counts(running, TallyKind.HAPPENED)).items()] == [
        (f"{running.clock.now():%Y-%m-%d}/refused/provisioning_failed", 2)
    ]


async def test_a_sign_in_that_is_undone_counts_nowhere(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(days=1)
    before = [await _counts(running, kind) for kind in TallyKind]
    with pytest.raises(RuntimeError):  # noqa: PT012  # a unit of work is a block
        async with unit_of_work(running.context) as work:
            await work.sessions.open_cookie(await work.authentication.check_password(person.username, PASSWORD))
            raise RuntimeError
    assert [await _counts(running, kind) for kind in TallyKind] == before


def _back_and_forth(connection: Any) -> None:  # Alembic's own
    from alembic import command  # noqa: PLC0415

    config = runner._config()
    config.attributes["connection"] = connection
    command.downgrade(config, "0004")
    command.upgrade(config, "head")
