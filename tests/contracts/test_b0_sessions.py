"""Dialect B0, `/api/v1/users/signin` and what follows: calls whose bodies carry the session."""

import re
import uuid
from typing import Any

import httpx
import pytest

from backend.models import Status
from backend.services import demo
from backend.services.audit import Origin
from tests.application import Application
from tests.contracts.answers import TIME, code, refusal
from tests.contracts.dialect_c import VERIFY, bearer, browser_of, own_sessions, sign_in, state
from tests.factories import PASSWORD, People, Person

BASE = "/api/v1/users"
SIGN_IN, INFO, SESSIONS, SIGN_OUT, SOME = (
    f"{BASE}/{name}" for name in ("signin", "info", "sessions", "signout", "signout-sessions")
)
STATES = {
    Status.PENDING: (403, "ACCOUNT_PENDING", "Account pending approval. Please wait for admin approval."),
    Status.REJECTED: (403, "ACCOUNT_REJECTED", "Your request for an account was not approved."),
    Status.SUSPENDED: (403, "ACCOUNT_SUSPENDED", "This account is suspended."),
    Status.EXPIRED: (403, "ACCOUNT_EXPIRED", "The access of this account has expired."),
    Status.DEACTIVATED: (403, "ACCOUNT_DEACTIVATED", "This account is deactivated."),
    Status.DELETED: (401, "AUTH_INVALID_CREDENTIALS", "Invalid credentials"),
    Status.ANONYMIZED: (401, "AUTH_INVALID_CREDENTIALS", "Invalid credentials"),
}
WRONG = STATES[Status.DELETED]


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody who may sign in; dialect A has given them a session already."""
    return await people.active()


def told(answer: httpx.Response, message: str) -> dict[str, Any]:
    """What a success says beside what every success says."""
    body: dict[str, Any] = answer.json()
    assert answer.status_code == 200, answer.text
    assert (body.pop("success"), body.pop("message")) == (True, message)
    assert TIME.fullmatch(body.pop("timestamp"))
    return body


async def opened(client: httpx.AsyncClient, person: Person, **headers: str) -> str:
    """Sign in; the session."""
    answer = await client.post(SIGN_IN, json={"login": person.email, "password": person.password}, headers=headers)
    return str(told(answer, "Authentication successful")["session"])


async def call(client: httpx.AsyncClient, path: str, session: str, **more: Any) -> httpx.Response:
    return await client.post(path, json={"session": session, **more})


async def verdict(client: httpx.AsyncClient, session: str) -> str:
    """Whether a session lives, or the word by which it is refused."""
    answer = await call(client, INFO, session)
    return "alive" if answer.status_code == 200 else str(answer.json()["error_code"])


async def listed(client: httpx.AsyncClient, session: str) -> list[dict[str, Any]]:
    found = told(await call(client, SESSIONS, session), "Sessions retrieved")
    assert found["total_count"] == len(found["sessions"])
    sessions: list[dict[str, Any]] = found["sessions"]
    return sessions


async def id_of(client: httpx.AsyncClient, session: str) -> str:
    (current,) = [one["id"] for one in await listed(client, session) if one["is_current"]]
    return str(current)


async def test_signing_in_opens_a_session(client: httpx.AsyncClient, person: Person) -> None:
    for login in (person.email, person.username, person.email.upper(), person.username.upper()):
        answer = await client.post(SIGN_IN, json={"login": login, "password": PASSWORD, "appid": "desk"})
        body = told(answer, "Authentication successful")
        assert body.keys() == {"session", "user_id", "email"}
        assert (body["user_id"], body["email"]) == (str(person.id), person.email)
        assert re.fullmatch(r"[\w-]{43}", body["session"])


async def test_signing_in_sets_no_cookies(client: httpx.AsyncClient, person: Person) -> None:
    answer = await client.post(SIGN_IN, json={"login": person.email, "password": PASSWORD})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_the_session_is_kept_as_a_digest(running: Application, person: Person) -> None:
    session = await opened(running.client, person)
    async with running.context.database.reading() as reading:
        connection = await reading.connection()
        rows = (await connection.exec_driver_sql("SELECT * FROM sessions")).all()
    assert rows
    assert not any(session in str(row) for row in rows)


async def test_a_stranger_and_a_wrong_password_get_the_same_answer(client: httpx.AsyncClient, person: Person) -> None:
    answers = [
        await client.post(SIGN_IN, json={"login": login, "password": "a guess"})
        for login in (person.email, person.username, "nobody", "nobody@example.org")
    ]
    assert [refusal(answer) for answer in answers] == [WRONG] * 4


@pytest.mark.settings(rate_limits=False)
async def test_the_state_is_told_after_the_right_password_only(client: httpx.AsyncClient, people: People) -> None:
    for status, verdict in STATES.items():
        person = await people.in_status(status)
        right = await client.post(SIGN_IN, json={"login": person.email, "password": PASSWORD})
        wrong = await client.post(SIGN_IN, json={"login": person.email, "password": "a guess"})
        assert (refusal(right), refusal(wrong)) == (verdict, WRONG), status


async def test_a_sign_in_that_lacks_something_is_malformed(client: httpx.AsyncClient) -> None:
    bodies: list[Any] = [{}, {"login": "x"}, {"password": "x"}, {"login": None, "password": "x"}, []]
    answers = [await client.post(SIGN_IN, json=body) for body in bodies]
    form = await client.post(SIGN_IN, data={"login": "x", "password": "x"})
    assert {code(answer) for answer in answers} == {(422, "VALIDATION_ERROR")}
    assert code(form) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_info_tells_whose_session_it_is(running: Application, person: Person) -> None:
    running.clock.move(minutes=1)
    session = await opened(running.client, person)
    body = told(await call(running.client, INFO, session, appid="desk"), "User information retrieved")
    data = body.pop("data")
    assert body == {}
    assert data.keys() == {"id", "email", "name", "created_at", "last_login", "is_active"}
    assert (data["id"], data["email"], data["is_active"]) == (str(person.id), person.email, True)
    assert data["last_login"] == running.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert TIME.fullmatch(data["created_at"])


async def test_the_name_is_the_username_until_there_is_a_full_one(client: httpx.AsyncClient, person: Person) -> None:
    session = await opened(client, person)
    before = (await call(client, INFO, session)).json()["data"]["name"]
    await person.put("/api/v1/auth/users/me", {"full_name": "Hannah Arendt"})
    after = (await call(client, INFO, session)).json()["data"]["name"]
    assert (before, after) == (person.username, "Hannah Arendt")


@pytest.mark.parametrize("path", [INFO, SESSIONS, SIGN_OUT])
async def test_a_session_that_is_none_of_ours_is_refused(client: httpx.AsyncClient, path: str) -> None:
    answers = [await call(client, path, session) for session in ("garbage", "", "x" * 43, "a.b.c")]
    assert [code(answer) for answer in answers] == [(401, "INVALID_TOKEN")] * 4


async def test_to_end_others_takes_a_session_too(client: httpx.AsyncClient, person: Person) -> None:
    id_ = await id_of(client, await opened(client, person))
    assert code(await call(client, SOME, "garbage", ids=id_)) == (401, "INVALID_TOKEN")
    assert id_ in {one["id"] for one in await own_sessions(client, person.token or "")}


async def test_a_body_without_a_session_is_malformed(client: httpx.AsyncClient, person: Person) -> None:
    session = await opened(client, person)
    answers = [
        *[await client.post(path, json={}) for path in (INFO, SESSIONS, SIGN_OUT, SOME)],
        *[await client.post(path, json={"session": None}) for path in (INFO, SESSIONS, SIGN_OUT)],
        await client.post(SOME, json={"session": session}),
        await client.post(SOME, json={"session": session, "ids": [session]}),
    ]
    assert {code(answer) for answer in answers} == {(422, "VALIDATION_ERROR")}


async def test_a_session_stands_in_the_body_and_nowhere_else(client: httpx.AsyncClient, person: Person) -> None:
    session = await opened(client, person)
    in_query = await client.post(INFO, params={"session": session}, json={})
    in_form = await client.post(INFO, data={"session": session})
    by_get = await client.get(INFO, params={"session": session})
    assert code(in_query) == (422, "VALIDATION_ERROR")
    assert code(in_form) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert by_get.status_code in {404, 405}


async def test_a_token_or_a_cookie_is_no_session(running: Application, person: Person) -> None:
    browser, token = await browser_of(running, person), await sign_in(running.client, person)
    await browser.get(VERIFY)
    cookie = browser.cookies["session_id"]
    for other in (cookie, token["access_token"], token["refresh_token"], browser.cookies["csrf_token"]):
        assert await verdict(running.client, other) == "INVALID_TOKEN"
    beside = await running.client.post(INFO, json={}, headers=bearer(token["access_token"]))
    assert code(beside) == (422, "VALIDATION_ERROR")


async def test_the_list_tells_what_is_known_of_each(running: Application, person: Person) -> None:
    session = await opened(running.client, person, **{"User-Agent": "Desk/1"})
    running.clock.move(minutes=5)
    (current,) = [one for one in await listed(running.client, session) if one["is_current"]]
    assert current.keys() == {"id", "token", "created_at", "last_activity", "ip_address", "user_agent", "is_current"}
    assert (current["ip_address"], current["user_agent"]) == ("127.0.0.1", "Desk/1")
    assert current["last_activity"] == running.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert TIME.fullmatch(current["created_at"])


async def test_the_list_shows_ones_live_sessions_of_every_kind(client: httpx.AsyncClient, people: People) -> None:
    person, stranger = await people.active(), await people.active()
    await opened(client, stranger)
    ended, session = await opened(client, person), await opened(client, person)
    await call(client, SIGN_OUT, ended)
    shown = await listed(client, session)
    assert {one["id"] for one in shown} == {one["id"] for one in await own_sessions(client, person.token or "")}
    assert [one["is_current"] for one in shown].count(True) == 1
    assert len(shown) == 2


async def test_what_the_list_calls_a_token_opens_nothing(client: httpx.AsyncClient, person: Person) -> None:
    session = await opened(client, person)
    answer = await call(client, SESSIONS, session)
    shown = [one["token"] for one in answer.json()["sessions"]]
    assert session not in answer.text
    assert all(len(token) < 20 and token.endswith("…") and token[:8] not in session for token in shown)
    assert len(set(shown)) == len(shown)
    assert [await verdict(client, token) for token in shown] == ["INVALID_TOKEN"] * len(shown)


async def test_signing_out_ends_this_session_and_no_other(client: httpx.AsyncClient, person: Person) -> None:
    here, there = await opened(client, person), await opened(client, person)
    answer = await call(client, SIGN_OUT, here, appid="desk")
    assert told(answer, "Session invalidated") == {"sessions_invalidated": 1}
    assert [await verdict(client, one) for one in (here, there)] == ["SESSION_REVOKED", "alive"]
    assert code(await call(client, SIGN_OUT, here)) == (401, "SESSION_REVOKED")


async def test_some_of_ones_sessions_are_ended_by_their_ids(client: httpx.AsyncClient, person: Person) -> None:
    here, one, two = [await opened(client, person) for _ in range(3)]
    ids = [await id_of(client, one), uuid.UUID(await id_of(client, two)).hex]
    answer = await call(client, SOME, here, ids=f" {ids[0]} , {ids[1]},, ", appid="desk")
    assert told(answer, "2 session(s) invalidated") == {"sessions_invalidated": 2}
    assert [await verdict(client, session) for session in (here, one, two)] == ["alive", *["SESSION_REVOKED"] * 2]


async def test_the_session_that_asks_may_be_among_them(client: httpx.AsyncClient, person: Person) -> None:
    here, there = await opened(client, person), await opened(client, person)
    answer = await call(client, SOME, here, ids=f"{await id_of(client, here)},{await id_of(client, there)}")
    assert told(answer, "2 session(s) invalidated") == {"sessions_invalidated": 2}
    assert [await verdict(client, one) for one in (here, there)] == ["SESSION_REVOKED"] * 2


async def test_sessions_of_the_other_dialects_are_ended_as_well(client: httpx.AsyncClient, person: Person) -> None:
    here = await opened(client, person)
    (other,) = [one["id"] for one in await listed(client, here) if not one["is_current"]]
    assert told(await call(client, SOME, here, ids=other), "1 session(s) invalidated") == {"sessions_invalidated": 1}
    assert await state(client, person.token or "") == "SESSION_REVOKED"


async def test_ids_that_are_not_ones_own_count_for_nothing(running: Application, people: People) -> None:
    client, person, stranger = running.client, await people.admin(), await people.active()
    here, ended, foreign = await opened(client, person), await opened(client, person), await opened(client, stranger)
    gone, theirs = await id_of(client, ended), await id_of(client, foreign)
    await call(client, SIGN_OUT, ended)
    ids = ["", " , ,", "garbage", theirs, gone, str(uuid.uuid4()), f"urn:uuid:{theirs}", f"{{{theirs}}}", "x" * 4000]
    for one in ids:
        answer = await call(client, SOME, here, ids=one)
        assert told(answer, "0 session(s) invalidated") == {"sessions_invalidated": 0}
    assert [await verdict(client, one) for one in (here, foreign)] == ["alive"] * 2


async def test_an_id_that_stands_twice_counts_once(client: httpx.AsyncClient, person: Person) -> None:
    here, there = await opened(client, person), await opened(client, person)
    id_ = await id_of(client, there)
    answer = await call(client, SOME, here, ids=f"{id_},{id_.upper()},{uuid.UUID(id_).hex}")
    assert told(answer, "1 session(s) invalidated") == {"sessions_invalidated": 1}


async def test_a_session_lives_a_day_and_needs_no_activity(running: Application, person: Person) -> None:
    session = await opened(running.client, person)
    running.clock.move(hours=23, minutes=59, seconds=59)
    before = await verdict(running.client, session)
    running.clock.move(seconds=1)
    assert (before, await verdict(running.client, session)) == ("alive", "TOKEN_EXPIRED")


@pytest.mark.settings(session_lifetime_hours=1, inactivity_minutes=1)
async def test_a_day_is_a_day_whatever_the_settings_say_about_others(running: Application, person: Person) -> None:
    session = await opened(running.client, person)
    running.clock.move(hours=23)
    assert await verdict(running.client, session) == "alive"


@pytest.mark.settings(b0_idle=True)
async def test_where_it_is_wished_they_idle_out_too(running: Application, person: Person) -> None:
    session = await opened(running.client, person)
    running.clock.move(minutes=19)
    before = await verdict(running.client, session)
    running.clock.move(minutes=20, seconds=1)
    answer = await call(running.client, INFO, session)
    assert before == "alive"
    assert code(answer) == (401, "SESSION_INACTIVE")
    assert "inactivity" in refusal(answer)[2]


@pytest.mark.settings(b0_idle=True)
async def test_a_call_in_the_background_is_no_activity(running: Application, person: Person) -> None:
    session = await opened(running.client, person)
    running.clock.move(minutes=19)
    background = await running.client.post(INFO, json={"session": session}, headers={"X-Background": "1"})
    running.clock.move(minutes=2)
    assert background.status_code == 200
    assert await verdict(running.client, session) == "SESSION_INACTIVE"


async def test_who_loses_the_account_loses_the_session(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    session = await opened(people.client, person)
    before = await verdict(people.client, session)
    await admin.put(f"/api/auth/admin/users/{person.id}", {"is_active": False})
    assert (before, await verdict(people.client, session)) == ("alive", "SESSION_REVOKED")


async def test_a_foreign_page_is_refused(client: httpx.AsyncClient, person: Person) -> None:
    session, foreign = await opened(client, person), {"Origin": "https://evil.example.org"}
    answers = [
        await client.post(SIGN_IN, json={"login": person.email, "password": PASSWORD}, headers=foreign),
        await client.post(SIGN_OUT, json={"session": session}, headers=foreign),
    ]
    assert [code(answer) for answer in answers] == [(403, "CSRF_FAILED")] * 2
    assert await verdict(client, session) == "alive"


async def test_no_csrf_token_is_needed_even_beside_a_cookie(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    session = await opened(browser, person)
    assert (await call(browser, SIGN_OUT, session)).status_code == 200
    assert (await browser.get(VERIFY)).status_code == 200


async def test_an_unknown_device_is_told_by_mail_here_as_well(running: Application, person: Person) -> None:
    await opened(running.client, person)
    assert await running.mails() == []
    await opened(running.client, person, **{"User-Agent": "Desk/1"})
    (mail,) = await running.mails()
    assert (mail.to, mail.subject) == (person.email, "New sign-in to your account at 127.0.0.1:8000")


async def test_what_happens_to_sessions_is_on_record(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    here, there = await opened(client, person), await opened(client, person)
    await call(client, SOME, here, ids=await id_of(client, there))
    await call(client, SIGN_OUT, here)
    ended = await people.audit("session_ended", about=person)
    assert [(event.reason, event.actor_id) for event in ended] == [
        ("user_revoke", person.id),
        ("user_logout", person.id),
    ]


async def test_the_demo_accounts_sign_in(running: Application) -> None:
    for _ in range(2):
        await demo.make(running.context, Origin())
    names = {"admin@example.com": ("admin123", "Admin User"), "user@example.com": ("user123", "Test User")}
    for email, (password, name) in names.items():
        answer = await running.client.post(SIGN_IN, json={"login": email, "password": password})
        session = told(answer, "Authentication successful")["session"]
        assert (await call(running.client, INFO, session)).json()["data"]["name"] == name
