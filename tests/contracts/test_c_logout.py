"""`POST /api/v1/auth/logout`: end this session, another one of one's own, or all of them."""

import uuid
from typing import Any

import httpx
import pytest

from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.contracts.dialect_c import (
    INVALID_REFRESH,
    LOGOUT,
    REFRESH,
    bearer,
    browser_of,
    data,
    own_sessions,
    refresh,
    sign_in,
    state,
)
from tests.factories import PASSWORD, People, Person

DONE = "Logged out successfully"


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody who may sign in; dialect A has given them a session already."""
    return await people.active()


async def session_id(client: httpx.AsyncClient, access_token: str) -> str:
    """The id of the session whose token it is."""
    (current,) = [one["id"] for one in await own_sessions(client, access_token) if one["is_current"]]
    return str(current)


async def leave(client: httpx.AsyncClient, access_token: str, **body: Any) -> httpx.Response:
    return await client.post(LOGOUT, json=body, headers=bearer(access_token))


@pytest.mark.parametrize("body", [None, {}])
async def test_it_ends_this_session_and_no_other(
    client: httpx.AsyncClient, person: Person, body: dict[str, str] | None
) -> None:
    here, there = await sign_in(client, person), await sign_in(client, person)
    answer = await client.post(LOGOUT, json=body, headers=bearer(here["access_token"]))
    again = await client.post(REFRESH, json={"refresh_token": here["refresh_token"]})
    assert data(answer, DONE) == {"message": DONE}
    assert await state(client, here["access_token"]) == "SESSION_REVOKED"
    assert refusal(again) == INVALID_REFRESH
    assert await state(client, there["access_token"]) == "alive"


async def test_a_request_without_a_body_will_do(client: httpx.AsyncClient, person: Person) -> None:
    token = await sign_in(client, person)
    assert data(await client.post(LOGOUT, headers=bearer(token["access_token"])), DONE) == {"message": DONE}


async def test_it_ends_another_session_of_ones_own(client: httpx.AsyncClient, person: Person) -> None:
    here, there = await sign_in(client, person), await sign_in(client, person)
    other = await session_id(client, there["access_token"])
    assert data(await leave(client, here["access_token"], session_id=other), DONE) == {"message": DONE}
    assert await state(client, there["access_token"]) == "SESSION_REVOKED"
    assert await state(client, here["access_token"]) == "alive"


async def test_an_id_may_be_written_without_hyphens(client: httpx.AsyncClient, person: Person) -> None:
    here, there = await sign_in(client, person), await sign_in(client, person)
    other = uuid.UUID(await session_id(client, there["access_token"])).hex
    assert data(await leave(client, here["access_token"], session_id=other), DONE) == {"message": DONE}
    assert await state(client, there["access_token"]) == "SESSION_REVOKED"


async def test_a_foreign_session_is_as_unknown_as_none(client: httpx.AsyncClient, people: People) -> None:
    here, other = await sign_in(client, await people.active()), await sign_in(client, await people.active())
    foreign = await session_id(client, other["access_token"])
    ids = [foreign, str(uuid.uuid4()), "garbage", f"{{{foreign}}}", f"urn:uuid:{foreign}", ""]
    answers = [await leave(client, here["access_token"], session_id=id_) for id_ in ids]
    assert [refusal(answer) for answer in answers] == [(404, "SESSION_NOT_FOUND", "Session not found")] * len(ids)
    assert await state(client, other["access_token"]) == "alive"


async def test_it_ends_all_sessions_whatever_carries_them(running: Application, people: People) -> None:
    client, person, stranger = running.client, await people.active(), await people.active()
    here, browser = await sign_in(client, person), await browser_of(running, person)
    opaque = await client.post("/api/v1/users/signin", json={"login": person.email, "password": PASSWORD})
    answer = await leave(client, here["access_token"], revoke_all_sessions=True)
    said = "Logged out from all 4 sessions"
    assert data(answer, said) == {"message": said}
    assert await state(client, here["access_token"]) == await state(client, person.token or "") == "SESSION_REVOKED"
    assert code(await browser.get("/api/v1/auth/verify")) == (401, "SESSION_REVOKED")
    info = await client.post("/api/v1/users/info", json={"session": opaque.json()["session"]})
    assert code(info) == (401, "SESSION_REVOKED")
    assert await state(client, stranger.token or "") == "alive"


async def test_sessions_that_were_over_already_do_not_count(running: Application, person: Person) -> None:
    running.clock.move(minutes=22)
    token = await sign_in(running.client, person)
    answer = await leave(running.client, token["access_token"], revoke_all_sessions=True)
    said = "Logged out from all 1 sessions"
    assert data(answer, said) == {"message": said}


async def test_a_refresh_token_is_enough_to_leave(client: httpx.AsyncClient, person: Person) -> None:
    here, there = await sign_in(client, person), await sign_in(client, person)
    answer = await client.post(LOGOUT, json={"refresh_token": here["refresh_token"]})
    assert data(answer, DONE) == {"message": DONE}
    assert await state(client, here["access_token"]) == "SESSION_REVOKED"
    assert await state(client, there["access_token"]) == "alive"


async def test_a_used_refresh_token_ends_its_session_too(client: httpx.AsyncClient, person: Person) -> None:
    first = await sign_in(client, person)
    second = await refresh(client, first["refresh_token"])
    assert (await client.post(LOGOUT, json={"refresh_token": first["refresh_token"]})).status_code == 200
    assert await state(client, second["access_token"]) == "SESSION_REVOKED"


async def test_a_refresh_token_ends_its_own_session_and_nothing_else(client: httpx.AsyncClient, person: Person) -> None:
    here, there = await sign_in(client, person), await sign_in(client, person)
    other = await session_id(client, there["access_token"])
    wanted: list[dict[str, Any]] = [{"revoke_all_sessions": True}, {"session_id": other}]
    for more in wanted:
        answer = await client.post(LOGOUT, json={"refresh_token": here["refresh_token"], **more})
        assert data(answer, DONE) == {"message": DONE}
    assert await state(client, here["access_token"]) == "SESSION_REVOKED"
    assert await state(client, there["access_token"]) == "alive"


async def test_an_unknown_refresh_token_ends_nothing(client: httpx.AsyncClient) -> None:
    assert refusal(await client.post(LOGOUT, json={"refresh_token": "garbage"})) == INVALID_REFRESH


@pytest.mark.parametrize("wanted", ["this", "all", "another"])
async def test_an_expired_access_token_ends_its_own_session_and_nothing_else(
    running: Application, person: Person, wanted: str
) -> None:
    client, here = running.client, await sign_in(running.client, person, remember_me=True)
    running.clock.move(minutes=61)
    there = await sign_in(client, person)
    other = await session_id(client, there["access_token"])
    bodies: dict[str, dict[str, Any]] = {
        "this": {},
        "all": {"revoke_all_sessions": True},
        "another": {"session_id": other},
    }
    assert await state(client, here["access_token"]) == "TOKEN_EXPIRED"
    assert data(await leave(client, here["access_token"], **bodies[wanted]), DONE) == {"message": DONE}
    again = await client.post(REFRESH, json={"refresh_token": here["refresh_token"]})
    assert refusal(again) == INVALID_REFRESH
    assert await state(client, there["access_token"]) == "alive"


async def test_an_expired_access_token_that_is_wrongly_signed_ends_nothing(
    running: Application, person: Person
) -> None:
    token = await sign_in(running.client, person, remember_me=True)
    running.clock.move(minutes=61)
    header, payload, _ = token["access_token"].split(".")
    _, _, signature = (await sign_in(running.client, person))["access_token"].split(".")
    assert code(await leave(running.client, f"{header}.{payload}.{signature}")) == (401, "INVALID_TOKEN")
    assert (await refresh(running.client, token["refresh_token"]))["token_type"] == "bearer"


async def test_nobody_cannot_leave(client: httpx.AsyncClient) -> None:
    assert refusal(await client.post(LOGOUT)) == (401, "NOT_AUTHENTICATED", "Not authenticated")
    assert refusal(await client.post(LOGOUT, json={"revoke_all_sessions": True}))[:2] == (401, "NOT_AUTHENTICATED")


async def test_garbage_in_the_header_decides_alone(running: Application, person: Person) -> None:
    browser, token = await browser_of(running, person), await sign_in(running.client, person)
    headers = {**bearer("garbage"), "X-CSRF-Token": browser.cookies["csrf_token"]}
    answer = await browser.post(LOGOUT, json={"refresh_token": token["refresh_token"]}, headers=headers)
    assert code(answer) == (401, "INVALID_TOKEN")
    assert (await browser.get("/api/v1/auth/verify")).status_code == 200
    assert await state(running.client, token["access_token"]) == "alive"


async def test_it_clears_the_cookies(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    former = {"Cookie": f"session_id={browser.cookies['session_id']}"}
    answer = await browser.post(LOGOUT, headers={"X-CSRF-Token": browser.cookies["csrf_token"]})
    cleared = sorted(cookie.partition(";")[0] for cookie in answer.headers.get_list("set-cookie"))
    assert data(answer, DONE) == {"message": DONE}
    assert cleared == ['csrf_token=""', 'session_id=""']
    assert set(browser.cookies) == {"known_device"}
    assert code(await running.client.get("/api/v1/auth/verify", headers=former)) == (401, "SESSION_REVOKED")


async def test_a_cookie_needs_the_csrf_token_to_leave(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    answers = [await browser.post(LOGOUT), await browser.post(LOGOUT, headers={"X-CSRF-Token": "guess"})]
    assert [code(answer) for answer in answers] == [(403, "CSRF_FAILED")] * 2
    assert (await browser.get("/api/v1/auth/verify")).status_code == 200


async def test_wishes_of_another_form_are_malformed(client: httpx.AsyncClient, person: Person) -> None:
    bodies: list[dict[str, Any]] = [{"revoke_all_sessions": "yes"}, {"session_id": 1}, {"refresh_token": []}]
    answers = [await leave(client, person.token or "", **body) for body in bodies]
    assert [code(answer) for answer in answers] == [(422, "VALIDATION_ERROR")] * 3
    assert await state(client, person.token or "") == "alive"


async def test_leaving_is_on_record(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    here = await sign_in(client, person)
    await leave(client, here["access_token"])
    await leave(client, person.token or "", revoke_all_sessions=True)
    ended = await people.audit("session_ended", about=person)
    assert [(event.reason, event.actor_id) for event in ended] == [
        ("user_logout", person.id),
        ("user_logout_all", person.id),
    ]
