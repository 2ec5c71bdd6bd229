"""What a stranger may learn and how often a stranger may try."""

import asyncio
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.application import Application
from tests.factories import PASSWORD, People


def _alike(answer: httpx.Response) -> tuple[Any, ...]:
    own = {"x-request-id", "content-length", "date", "set-cookie", "retry-after", "ratelimit"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    text = re.sub(r'"(timestamp|request_id|retry_after)": ?("[^"]*"|\d+)', "", answer.text)
    body = text.replace("known@example.org", "X").replace("stranger@example.org", "X")
    return answer.status_code, headers, body


def _from(running: Application, address: str) -> httpx.AsyncClient:
    """Somebody at an address of their own."""
    transport = httpx.ASGITransport(running.app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


async def _known(running: Application, people: People, status: str) -> None:
    admin = await people.admin()
    body = {"username": "known", "email": "known@example.org", "password": PASSWORD}
    made = (await running.client.post("/api/auth/register", json=body)).json()
    if status != "pending":
        await admin.post(f"/api/auth/admin/users/{made['id']}/approve", {"approved": True})


@pytest.mark.parametrize("status", ["pending", "active"])
async def test_known_and_unknown_addresses_get_the_same_answers(
    running: Application, people: People, status: str
) -> None:
    await _known(running, people, status)
    told: dict[str, list[tuple[Any, ...]]] = {}
    for email in ("known@example.org", "stranger@example.org"):
        client = _from(running, f"203.0.113.{len(told)}")
        login = {"username_or_email": email, "password": "not the password"}
        told[email] = [
            _alike(answer)
            for answer in (
                await client.post("/api/auth/forgot-password", json={"email": email}),
                await client.post("/api/auth/request-verify-token", json={"email": email}),
                await client.post("/forgot-password", data={"email": email}),
                *[await client.post("/api/auth/login", json=login) for _ in range(7)],
                await client.post("/api/auth/jwt/login", data={"username": email, "password": "not the password"}),
            )
        ]

    assert told["known@example.org"] == told["stranger@example.org"]


async def test_asking_for_proofs_of_address_does_not_tell_whose_are_known(running: Application, people: People) -> None:
    await _known(running, people, "pending")
    verdicts: dict[str, int] = {}
    for email in ("known@example.org", "stranger@example.org"):
        client = _from(running, f"203.0.113.{len(verdicts)}")
        for _ in range(3):
            await client.post("/api/auth/request-verify-token", json={"email": email})
        answer = await client.post("/api/auth/forgot-password", json={"email": "somebody@example.org"})
        verdicts[email] = answer.status_code

    assert verdicts["known@example.org"] == verdicts["stranger@example.org"]


async def test_so_many_wrong_passwords_and_no_more_are_checked_however_many_come_at_once(
    running: Application, people: People
) -> None:
    person = await people.active()
    body = {"username_or_email": person.username, "password": "not the password"}
    answers = await asyncio.gather(*(running.client.post("/api/auth/login", json=body) for _ in range(50)))
    right = await running.client.post("/api/auth/login", json={**body, "password": PASSWORD})

    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 45
    assert (right.status_code, right.json()["limit"]) == (429, 5)
    assert 0 < int(right.headers["retry-after"]) <= 15 * 60
    assert len(await people.audit("signin_failed", about=person)) == 5


async def test_all_doors_share_one_counter(running: Application, people: People) -> None:
    person = await people.active()
    wrong = "not the password"
    for _ in range(2):
        await running.client.post("/api/auth/login", json={"username_or_email": person.email, "password": wrong})
        await running.client.post("/api/auth/jwt/login", data={"username": person.username, "password": wrong})
    body = {"current_password": wrong, "new_password": "another horse"}
    await person.post("/api/auth/change-password", body)
    answers = [
        await running.client.post("/api/auth/jwt/login", data={"username": person.username, "password": PASSWORD}),
        await running.client.post("/login", data={"username_or_email": person.username, "password": PASSWORD}),
        await person.post("/api/auth/change-password", {**body, "current_password": PASSWORD}),
    ]

    assert [answer.status_code for answer in answers] == [429] * 3


@pytest.mark.settings(argon2="19456,2,1")
async def test_right_passwords_of_many_people_in_one_house_are_all_let_in(running: Application, people: People) -> None:
    crowd = [await people.active() for _ in range(10)]
    bodies = [{"username_or_email": person.username, "password": PASSWORD} for person in crowd]
    answers = await asyncio.gather(*(running.client.post("/api/auth/login", json=body) for body in bodies))

    assert [answer.status_code for answer in answers] == [200] * 10


async def test_a_spoofed_address_buys_no_further_attempts(running: Application, people: People) -> None:
    await people.admin()
    answers = []
    for number in range(8):
        headers = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}", "Forwarded": "for=_x"}
        body = {"username_or_email": f"name{number}", "password": "not the password"}
        answers.append((await running.client.post("/api/auth/login", json=body, headers=headers)).status_code)

    assert answers == [401] * 5 + [429] * 3
    assert {event.ip_address for event in await people.audit("signin_failed")} == {"127.0.0.1"}


@pytest.mark.settings(trusted_proxies=("127.0.0.1",))
async def test_behind_a_trusted_proxy_the_last_stranger_counts(running: Application, people: People) -> None:
    await people.admin()
    for number in range(5):
        headers = {"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9"}
        body = {"username_or_email": f"name{number}", "password": "not the password"}
        await running.client.post("/api/auth/login", json=body, headers=headers)
    body = {"username_or_email": "another", "password": "not the password"}
    same = await running.client.post("/api/auth/login", json=body, headers={"X-Forwarded-For": "203.0.113.9"})
    other = await running.client.post("/api/auth/login", json=body, headers={"X-Forwarded-For": "203.0.113.8"})

    assert (same.status_code, other.status_code) == (429, 401)
    assert {event.ip_address for event in await people.audit("signin_failed")} == {"203.0.113.9", "203.0.113.8"}


async def test_a_proof_opens_only_what_it_was_made_for(running: Application, people: People) -> None:
    person = await people.active()
    await running.client.post("/api/auth/forgot-password", json={"email": person.email})
    await running.client.post("/api/auth/request-verify-token", json={"email": person.email})
    reset, verify = [mail.body.partition("#token=")[2].split()[0] for mail in (await running.mails())[-2:]]
    login = await running.client.post("/api/auth/login", json={"username_or_email": person.email, "password": PASSWORD})
    refresh, access = login.json()["refresh_token"], login.json()["access_token"]
    for token in (verify, refresh, access):
        body = {"token": token, "password": "another horse"}
        assert (await running.client.post("/api/auth/reset-password", json=body)).status_code == 400
    for token in (reset, refresh, access):
        assert (await running.client.post("/api/auth/verify", json={"token": token})).status_code == 400
    for token in (reset, verify, refresh):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await running.client.get("/api/auth/whoami", headers=headers)).status_code == 401


async def test_e6_administrators_questions_do_not_tell_whose_ids_are_real(people: People) -> None:
    person, known = await people.active(), await people.active()
    told = []
    for id_ in (known.id, UUID("01a1ff2c-de6a-71c7-ba48-51f9f979b062")):
        answers = [
            await person.get(f"/api/v1/users/{id_}"),
            await person.patch(f"/api/v1/users/{id_}", {"full_name": "x"}),
            await person.put(f"/api/auth/admin/users/{id_}", {"is_active": False}),
            await person.post("/api/v1/messages", {"user_id": str(id_), "purpose": "reset_password"}),
            await person.get(f"/users/{id_}"),
        ]
        told.append([(answer.status_code, answer.headers.get("content-type")) for answer in answers])
    assert told[0] == told[1]
    assert {status for status, _ in told[0]} == {403}
