"""Asking who somebody is: `/verify` for reverse proxies, `/check-auth` for pages, and where a credential may stand."""

import httpx
import pytest

from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.contracts.dialect_c import CHECK, LOGOUT, ME, REFRESH, SESSIONS, VERIFY, bearer, browser_of, sign_in, state
from tests.factories import PASSWORD, People, Person

NOBODY = {"authenticated": False, "user": None}


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody with a token."""
    return await people.active()


async def test_verify_says_yes_and_who_in_headers(client: httpx.AsyncClient, person: Person) -> None:
    sessions = (await person.get(SESSIONS)).json()["data"]
    answer = await person.get(VERIFY)
    told = {name: value for name, value in answer.headers.items() if name.startswith(("x-user", "x-session"))}
    assert (answer.status_code, answer.content) == (200, b"")
    assert told == {
        "x-user-id": str(person.id),
        "x-user-name": person.username,
        "x-user-email": person.email,
        "x-user-email-verified": "false",
        "x-user-role": "user",
        "x-session-id": sessions[0]["id"],
    }


async def test_verify_says_the_same_when_it_is_asked_again(person: Person) -> None:
    answers = [await person.get(VERIFY) for _ in range(3)]
    headers = [{name: value for name, value in one.headers.items() if name != "x-request-id"} for one in answers]
    assert headers[0] == headers[1] == headers[2]
    assert headers[0]["cache-control"] == "no-store"


async def test_verify_tells_the_role(people: People) -> None:
    admin, approver = await people.admin(), await people.approver()
    roles = [(await who.get(VERIFY)).headers["x-user-role"] for who in (admin, approver)]
    assert roles == ["admin", "approver"]


async def test_a_name_in_a_header_is_plain_ascii(person: Person) -> None:
    await person.put(ME, {"username": "Zoë"})
    for _ in range(2):
        assert (await person.get(VERIFY)).headers["x-user-name"] == "Zo%C3%AB"


async def test_verify_says_no_to_nobody(client: httpx.AsyncClient) -> None:
    answer = await client.get(VERIFY)
    assert refusal(answer) == (401, "NOT_AUTHENTICATED", "Not authenticated")
    assert "x-user-id" not in answer.headers


async def test_verify_takes_the_cookie(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    answers = [await browser.get(VERIFY) for _ in range(2)]
    assert [answer.headers["x-user-id"] for answer in answers] == [str(person.id)] * 2


async def test_verify_says_no_from_the_moment_a_session_ends(people: People, person: Person) -> None:
    admin = await people.admin()
    before = [await state(people.client, person.token or "") for _ in range(2)]
    await admin.put(f"/api/auth/admin/users/{person.id}", {"is_active": False})
    assert before == ["alive"] * 2
    assert await state(people.client, person.token or "") == "SESSION_REVOKED"


async def test_verify_is_activity_unless_it_says_otherwise(running: Application, person: Person) -> None:
    token = person.token or ""
    await state(running.client, token)
    running.clock.move(minutes=19)
    await state(running.client, token)
    running.clock.move(minutes=19)
    background = await running.client.get(VERIFY, headers={**bearer(token), "X-Background": "1"})
    running.clock.move(minutes=2)
    assert background.status_code == 200
    assert await state(running.client, token) == "SESSION_INACTIVE"


async def test_verify_says_no_when_the_token_is_too_old(running: Application, person: Person) -> None:
    for _ in range(3):
        assert await state(running.client, person.token or "") == "alive"
        running.clock.move(minutes=19)
    running.clock.move(minutes=3)
    assert await state(running.client, person.token or "") == "TOKEN_EXPIRED"


async def test_check_auth_tells_who_is_signed_in(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    answers = [await person.get(CHECK), await browser.get(CHECK)]
    for answer in answers:
        body = answer.json()
        assert (answer.status_code, body["authenticated"]) == (200, True)
        assert (body["user"]["id"], body["user"]["username"]) == (str(person.id), person.username)


async def test_check_auth_is_never_an_error(running: Application, people: People) -> None:
    person, suspended = await people.active(), await people.suspended()
    running.clock.move(minutes=21)
    headers = [
        {},
        bearer("garbage"),
        {"Authorization": "Bearer"},
        {"Authorization": "Basic eDp5"},
        {"Cookie": "session_id=garbage"},
        person.bearer,
        suspended.bearer,
    ]
    answers = [await running.browser().get(CHECK, headers=one) for one in headers]
    assert [answer.status_code for answer in answers] == [200] * len(headers)
    assert [answer.json() for answer in answers] == [NOBODY] * len(headers)


async def test_check_auth_does_not_look_behind_a_bad_bearer(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    assert (await browser.get(CHECK, headers=bearer("garbage"))).json() == NOBODY


@pytest.mark.parametrize("path", [VERIFY, SESSIONS, ME])
async def test_a_bearer_decides_alone(running: Application, person: Person, path: str) -> None:
    browser = await browser_of(running, person)
    for garbage in ("garbage", "a.b.c", browser.cookies["session_id"], ""):
        assert code(await browser.get(path, headers=bearer(garbage))) == (401, "INVALID_TOKEN")


async def test_a_bearer_of_one_and_a_cookie_of_another_is_the_bearers(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    browser = await browser_of(running, other)
    answers = [await browser.get(VERIFY, headers=person.bearer) for _ in range(2)]
    assert [answer.headers["x-user-id"] for answer in answers] == [str(person.id)] * 2


async def test_basic_counts_as_absent(running: Application, person: Person) -> None:
    browser, basic = await browser_of(running, person), {"Authorization": "Basic eDp5"}
    assert (await browser.get(VERIFY, headers=basic)).headers["x-user-id"] == str(person.id)
    assert code(await browser.put(ME, json={"name": "Hannah"}, headers=basic)) == (403, "CSRF_FAILED")
    assert code(await running.client.get(VERIFY, headers=basic)) == (401, "NOT_AUTHENTICATED")


async def test_two_bearers_are_none(person: Person) -> None:
    for headers in ([person.token, "garbage"], ["garbage", person.token], [person.token, person.token]):
        twice = [("Authorization", f"Bearer {token}") for token in headers]
        assert code(await person.client.get(VERIFY, headers=twice)) == (401, "INVALID_TOKEN")


async def test_an_access_token_stands_in_the_header_and_nowhere_else(client: httpx.AsyncClient, person: Person) -> None:
    token = person.token or ""
    names = {"access_token": token, "token": token}
    answers = [
        await client.get(VERIFY, params=names),
        await client.get(ME, params=names),
        await client.post(LOGOUT, params=names),
        await client.post(LOGOUT, json=names),
        await client.put(ME, json={"name": "Hannah", **names}),
        await client.get(VERIFY, headers={"Cookie": f"access_token={token}"}),
    ]
    by_form = await client.post(LOGOUT, data=names)
    assert {code(answer) for answer in answers} == {(401, "NOT_AUTHENTICATED")}
    assert by_form.status_code in {401, 415}
    assert await state(client, token) == "alive"


async def test_an_access_token_is_no_cookie(client: httpx.AsyncClient, person: Person) -> None:
    answer = await client.get(VERIFY, headers={"Cookie": f"session_id={person.token}"})
    assert code(answer) == (401, "INVALID_TOKEN")


async def test_an_opaque_session_stands_in_bodies_and_nowhere_else(client: httpx.AsyncClient, person: Person) -> None:
    signed_in = await client.post("/api/v1/users/signin", json={"login": person.email, "password": PASSWORD})
    string = signed_in.json()["session"]
    await client.post("/api/v1/users/info", json={"session": string})
    answers = [
        await client.get(VERIFY, headers=bearer(string)),
        await client.get(VERIFY, headers={"Cookie": f"session_id={string}"}),
        await client.get(VERIFY, headers={"Cookie": f"__Host-session_id={string}"}),
        await client.post(REFRESH, json={"refresh_token": string}),
    ]
    assert [code(answer) for answer in answers] == [(401, "INVALID_TOKEN")] * 4


async def test_the_answers_to_questions_are_not_kept(running: Application, person: Person) -> None:
    token = await sign_in(running.client, person)
    paths = (VERIFY, CHECK, SESSIONS, ME)
    answers = [await running.client.get(path, headers=bearer(token["access_token"])) for path in paths]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
