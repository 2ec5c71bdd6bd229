"""Refreshing at the same moment as somebody else, or as something else happens: one live family, or none."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Final

import httpx
import pytest
from sqlmodel import col, select

from backend.models import UserSession
from tests.application import Application
from tests.factories import PASSWORD, People, Person

WHO, REFRESH, LOGIN = "/api/auth/whoami", "/api/v1/auth/refresh", "/api/v1/auth/login"
MANY: Final = 10


async def _signed_in(client: httpx.AsyncClient, person: Person) -> dict[str, str]:
    answer = await client.post(LOGIN, json={"username": person.username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    token: dict[str, str] = answer.json()["data"]["token"]
    return token


def _refreshing(client: httpx.AsyncClient, token: str) -> Awaitable[httpx.Response]:
    return client.post(REFRESH, json={"refresh_token": token})


async def _verdict(client: httpx.AsyncClient, token: str) -> tuple[int, str | None]:
    answer = await client.get(WHO, headers={"Authorization": f"Bearer {token}", "X-Background": "1"})
    return answer.status_code, answer.json().get("error_code")


async def _live(running: Application, person: Person) -> list[UserSession]:
    async with running.context.database.reading() as session:
        query = select(UserSession).where(UserSession.user_id == person.id, col(UserSession.ended_at).is_(None))
        return list((await session.exec(query)).all())


async def test_many_exact_retries_at_once_share_one_successor(running: Application, people: People) -> None:
    person = await people.active()
    first = await _signed_in(running.client, person)
    answers = await asyncio.gather(*(_refreshing(running.client, first["refresh_token"]) for _ in range(MANY)))
    data = [answer.json()["data"] for answer in answers if answer.status_code == 200]

    assert Counter(answer.status_code for answer in answers) == {200: MANY}
    assert len({one["refresh_token"] for one in data}) == 1
    assert {(await _verdict(running.client, one["access_token"]))[0] for one in data} == {200}
    again = await _refreshing(running.client, data[0]["refresh_token"])
    assert again.status_code == 200
    assert len(await _live(running, person)) == 2  # this one, and the one people come with


async def test_the_loser_of_a_race_for_the_next_token_ends_the_family(running: Application, people: People) -> None:
    person = await people.active()
    first = await _signed_in(running.client, person)
    second = (await _refreshing(running.client, first["refresh_token"])).json()["data"]
    third = (await _refreshing(running.client, second["refresh_token"])).json()["data"]
    replayed = await _refreshing(running.client, first["refresh_token"])
    tokens = (first, second, third)

    assert (replayed.status_code, replayed.json()["error_code"]) == (401, "INVALID_TOKEN")
    assert replayed.json()["detail"] == "Invalid or expired refresh token"
    assert replayed.headers["www-authenticate"].startswith("Bearer")
    assert [await _verdict(running.client, one["access_token"]) for one in tokens] == [(401, "SESSION_REVOKED")] * 3
    assert {(await _refreshing(running.client, one["refresh_token"])).status_code for one in tokens} == {401}
    ended = await people.audit("session_ended", about=person)
    assert [event.reason for event in ended] == ["refresh_reuse"]
    assert len([mail for mail in await running.mails() if mail.to == person.email]) == 1
    assert await _verdict(running.client, person.token or "") == (200, None)


async def test_an_exact_retry_is_forgiven_for_ten_seconds(running: Application, people: People) -> None:
    person = await people.active()
    first = await _signed_in(running.client, person)
    given = (await _refreshing(running.client, first["refresh_token"])).json()["data"]
    running.clock.move(seconds=10)
    in_time = await _refreshing(running.client, first["refresh_token"])
    running.clock.move(seconds=1)
    late = await _refreshing(running.client, first["refresh_token"])

    assert in_time.json()["data"]["refresh_token"] == given["refresh_token"]
    assert (late.status_code, await _verdict(running.client, given["access_token"])) == (401, (401, "SESSION_REVOKED"))


@pytest.mark.settings(refresh_grace_seconds=0)
async def test_without_grace_of_many_at_once_one_wins_and_the_family_ends(running: Application, people: People) -> None:
    person = await people.active()
    first = await _signed_in(running.client, person)
    used = (await _refreshing(running.client, first["refresh_token"])).json()["data"]
    running.clock.move(seconds=1)
    answers = await asyncio.gather(*(_refreshing(running.client, first["refresh_token"]) for _ in range(MANY)))

    assert Counter(answer.status_code for answer in answers) == {401: MANY}
    assert await _verdict(running.client, used["access_token"]) == (401, "SESSION_REVOKED")
    assert len(await people.audit("session_ended", about=person)) == 1


@pytest.mark.parametrize("way", ["logout", "revoke", "suspend", "password"])
async def test_what_ends_a_session_wins_over_a_refresh_at_the_same_moment(
    running: Application, people: People, way: str
) -> None:
    admin, person, client = await people.admin(), await people.active(), running.client
    for _ in range(3):
        one = await _signed_in(client, person)
        bearer = {"Authorization": f"Bearer {one['access_token']}"}
        ends: dict[str, Awaitable[httpx.Response]] = {}
        if way == "logout":
            ends[way] = client.post("/api/v1/auth/logout", headers=bearer)
        elif way == "revoke":
            listed = (await client.get("/api/v1/auth/sessions", headers=bearer)).json()["data"]
            (own,) = (session["id"] for session in listed if session["is_current"])
            ends[way] = client.delete(f"/api/v1/auth/sessions/{own}", headers=bearer)
        elif way == "suspend":
            ends[way] = admin.put(f"/api/auth/admin/users/{person.id}", {"is_active": False})
        else:
            body = {"current_password": person.password, "new_password": f"{person.password}, longer"}
            person = await people.signed_in(person)
            ends[way] = person.post("/api/auth/change-password", body)
        refreshed, ended = await asyncio.gather(_refreshing(client, one["refresh_token"]), ends[way])
        given = [one] + ([refreshed.json()["data"]] if refreshed.status_code == 200 else [])

        assert ended.status_code == 200, ended.text
        assert refreshed.status_code in {200, 401}
        for token in given:
            assert await _verdict(client, token["access_token"]) == (401, "SESSION_REVOKED")
            assert (await _refreshing(client, token["refresh_token"])).status_code == 401
        if way == "suspend":
            assert await _live(running, person) == []
            await admin.put(f"/api/auth/admin/users/{person.id}", {"is_active": True})
        if way == "password":
            break


@pytest.mark.settings(max_sessions_per_user=5, rate_limits=False)
async def test_sign_ins_at_once_never_pass_the_cap(running: Application, people: People) -> None:
    person = await people.active()
    done = asyncio.Event()

    async def watch() -> int:
        highest = 0
        while not done.is_set():
            highest = max(highest, len(await _live(running, person)))
        return highest

    watching = asyncio.create_task(watch())
    given = await asyncio.gather(*(_signed_in(running.client, person) for _ in range(20)))
    done.set()
    most = await watching
    verdicts = Counter([(await _verdict(running.client, one["access_token"]))[0] for one in given])

    assert most <= 5
    assert verdicts == {200: 5, 401: 15}
    assert len(await people.audit("session_ended", about=person)) == 16
