"""Activity is known at once here and written in batches: the newest moment, for sessions that live."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select

from backend.errors import DatabaseUnavailable
from backend.models import Carrier, SessionEnd, User, UserSession
from backend.services import unit_of_work
from backend.stores.database import Database
from backend.stores.touches import Touches
from tests.application import PATIENCE, Application
from tests.factories import People, Person

SECOND = timedelta(seconds=1)
WHO = "/api/auth/whoami"


@pytest.fixture
async def sessions(running: Application, people: People) -> list[UserSession]:
    """Three sessions of somebody."""
    person = await people.active()
    for _ in range(2):
        await people.signed_in(person)
    return await _sessions(running.context.database, person)


@pytest.fixture
async def away(tmp_path: Path) -> AsyncIterator[Database]:
    """A database that cannot be reached."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'nowhere' / 'vestibule.db'}")
    yield database
    await database.close()


async def _sessions(database: Database, person: Person) -> list[UserSession]:
    async with database.reading() as session:
        query = select(UserSession).where(UserSession.user_id == person.id).order_by(col(UserSession.id))
        return list((await session.exec(query)).all())


async def _stored(database: Database, id_: UUID) -> datetime:
    async with database.reading() as session:
        return (await session.exec(select(UserSession.last_activity).where(UserSession.id == id_))).one()


async def test_the_newest_moment_is_written(running: Application, sessions: list[UserSession]) -> None:
    database, touches, (one, two, three) = running.context.database, Touches(), sessions
    pulses = [touches.pulse(session.id, session.last_activity) for session in sessions]
    for seconds in (1, 5, 3):
        touches.touch(pulses[0], one.last_activity + seconds * SECOND)
    touches.touch(pulses[1], two.last_activity + SECOND)
    await touches.save(database)

    moved = [await _stored(database, session.id) - session.last_activity for session in sessions]
    assert moved == [5 * SECOND, SECOND, timedelta()]
    assert touches.newest(three.id, three.last_activity) == three.last_activity


async def test_time_never_goes_back(running: Application, sessions: list[UserSession]) -> None:
    database, touches, one = running.context.database, Touches(), sessions[0]
    pulse = touches.pulse(one.id, one.last_activity)
    touches.touch(pulse, one.last_activity + SECOND)
    others = Touches()  # another process knows of something later
    others.touch(others.pulse(one.id, one.last_activity), one.last_activity + 9 * SECOND)
    await others.save(database)
    await touches.save(database)
    first = await _stored(database, one.id)
    touches.touch(pulse, one.last_activity)
    touches.pulse(one.id, one.last_activity)
    await touches.save(database)

    assert first == await _stored(database, one.id) == one.last_activity + 9 * SECOND
    assert touches.newest(one.id, one.last_activity) == one.last_activity + SECOND
    assert touches.pulse(one.id, one.last_activity + 9 * SECOND).last == one.last_activity + 9 * SECOND


async def test_an_ended_session_is_not_used_again(running: Application, sessions: list[UserSession]) -> None:
    database, touches, one = running.context.database, Touches(), sessions[0]
    touches.touch(touches.pulse(one.id, one.last_activity), one.last_activity + SECOND)
    async with unit_of_work(running.context) as services:
        await services.sessions.end(one.id, one.user_id, SessionEnd.ADMIN)
    await touches.save(database)
    async with database.reading() as session:
        ended = (await session.exec(select(UserSession).where(UserSession.id == one.id))).one()

    assert (ended.last_activity, ended.ended_because) == (one.last_activity, SessionEnd.ADMIN)
    assert ended.ended_at is not None


async def test_what_could_not_be_written_is_written_later(
    running: Application, sessions: list[UserSession], away: Database
) -> None:
    database, touches = running.context.database, Touches()
    pulses = [touches.pulse(session.id, session.last_activity) for session in sessions]
    for session, pulse in zip(sessions, pulses, strict=True):
        touches.touch(pulse, session.last_activity + SECOND)
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            await touches.save(away)
    touches.touch(pulses[0], sessions[0].last_activity + 2 * SECOND)
    del pulses
    await touches.save(database)

    moved = [await _stored(database, session.id) - session.last_activity for session in sessions]
    assert moved == [2 * SECOND, SECOND, SECOND]


async def test_an_unreachable_database_is_tried_again_until_the_end(
    running: Application, sessions: list[UserSession], away: Database
) -> None:
    touches, stopping, one = Touches(), asyncio.Event(), sessions[0]
    touches.touch(touches.pulse(one.id, one.last_activity), one.last_activity + SECOND)
    trying = asyncio.create_task(touches.keep_saving(away, 0.01, stopping))
    await asyncio.sleep(0.1)
    still_trying = not trying.done()
    stopping.set()
    await trying
    await touches.save(running.context.database)

    assert still_trying
    assert await _stored(running.context.database, one.id) == one.last_activity + SECOND


async def test_writing_ends_however_busy_everybody_is(running: Application, sessions: list[UserSession]) -> None:
    database, touches, one = running.context.database, Touches(), sessions[0]
    pulse, busy = touches.pulse(one.id, one.last_activity), True

    async def keep_busy() -> None:
        at = one.last_activity
        while busy:
            at += SECOND
            touches.touch(pulse, at)
            await asyncio.sleep(0)

    working = asyncio.create_task(keep_busy())
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(PATIENCE):
            await touches.save(database)
    finally:
        busy = False
        await working

    assert pulse.unsaved


async def test_many_sessions_are_written_while_others_end_them(running: Application, people: People) -> None:
    person, context = await people.active(), running.context
    now = context.clock.now()
    async with context.database.writing() as session:
        user = (await session.exec(select(User).where(User.id == person.id))).one()
        session.add_all(
            UserSession(
                user_id=user.id,
                carrier=Carrier.BEARER,
                created_at=now,
                last_activity=now,
                expires_at=now + timedelta(days=1),
            )
            for _ in range(300)
        )
    touches, touching = Touches(), await _sessions(context.database, person)
    pulses = [touches.pulse(one.id, one.last_activity) for one in touching]
    for seconds in range(1, 4):
        for pulse in reversed(pulses):
            touches.touch(pulse, now + seconds * SECOND)
        await touches.save(context.database)

    async def end() -> None:
        async with unit_of_work(context) as services:
            await services.sessions.store.end_of(person.id, now, SessionEnd.ADMIN)

    for pulse in pulses:
        touches.touch(pulse, now + 9 * SECOND)
    await asyncio.gather(touches.save(context.database), end())

    assert {one.ended_because for one in await _sessions(context.database, person)} == {SessionEnd.ADMIN}


@pytest.mark.settings(inactivity_minutes=0.02)
async def test_the_last_touch_reaches_the_database_without_another_request(
    running: Application, people: People
) -> None:
    person = await people.active()
    running.clock.move(seconds=1)
    await person.get(WHO)
    (one,) = await _sessions(running.context.database, person)
    async with asyncio.timeout(PATIENCE):
        while await _stored(running.context.database, one.id) < running.clock.now():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_background_request_touches_nothing(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(minutes=1)
    for path in (WHO, "/api/v1/auth/verify", "/api/v1/auth/sessions", "/api/v1/auth/users/me"):
        for _ in range(2):
            await person.client.get(path, headers={**person.bearer, "X-Background": "1"})
    await running.context.touches.save(running.context.database)
    (one,) = await _sessions(running.context.database, person)

    assert one.last_activity == one.created_at
