"""`/api/v1/auth/sessions`: one's own sessions, seen and ended; how many there may be."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from tests.application import Application
from tests.contracts.answers import TIME, code, refusal
from tests.contracts.dialect_c import LOGIN, SESSIONS, bearer, browser_of, data, own_sessions, sign_in, state
from tests.factories import PASSWORD, People, Person

UNKNOWN = (404, "SESSION_NOT_FOUND", "Session not found")


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody who may sign in; dialect A has given them a session already."""
    return await people.active()


def stamp(running: Application) -> str:
    return running.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


async def current(client: httpx.AsyncClient, access_token: str) -> dict[str, Any]:
    """The session whose token it is."""
    (found,) = [one for one in await own_sessions(client, access_token) if one["is_current"]]
    return found


async def test_the_list_tells_what_is_known_of_each(running: Application, person: Person) -> None:
    opened = stamp(running)
    token = await sign_in(running.client, person, {"User-Agent": "App/1", "X-Device-Name": "phone"})
    running.clock.move(minutes=5)
    session = await current(running.client, token["access_token"])
    assert (session["ip_address"], session["user_agent"], session["device_name"]) == ("127.0.0.1", "App/1", "phone")
    assert session["created_at"] == opened
    assert session["last_activity"] == stamp(running)
    running.clock.move(hours=24, minutes=-5)
    assert session["expires_at"] == stamp(running)
    assert all(TIME.fullmatch(session[name]) for name in ("created_at", "last_activity", "expires_at"))


async def test_a_remembered_session_ends_in_a_month(running: Application, person: Person) -> None:
    token = await sign_in(running.client, person, remember_me=True)
    session = await current(running.client, token["access_token"])
    running.clock.move(days=30)
    assert session["expires_at"] == stamp(running)


async def test_exactly_the_session_that_asks_is_the_current_one(running: Application, person: Person) -> None:
    here, browser = await sign_in(running.client, person), await browser_of(running, person)
    by_token = await own_sessions(running.client, here["access_token"])
    by_cookie = (await browser.get(SESSIONS)).json()["data"]
    assert {one["id"] for one in by_token} == {one["id"] for one in by_cookie}
    assert len(by_token) == 3
    chosen = [[one["id"] for one in found if one["is_current"]] for found in (by_token, by_cookie)]
    assert [len(ids) for ids in chosen] == [1, 1]
    assert chosen[0] != chosen[1]


async def test_one_sees_ones_own_only(client: httpx.AsyncClient, people: People) -> None:
    person, stranger = await people.active(), await people.active()
    mine = await own_sessions(client, person.token or "", include_expired="true")
    theirs = await own_sessions(client, stranger.token or "", include_expired="true")
    assert (len(mine), len(theirs)) == (1, 1)
    assert mine[0]["id"] != theirs[0]["id"]


async def test_sessions_that_are_over_are_shown_when_asked_for(running: Application, person: Person) -> None:
    idle = (await current(running.client, person.token or ""))["id"]
    left = await sign_in(running.client, person)
    ended = (await current(running.client, left["access_token"]))["id"]
    await running.client.post("/api/v1/auth/logout", headers=bearer(left["access_token"]))
    running.clock.move(minutes=21)
    here = await sign_in(running.client, person)
    live = await own_sessions(running.client, here["access_token"])
    known = await own_sessions(running.client, here["access_token"], include_expired="true")
    assert [one["is_current"] for one in live] == [True]
    assert {one["id"] for one in known} == {idle, ended, live[0]["id"]}
    assert {one["id"]: one["ended_because"] for one in known} == {
        idle: "inactivity",
        ended: "user_logout",
        live[0]["id"]: None,
    }


async def test_the_list_holds_no_token(running: Application, person: Person) -> None:
    token, browser = await sign_in(running.client, person), await browser_of(running, person)
    opaque = await running.client.post("/api/v1/users/signin", json={"login": person.email, "password": PASSWORD})
    answer = await running.client.get(SESSIONS, headers=bearer(token["access_token"]))
    secrets = [token["refresh_token"], token["access_token"], *browser.cookies.values(), opaque.json()["session"]]
    assert len(answer.json()["data"]) == 4
    assert not any(secret in answer.text for secret in secrets)
    assert not {"credential_digest", "token", "refresh_token"} & answer.json()["data"][0].keys()


async def test_an_id_of_a_session_opens_nothing(client: httpx.AsyncClient, person: Person) -> None:
    id_ = (await current(client, person.token or ""))["id"]
    answers = [
        await client.get(SESSIONS, headers=bearer(id_)),
        await client.get(SESSIONS, headers={"Cookie": f"session_id={id_}"}),
    ]
    assert [code(answer) for answer in answers] == [(401, "INVALID_TOKEN")] * 2


async def test_nobody_has_no_sessions(client: httpx.AsyncClient) -> None:
    answers = [await client.get(SESSIONS), await client.delete(f"{SESSIONS}/{uuid.uuid4()}")]
    assert [refusal(answer) for answer in answers] == [(401, "NOT_AUTHENTICATED", "Not authenticated")] * 2


async def test_one_ends_another_session_of_ones_own(client: httpx.AsyncClient, person: Person) -> None:
    here, there = await sign_in(client, person), await sign_in(client, person)
    other = (await current(client, there["access_token"]))["id"]
    answer = await client.delete(f"{SESSIONS}/{other}", headers=bearer(here["access_token"]))
    said = "Session revoked successfully"
    assert data(answer, said) == {"message": said}
    assert await state(client, there["access_token"]) == "SESSION_REVOKED"
    assert await state(client, here["access_token"]) == "alive"


async def test_one_may_end_the_session_that_asks(client: httpx.AsyncClient, person: Person) -> None:
    id_ = uuid.UUID((await current(client, person.token or ""))["id"]).hex
    answer = await person.delete(f"{SESSIONS}/{id_}")
    assert answer.status_code == 200
    assert await state(client, person.token or "") == "SESSION_REVOKED"


async def test_a_foreign_session_is_as_unknown_as_none(client: httpx.AsyncClient, people: People) -> None:
    person, other = await people.admin(), await people.active()
    foreign = (await current(client, other.token or ""))["id"]
    ids = [foreign, str(uuid.uuid4()), "garbage", f"urn:uuid:{foreign}", f"{{{foreign}}}", f"{foreign}%20"]
    answers = [await person.delete(f"{SESSIONS}/{id_}") for id_ in ids]
    assert [refusal(answer) for answer in answers] == [UNKNOWN] * len(ids)
    assert await state(client, other.token or "") == "alive"


async def test_a_session_that_is_over_is_not_ended_again(running: Application, person: Person) -> None:
    idle = (await current(running.client, person.token or ""))["id"]
    left = await sign_in(running.client, person)
    ended = (await current(running.client, left["access_token"]))["id"]
    await running.client.post("/api/v1/auth/logout", headers=bearer(left["access_token"]))
    running.clock.move(minutes=22)
    here = await sign_in(running.client, person)
    answers = [
        await running.client.delete(f"{SESSIONS}/{id_}", headers=bearer(here["access_token"])) for id_ in (idle, ended)
    ]
    assert [refusal(answer) for answer in answers] == [UNKNOWN] * 2


async def test_a_cookie_needs_the_csrf_token_to_end_a_session(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    path = f"{SESSIONS}/{(await current(running.client, person.token or ''))['id']}"
    without = await browser.delete(path)
    right = await browser.delete(path, headers={"X-CSRF-Token": browser.cookies["csrf_token"]})
    assert code(without) == (403, "CSRF_FAILED")
    assert right.status_code == 200


async def test_ending_a_session_is_on_record(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    id_ = (await current(client, person.token or ""))["id"]
    await person.delete(f"{SESSIONS}/{id_}")
    (ended,) = await people.audit("session_ended", about=person)
    assert (ended.reason, ended.actor_id, ended.details["session_id"]) == ("user_revoke", person.id, id_)


@pytest.mark.settings(max_sessions_per_user=3)
async def test_where_there_are_too_many_the_oldest_goes(running: Application, people: People) -> None:
    person, stranger = await people.active(), await people.active()
    opened = []
    for _ in range(3):
        running.clock.move(seconds=1)
        opened.append((await sign_in(running.client, person))["access_token"])
    assert await state(running.client, person.token or "") == "SESSION_REVOKED"
    assert [await state(running.client, token) for token in (*opened, stranger.token or "")] == ["alive"] * 4


@pytest.mark.settings(max_sessions_per_user=3)
async def test_sessions_of_every_kind_count(running: Application, person: Person) -> None:
    running.clock.move(seconds=1)
    browser = await browser_of(running, person)
    running.clock.move(seconds=1)
    opaque = await running.client.post("/api/v1/users/signin", json={"login": person.email, "password": PASSWORD})
    for _ in range(2):
        running.clock.move(seconds=1)
        await sign_in(running.client, person)
    info = await running.client.post("/api/v1/users/info", json={"session": opaque.json()["session"]})
    assert code(await browser.get(SESSIONS)) == (401, "SESSION_REVOKED")
    assert info.status_code == 200


@pytest.mark.settings(max_sessions_per_user=3, rate_limits=False)
async def test_sign_ins_at_once_never_leave_too_many(client: httpx.AsyncClient, person: Person) -> None:
    body = {"username": person.username, "password": PASSWORD}
    answers = await asyncio.gather(*(client.post(LOGIN, json=body) for _ in range(8)))
    tokens = [answer.json()["data"]["token"]["access_token"] for answer in answers]
    states = [await state(client, token) for token in tokens]
    assert sorted(states) == ["SESSION_REVOKED"] * 5 + ["alive"] * 3


@pytest.mark.settings(max_sessions_per_user=2)
async def test_who_has_to_go_is_on_record(running: Application, people: People) -> None:
    person = await people.active()
    for _ in range(2):
        running.clock.move(seconds=1)
        await sign_in(running.client, person)
    (ended,) = await people.audit("session_ended", about=person)
    assert ended.reason == "too_many"
