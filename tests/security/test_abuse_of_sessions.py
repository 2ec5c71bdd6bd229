"""What somebody who is signed in could try: to be believed too long, to flood, to be somebody else."""

import httpx
import pytest
from sqlmodel import select

from backend.models import AuditEvent, RefreshToken
from backend.stores.news import Changes
from backend.tokens import digest
from tests.application import Application
from tests.factories import People, Person

ME = "/api/v1/auth/users/me"
REFRESH = "/api/v1/auth/refresh"


async def _tokens(client: httpx.AsyncClient, person: Person, **headers: str) -> dict[str, str]:
    body = {"username": person.username, "password": person.password}
    answer = await client.post("/api/v1/auth/login", json=body, headers=headers)
    tokens: dict[str, str] = answer.json()["data"]["token"]
    return tokens


@pytest.mark.settings(require_verified_email=True)
async def test_a_new_address_ends_what_a_proven_one_was_needed_for(running: Application, people: People) -> None:
    person = await people.pending()
    async with people.work() as services:
        user = await services.decisions.approve(person.id, by=None)
        await services.users.update(user, {"is_verified": True})
    tokens = await _tokens(running.client, person)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    body = {"email": "else@example.org", "current_password": person.password}
    changed = await running.client.put(ME, json=body, headers=bearer)
    verified = await running.client.get("/api/v1/auth/verify", headers=bearer)
    refreshed = await running.client.post(REFRESH, json={"refresh_token": tokens["refresh_token"]})

    assert (changed.status_code, verified.status_code, refreshed.status_code) == (200, 401, 401)


async def test_a_proxy_is_told_whether_an_address_is_proven(people: People) -> None:
    person = await people.active()
    answers = [await person.get("/api/v1/auth/verify") for _ in range(2)]

    assert [answer.headers["x-user-email-verified"] for answer in answers] == ["false", "false"]


async def test_strangers_get_no_flood_of_proofs(people: People) -> None:
    person, codes = await people.active(), []
    for number in range(5):
        body = {"email": f"x{number}@example.org", "current_password": person.password}
        codes.append((await person.put(ME, json=body)).status_code)

    assert codes == [200, 200, 200, 429, 429]


async def test_new_devices_are_told_three_times_an_hour(running: Application, people: People) -> None:
    person = await people.active()
    for number in range(5):
        await _tokens(running.client, person, **{"X-Device-ID": f"device {number}"})
    told = len(await running.mails())
    running.clock.move(minutes=61)
    await _tokens(running.client, person, **{"X-Device-ID": "another"})

    assert (told, len(await running.mails())) == (3, 4)


async def test_names_cannot_be_guessed_without_end(people: People) -> None:
    other, person = await people.active(), await people.active()
    codes = [(await person.put(ME, json={"username": other.username})).status_code for _ in range(22)]

    assert codes == [409] * 20 + [429] * 2


async def test_headers_without_end_are_refused_before_anybody_reads_them(client: httpx.AsyncClient) -> None:
    cookies = await client.get("/health/live", headers={"Cookie": "a=1; " * 40_000})
    agent = await client.get("/health/live", headers={"User-Agent": "x" * 200_000})

    assert [cookies.status_code, agent.status_code] == [431, 431]
    assert cookies.headers["x-request-id"]


async def test_a_used_token_is_used_whatever_else_is_lost(running: Application, people: People) -> None:
    person = await people.active()
    first = (await _tokens(running.client, person))["refresh_token"]
    await running.client.post(REFRESH, json={"refresh_token": first})
    async with running.context.database.writing() as session:
        row = (await session.exec(select(RefreshToken).where(RefreshToken.digest == digest(first)))).one()
        row.salt = None
    again = await running.client.post(REFRESH, json={"refresh_token": first})

    assert again.status_code == 401
    assert [event.reason for event in await people.audit("session_ended", about=person)] == ["refresh_reuse"]


async def test_strangers_do_not_fill_the_audit_with_odd_bodies(running: Application) -> None:
    for path in ("/api/v1/auth/login", "/api/v1/auth/logout", "/api/v1/users/info"):
        answer = await running.client.post(path, content="x", headers={"Content-Type": "text/plain"})
        assert answer.status_code == 415
    async with running.context.database.reading() as session:
        assert (await session.exec(select(AuditEvent))).all() == []


async def test_a_commit_that_may_have_failed_is_nobodys_own_news(running: Application) -> None:
    changes = Changes(everything=True, revision=7)
    await running.context.news.doubt(changes)

    assert changes.revision is None
