"""`POST /api/v1/auth/refresh`: the next pair of tokens, once; a token that is used twice was stolen."""

import asyncio

import httpx
import pytest

from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.contracts.dialect_c import (
    INVALID_REFRESH,
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


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody who may sign in."""
    return await people.active()


async def refused(client: httpx.AsyncClient, refresh_token: str) -> tuple[int, str, str]:
    return refusal(await client.post(REFRESH, json={"refresh_token": refresh_token}))


async def test_a_refresh_token_buys_the_next_pair(client: httpx.AsyncClient, person: Person) -> None:
    first = await sign_in(client, person)
    answer = await client.post(REFRESH, json={"refresh_token": first["refresh_token"]})
    second = data(answer, "Token refreshed successfully")
    assert second.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (second["token_type"], second["expires_in"]) == ("bearer", 3600)
    assert second["refresh_token"] != first["refresh_token"]
    assert await state(client, second["access_token"]) == "alive"


async def test_it_stays_the_same_session(client: httpx.AsyncClient, person: Person) -> None:
    first = await sign_in(client, person)
    before = await own_sessions(client, first["access_token"])
    second = await refresh(client, first["refresh_token"])
    after = await own_sessions(client, second["access_token"])
    assert [one["id"] for one in after if one["is_current"]] == [one["id"] for one in before if one["is_current"]]
    assert len(after) == len(before)


@pytest.mark.parametrize("door", ["form", "approval service"])
async def test_the_refresh_tokens_of_the_other_doors_are_good_too(
    running: Application, person: Person, door: str
) -> None:
    form = {"username": person.username, "password": PASSWORD}
    body = {"username_or_email": person.username, "password": PASSWORD}
    answer = (
        await running.browser().post("/api/v1/auth/login", data=form)
        if door == "form"
        else await running.client.post("/api/auth/login", json=body)
    )
    token = await refresh(running.client, answer.json()["refresh_token"])
    assert await state(running.client, token["access_token"]) == "alive"


async def test_refreshing_sets_no_cookies(client: httpx.AsyncClient, person: Person) -> None:
    token = await sign_in(client, person)
    answer = await client.post(REFRESH, json={"refresh_token": token["refresh_token"]})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_garbage_buys_nothing(client: httpx.AsyncClient) -> None:
    assert [await refused(client, token) for token in ("garbage", "", "a.b.c", "x" * 43)] == [INVALID_REFRESH] * 4


async def test_a_token_of_another_kind_buys_nothing(running: Application, person: Person) -> None:
    browser, token = await browser_of(running, person), await sign_in(running.client, person)
    signed_in = await running.client.post("/api/v1/users/signin", json={"login": person.email, "password": PASSWORD})
    others = [token["access_token"], browser.cookies["session_id"], signed_in.json()["session"]]
    assert [await refused(running.client, other) for other in others] == [INVALID_REFRESH] * 3


async def test_a_refresh_token_opens_nothing_by_itself(client: httpx.AsyncClient, person: Person) -> None:
    token = (await sign_in(client, person))["refresh_token"]
    answers = [
        await client.get("/api/v1/auth/verify", headers=bearer(token)),
        await client.get("/api/v1/auth/verify", headers={"Cookie": f"session_id={token}"}),
        await client.post("/api/v1/users/info", json={"session": token}),
    ]
    assert [code(answer) for answer in answers] == [(401, "INVALID_TOKEN")] * 3


async def test_without_a_token_the_request_is_malformed(client: httpx.AsyncClient) -> None:
    answers = [await client.post(REFRESH, json=body) for body in ({}, {"refresh_token": None}, {"refresh_token": 1})]
    assert [code(answer) for answer in answers] == [(422, "VALIDATION_ERROR")] * 3
    assert code(await client.post(REFRESH, data={"refresh_token": "x"})) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_an_exact_retry_gets_the_same_successor(running: Application, person: Person) -> None:
    first = await sign_in(running.client, person)
    second = await refresh(running.client, first["refresh_token"])
    running.clock.move(seconds=9)
    again = await refresh(running.client, first["refresh_token"])
    assert again["refresh_token"] == second["refresh_token"]
    assert [await state(running.client, one["access_token"]) for one in (second, again)] == ["alive"] * 2
    assert (await refresh(running.client, second["refresh_token"]))["refresh_token"] != second["refresh_token"]


async def test_tabs_that_refresh_at_once_all_get_the_same_successor(client: httpx.AsyncClient, person: Person) -> None:
    token = (await sign_in(client, person))["refresh_token"]
    answered = await asyncio.gather(*(refresh(client, token) for _ in range(10)))
    assert len({one["refresh_token"] for one in answered}) == 1
    assert {await state(client, one["access_token"]) for one in answered} == {"alive"}


async def test_a_late_retry_ends_the_family(running: Application, person: Person) -> None:
    first = await sign_in(running.client, person)
    second = await refresh(running.client, first["refresh_token"])
    running.clock.move(seconds=11)
    assert await refused(running.client, first["refresh_token"]) == INVALID_REFRESH
    assert await refused(running.client, second["refresh_token"]) == INVALID_REFRESH
    tokens = [first["access_token"], second["access_token"]]
    assert [await state(running.client, token) for token in tokens] == ["SESSION_REVOKED"] * 2


async def test_a_retry_after_the_successor_was_used_ends_the_family(client: httpx.AsyncClient, person: Person) -> None:
    first = await sign_in(client, person)
    second = await refresh(client, first["refresh_token"])
    third = await refresh(client, second["refresh_token"])
    assert await refused(client, first["refresh_token"]) == INVALID_REFRESH
    assert await refused(client, third["refresh_token"]) == INVALID_REFRESH
    assert await state(client, third["access_token"]) == "SESSION_REVOKED"


@pytest.mark.settings(refresh_grace_seconds=2)
async def test_the_grace_is_a_setting(running: Application, person: Person) -> None:
    first = await sign_in(running.client, person)
    await refresh(running.client, first["refresh_token"])
    running.clock.move(seconds=3)
    assert await refused(running.client, first["refresh_token"]) == INVALID_REFRESH


async def test_reuse_ends_the_cookie_of_the_session_and_no_other_session(running: Application, person: Person) -> None:
    other = await sign_in(running.client, person)
    browser = running.browser()
    form = {"username": person.username, "password": PASSWORD}
    stolen = (await browser.post("/api/v1/auth/login", data=form)).json()["refresh_token"]
    await refresh(running.client, stolen)
    running.clock.move(seconds=11)
    await refused(running.client, stolen)
    assert code(await browser.get("/api/v1/auth/verify")) == (401, "SESSION_REVOKED")
    assert await state(running.client, other["access_token"]) == "alive"


async def test_reuse_is_on_record_and_told_by_mail_once(running: Application, person: Person) -> None:
    first = await sign_in(running.client, person)
    await refresh(running.client, first["refresh_token"])
    running.clock.move(seconds=11)
    for _ in range(2):
        await refused(running.client, first["refresh_token"])
    (ended,) = await running.people.audit("session_ended", about=person)
    (mail,) = await running.mails()
    assert ended.reason == "refresh_reuse"
    assert (mail.to, mail.subject) == (person.email, "We ended a session for your security at 127.0.0.1:8000")
    assert first["refresh_token"] not in mail.body


async def test_an_idle_session_is_not_woken(running: Application, person: Person) -> None:
    token = await sign_in(running.client, person)
    running.clock.move(minutes=20, seconds=1)
    status, word, sentence = await refused(running.client, token["refresh_token"])
    assert (status, word) == (401, "SESSION_INACTIVE")
    assert "inactivity" in sentence
    running.clock.move(minutes=-10)
    assert (await refused(running.client, token["refresh_token"]))[:2] == (401, "SESSION_INACTIVE")


async def test_refreshing_keeps_a_session_awake(running: Application, person: Person) -> None:
    token = await sign_in(running.client, person)
    for _ in range(5):
        running.clock.move(minutes=19)
        token = await refresh(running.client, token["refresh_token"])
    running.clock.move(minutes=19)
    assert await state(running.client, token["access_token"]) == "alive"


@pytest.mark.settings(inactivity_minutes=60 * 13)
async def test_refreshing_never_passes_the_absolute_end(running: Application, person: Person) -> None:
    token = await sign_in(running.client, person)
    running.clock.move(hours=12)
    token = await refresh(running.client, token["refresh_token"])
    running.clock.move(hours=11, minutes=30)
    token = await refresh(running.client, token["refresh_token"])
    assert token["expires_in"] == 1800
    running.clock.move(minutes=30)
    assert await refused(running.client, token["refresh_token"]) == INVALID_REFRESH
    assert await state(running.client, token["access_token"]) == "TOKEN_EXPIRED"


async def test_a_session_that_was_ended_is_not_refreshed(client: httpx.AsyncClient, person: Person) -> None:
    token = await sign_in(client, person)
    await client.post("/api/v1/auth/logout", headers=bearer(token["access_token"]))
    assert await refused(client, token["refresh_token"]) == INVALID_REFRESH


@pytest.mark.parametrize("what", ["suspended", "deleted"])
async def test_who_lost_the_account_is_not_refreshed(people: People, what: str) -> None:
    admin, person = await people.admin(), await people.active()
    token = await sign_in(people.client, person)
    path = f"/api/auth/admin/users/{person.id}"
    answer = await (admin.delete(path) if what == "deleted" else admin.put(path, {"is_active": False}))
    assert answer.status_code == 200
    assert await refused(people.client, token["refresh_token"]) == INVALID_REFRESH


async def test_a_suspended_person_who_comes_back_has_to_sign_in(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    token = await sign_in(people.client, person)
    for active in (False, True):
        await admin.put(f"/api/auth/admin/users/{person.id}", {"is_active": active})
    assert await refused(people.client, token["refresh_token"]) == INVALID_REFRESH


async def test_rights_that_were_taken_do_not_come_back(people: People) -> None:
    admin, other = await people.admin(), await people.admin()
    token = await sign_in(people.client, other)
    await admin.post(f"/api/auth/admin/users/{other.id}/demote")
    token = await refresh(people.client, token["refresh_token"])
    answers = [
        await people.client.get("/api/auth/admin/users", headers=bearer(token["access_token"])),
        await people.client.get("/api/v1/auth/verify", headers=bearer(token["access_token"])),
    ]
    assert code(answers[0]) == (403, "ADMIN_REQUIRED")
    assert answers[1].headers["x-user-role"] == "user"


async def test_a_refused_refresh_takes_no_cookies_away(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    answer = await browser.post(REFRESH, json={"refresh_token": "garbage"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert (await browser.get("/api/v1/auth/verify")).status_code == 200


async def test_refreshing_needs_no_csrf_token_but_refuses_a_foreign_page(running: Application, person: Person) -> None:
    browser, token = await browser_of(running, person), await sign_in(running.client, person)
    body = {"refresh_token": token["refresh_token"]}
    foreign = await browser.post(REFRESH, json=body, headers={"Origin": "https://evil.example.org"})
    own = await browser.post(REFRESH, json=body, headers={"Origin": "http://127.0.0.1:8000"})
    assert code(foreign) == (403, "CSRF_FAILED")
    assert own.status_code == 200


async def test_no_refresh_token_is_kept_as_it_is(running: Application, person: Person) -> None:
    first = await sign_in(running.client, person)
    second = await refresh(running.client, first["refresh_token"])
    async with running.context.database.reading() as session:
        connection = await session.connection()
        rows = (await connection.exec_driver_sql("SELECT * FROM refresh_tokens")).all()
    assert rows
    assert not any(token["refresh_token"] in str(row) for row in rows for token in (first, second))
