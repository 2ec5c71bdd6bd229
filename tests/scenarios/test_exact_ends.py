"""To the second: when a session, a token and a remembered sign-in end, by a clock that is moved."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

import httpx
import pytest
from sqlmodel import select

from backend.models import UserSession
from backend.settings import Settings
from tests.application import PATIENCE, Application, start
from tests.factories import PASSWORD, People, Person

WHO, VERIFY, REFRESH, LOGIN = "/api/auth/whoami", "/api/v1/auth/verify", "/api/v1/auth/refresh", "/api/v1/auth/login"
INACTIVE, EXPIRED, FINE = "SESSION_INACTIVE", "TOKEN_EXPIRED", "fine"
BACKGROUND: Final = {"X-Background": "1"}


@pytest.fixture
async def alone(running: Application) -> Application:
    """The application, which knows by now that no other process serves this database."""
    async with asyncio.timeout(PATIENCE):
        while not await running.context.news.alone():  # noqa: ASYNC110  # a connection is being opened
            await asyncio.sleep(0.01)
    return running


@pytest.fixture
async def other(running: Application, settings_for_test: Settings) -> AsyncIterator[Application]:
    """Another process that serves the same database, as far as it can tell, by the same clock."""
    async with start(settings_for_test) as other:
        other.context.clock = running.clock
        async with asyncio.timeout(PATIENCE):
            both = running.context.news, other.context.news
            while not all(news.hearing for news in both) or await both[1].alone():  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.01)
        yield other


async def _given(client: httpx.AsyncClient, person: Person, *, remember: bool = False) -> dict[str, Any]:
    body = {"username": person.username, "password": PASSWORD, "remember_me": remember}
    answer = await client.post(LOGIN, json=body)
    assert answer.status_code == 200, answer.text
    token: dict[str, Any] = answer.json()["data"]["token"]
    return token


async def _refreshed(client: httpx.AsyncClient, given: dict[str, Any]) -> dict[str, Any] | str:
    answer = await client.post(REFRESH, json={"refresh_token": given["refresh_token"]})
    if answer.status_code == 200:
        token: dict[str, Any] = answer.json()["data"]
        return token
    return str(answer.json()["error_code"])


async def _verdict(client: httpx.AsyncClient, credential: dict[str, str], path: str = WHO, **headers: str) -> str:
    answer = await client.get(path, headers={**credential, **headers})
    return FINE if answer.status_code == 200 else str(answer.json()["error_code"])


def _bearer(given: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {given['access_token']}"}


@pytest.mark.settings(max_token_lifetime_hours=2)
@pytest.mark.parametrize("path", [WHO, VERIFY])
@pytest.mark.parametrize("carrier", ["token", "cookie"])
async def test_twenty_minutes_exactly(alone: Application, people: People, path: str, carrier: str) -> None:
    person = await people.active()
    cookie = {"Cookie": f"session_id={(await people.at_a_page(person)).cookie}"}
    credential = person.bearer if carrier == "token" else cookie
    told = []
    for seconds in (19 * 60 + 59, 20 * 60, 20 * 60 + 1):
        alone.clock.move(seconds=seconds)
        told.append(await _verdict(alone.client, credential, path))

    assert told == [FINE, FINE, INACTIVE]


async def test_looking_in_the_background_neither_slides_nor_ends_what_lives(alone: Application, people: People) -> None:
    person, told = await people.active(), []
    for seconds in (19 * 60 + 59, 1, 1):
        alone.clock.move(seconds=seconds)
        told.append(await _verdict(alone.client, person.bearer, **BACKGROUND))

    assert told == [FINE, FINE, INACTIVE]


async def test_an_access_token_ends_after_an_hour_and_a_refresh_goes_on(alone: Application, people: People) -> None:
    person = await people.active()
    given = await _given(alone.client, person)
    told = []
    for seconds in (1199, 1199, 1199, 2, 1):
        alone.clock.move(seconds=seconds)
        told.append(await _verdict(alone.client, _bearer(given)))
    refreshed = await _refreshed(alone.client, given)

    assert told == [FINE, FINE, FINE, FINE, EXPIRED]
    assert isinstance(refreshed, dict)
    assert refreshed["expires_in"] == 3600
    assert await _verdict(alone.client, _bearer(refreshed)) == FINE


async def test_a_refresh_after_the_idle_end_is_refused(alone: Application, people: People) -> None:
    person = await people.active()
    lively, late = await _given(alone.client, person), await _given(alone.client, person)
    alone.clock.move(minutes=20)
    in_time = await _refreshed(alone.client, lively)
    alone.clock.move(seconds=1)

    assert isinstance(in_time, dict)
    assert await _refreshed(alone.client, late) == INACTIVE
    assert await _refreshed(alone.client, late) == INACTIVE


@pytest.mark.settings(inactivity_minutes=6 * 60)
async def test_no_activity_passes_the_end_of_the_day(alone: Application, people: People) -> None:
    person = await people.active()
    given = await _given(alone.client, person)
    cookie = {"Cookie": f"session_id={(await people.at_a_page(person)).cookie}"}
    for _ in range(4):
        alone.clock.move(hours=5)
        refreshed = await _refreshed(alone.client, given)
        assert isinstance(refreshed, dict)
        assert await _verdict(alone.client, cookie) == FINE
        given = refreshed
    alone.clock.move(hours=3, minutes=59, seconds=59)
    last = await _refreshed(alone.client, given)
    assert isinstance(last, dict)
    at_the_end = [await _verdict(alone.client, _bearer(last)), await _verdict(alone.client, cookie)]
    alone.clock.move(seconds=1)
    over = [await _verdict(alone.client, _bearer(last)), await _verdict(alone.client, cookie)]

    assert last["expires_in"] == 1
    assert (at_the_end, over) == ([FINE, FINE], [EXPIRED, EXPIRED])
    assert await _refreshed(alone.client, last) == "INVALID_TOKEN"


async def test_the_remembered_sleep_two_weeks_and_live_a_month(alone: Application, people: People) -> None:
    person, day = await people.active(), 24 * 3600
    given, idle = [await _given(alone.client, person, remember=True) for _ in range(2)]
    forgotten = await _given(alone.client, person)
    alone.clock.move(seconds=14 * day)
    woken = await _refreshed(alone.client, given)
    alone.clock.move(seconds=1)
    slept = await _refreshed(alone.client, idle)
    assert isinstance(woken, dict)
    alone.clock.move(seconds=14 * day - 1)
    again = await _refreshed(alone.client, woken)
    assert isinstance(again, dict)
    alone.clock.move(seconds=2 * day - 1)
    last = await _refreshed(alone.client, again)
    assert isinstance(last, dict)
    living = await _verdict(alone.client, _bearer(last))
    alone.clock.move(seconds=1)

    assert (slept, await _refreshed(alone.client, forgotten)) == (INACTIVE, "INVALID_TOKEN")
    assert (last["expires_in"], living, await _verdict(alone.client, _bearer(last))) == (1, FINE, EXPIRED)
    assert await _refreshed(alone.client, last) == "INVALID_TOKEN"


async def test_a_bodily_session_lives_a_day_without_being_used(alone: Application, people: People) -> None:
    person = await people.active()
    body = {"login": person.username, "password": PASSWORD}
    session = (await alone.client.post("/api/v1/users/signin", json=body)).json()["session"]
    told = []
    for seconds in (24 * 3600 - 1, 1):
        alone.clock.move(seconds=seconds)
        told.append((await alone.client.post("/api/v1/users/info", json={"session": session})).status_code)

    assert told == [200, 401]


@pytest.mark.settings(b0_idle=True)
async def test_where_bodily_sessions_idle_a_background_question_is_none(alone: Application, people: People) -> None:
    person = await people.active()
    body = {"login": person.username, "password": PASSWORD}
    session = (await alone.client.post("/api/v1/users/signin", json=body)).json()["session"]
    told = []
    for minutes, headers in ((19, {}), (19, BACKGROUND), (2, BACKGROUND)):
        alone.clock.move(minutes=minutes)
        asked = await alone.client.post("/api/v1/users/info", json={"session": session}, headers=headers)
        told.append(asked.status_code)

    assert told == [200, 200, 401]


async def _touched_elsewhere(running: Application, other: Application, person: Person) -> datetime:
    """Use a session at one process just before its idle end; the database does not know it yet."""
    assert await _verdict(other.client, person.bearer) == FINE
    running.clock.move(minutes=19, seconds=59)
    assert await _verdict(running.client, person.bearer) == FINE
    return running.clock.now()


async def test_another_process_waits_for_what_the_database_may_not_know_yet(
    running: Application, people: People, other: Application
) -> None:
    person = await people.active()
    await _touched_elsewhere(running, other, person)
    running.clock.move(seconds=31)
    unknown = await _verdict(other.client, person.bearer, **BACKGROUND)
    await running.context.touches.save(running.context.database)
    running.clock.move(seconds=60)
    known = await _verdict(other.client, person.bearer, **BACKGROUND)
    running.clock.move(minutes=20)

    assert (unknown, known) == (FINE, FINE)
    assert await _verdict(other.client, person.bearer, **BACKGROUND) == INACTIVE
    assert await _verdict(running.client, person.bearer, **BACKGROUND) == INACTIVE


async def test_another_process_does_not_wait_for_ever(running: Application, people: People, other: Application) -> None:
    person = await people.active()
    assert await _verdict(other.client, person.bearer) == FINE
    told = []
    for seconds in (20 * 60, 60, 1):
        running.clock.move(seconds=seconds)
        told.append(await _verdict(other.client, person.bearer, **BACKGROUND))

    assert told == [FINE, FINE, INACTIVE]


async def test_what_one_process_wrote_keeps_another_from_ending_a_session(
    running: Application, people: People, other: Application
) -> None:
    person = await people.active()
    await _touched_elsewhere(running, other, person)
    await running.context.touches.save(running.context.database)
    running.clock.move(minutes=20)

    assert await _verdict(other.client, person.bearer, **BACKGROUND) == FINE
    assert await people.audit("token_inactivity_expiry") == []


async def test_who_used_a_session_in_the_last_moment_is_not_overruled(running: Application, people: People) -> None:
    person, database = await people.active(), running.context.database
    running.clock.move(minutes=22)
    async with database.writing() as session:  # another process, which has not saved yet what it knows
        one = (await session.exec(select(UserSession).where(UserSession.user_id == person.id))).one()
        one.last_activity = running.clock.now()
        await session.flush()
        asking = asyncio.create_task(_verdict(running.client, person.bearer, **BACKGROUND))
        await asyncio.sleep(0.2)
        waiting = not asking.done()

    assert (waiting, await asking) == (True, FINE)
    assert await people.audit("token_inactivity_expiry") == []


async def test_a_refresh_elsewhere_waits_as_a_question_does(
    running: Application, people: People, other: Application
) -> None:
    person = await people.active()
    given = await _given(running.client, person)
    running.clock.move(minutes=19, seconds=59)
    assert await _verdict(running.client, _bearer(given)) == FINE
    running.clock.move(seconds=31)
    refreshed = await _refreshed(other.client, given)

    assert isinstance(refreshed, dict), refreshed
    assert await _verdict(running.client, _bearer(given)) == FINE


async def test_a_refresh_that_a_page_sends_by_itself_is_no_activity(alone: Application, people: People) -> None:
    person = await people.active()
    given = await _given(alone.client, person)
    alone.clock.move(minutes=15)
    answer = await alone.client.post(REFRESH, json={"refresh_token": given["refresh_token"]}, headers=BACKGROUND)
    alone.clock.move(minutes=6)

    assert answer.status_code == 200
    assert await _verdict(alone.client, _bearer(answer.json()["data"])) == INACTIVE


async def test_somebody_can_end_a_session_whose_last_use_the_database_does_not_know(
    running: Application, people: People, other: Application
) -> None:
    person = await people.active()
    used, mine = await _given(running.client, person), await _given(running.client, person)
    running.clock.move(minutes=19, seconds=59)
    for given in (used, mine):
        assert await _verdict(running.client, _bearer(given)) == FINE
    assert await _verdict(other.client, _bearer(mine)) == FINE
    running.clock.move(seconds=31)
    shown = (await running.client.get("/api/v1/auth/sessions", headers=_bearer(used))).json()["data"]
    (id_,) = (one["id"] for one in shown if one["is_current"])
    ended = await other.client.delete(f"/api/v1/auth/sessions/{id_}", headers=_bearer(mine))

    assert ended.status_code == 200, ended.text
