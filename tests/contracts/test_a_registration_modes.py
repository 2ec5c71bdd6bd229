"""Who may register: the modes, the first account, the bootstrap token."""

import asyncio
import re

import httpx
import pytest

from backend.models import Status
from backend.services import startup
from tests.application import Application
from tests.contracts.answers import TIME, applicant, code, refusal
from tests.factories import People

REGISTER = "/api/auth/register"
MODES = [
    pytest.param(mode, marks=pytest.mark.settings(registration=mode), id=mode)
    for mode in ("approval", "open", "closed")
]


@pytest.mark.parametrize("mode", MODES)
async def test_the_first_account_passes_every_mode_and_administers(client: httpx.AsyncClient, mode: str) -> None:
    user = (await client.post(REGISTER, json=applicant())).json()
    assert user["is_superuser"]
    assert user["is_active"]
    assert user["is_approved"]
    assert TIME.fullmatch(user["approved_at"])


@pytest.mark.parametrize("mode", MODES)
async def test_of_many_first_registrations_exactly_one_administers(
    client: httpx.AsyncClient, people: People, mode: str
) -> None:
    bodies = [applicant(username=f"racer{n}", email=f"racer{n}@example.org") for n in range(6)]
    answers = await asyncio.gather(*(client.post(REGISTER, json=body) for body in bodies))
    rest = {"approval": 201, "open": 201, "closed": 403}[mode]
    assert sorted(answer.status_code for answer in answers) == sorted([201, *[rest] * 5])
    assert [answer.json().get("is_superuser") for answer in answers].count(True) == 1
    assert len(await people.audit("first_user_superuser_promotion")) == 1


@pytest.mark.settings(registration="open")
async def test_nobody_is_first_twice(client: httpx.AsyncClient, people: People) -> None:
    first = await people.admin()
    second = await people.admin()
    await second.post(f"/api/auth/admin/users/{first.id}/demote")
    await second.delete(f"/api/auth/admin/users/{first.id}")
    answer = await client.post(REGISTER, json=applicant())
    assert (answer.status_code, answer.json()["is_superuser"]) == (201, False)


@pytest.mark.settings(registration="open")
async def test_the_open_door_lets_in_at_once(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    user = (await client.post(REGISTER, json=applicant())).json()
    assert (user["is_active"], user["is_approved"], user["is_superuser"]) == (True, True, False)
    assert (user["approved_by"], bool(TIME.fullmatch(user["approved_at"]))) == (None, True)


@pytest.mark.settings(registration="closed")
async def test_the_closed_door_lets_nobody_in(client: httpx.AsyncClient, people: People) -> None:
    admin = await people.admin()
    answer = await client.post(REGISTER, json=applicant())
    assert code(answer) == (403, "REGISTRATION_CLOSED")
    assert await people.statuses() == {admin.username: Status.ACTIVE}


@pytest.mark.settings(require_approval_note=True)
async def test_note_and_institution_can_be_obligatory(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    without = [applicant(), applicant(approval_note="Please"), applicant(institution="TU", approval_note="")]
    answers = [await client.post(REGISTER, json=body) for body in without]
    both = await client.post(REGISTER, json=applicant(approval_note="Please", institution="TU"))
    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert both.status_code == 201


@pytest.mark.settings(require_approval_note=True)
async def test_the_first_account_needs_no_note(client: httpx.AsyncClient) -> None:
    assert (await client.post(REGISTER, json=applicant())).status_code == 201


@pytest.mark.settings(require_approval_note=True, registration="open")
async def test_the_open_door_asks_for_no_note(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    assert (await client.post(REGISTER, json=applicant())).status_code == 201


@pytest.mark.settings(bootstrap="token")
async def test_the_printed_token_makes_the_first_account(
    capsys: pytest.CaptureFixture[str], client: httpx.AsyncClient
) -> None:
    printed = re.search(r"one-time setup code \(bootstrap token\): ([\w-]+)", capsys.readouterr().out)
    assert printed
    answer = await client.post(REGISTER, json=applicant(bootstrap_token=printed[1]))
    assert (answer.status_code, answer.json()["is_superuser"]) == (201, True)


@pytest.mark.settings(bootstrap="token", registration="closed")
async def test_the_token_may_stand_in_a_header(running: Application, client: httpx.AsyncClient) -> None:
    token = await startup.bootstrap_token(running.context)
    answer = await client.post(REGISTER, json=applicant(), headers={"X-Bootstrap-Token": token or ""})
    assert (answer.status_code, answer.json()["is_superuser"]) == (201, True)


@pytest.mark.settings(bootstrap="token", registration="open")
async def test_without_the_token_there_is_no_first_account(client: httpx.AsyncClient, people: People) -> None:
    without = await client.post(REGISTER, json=applicant())
    wrong = await client.post(REGISTER, json=applicant(bootstrap_token="guess"))
    assert without.status_code == wrong.status_code == 403
    assert "bootstrap token" in refusal(without)[2]
    assert await people.statuses() == {}


@pytest.mark.settings(bootstrap="token")
async def test_the_token_makes_one_account_only(running: Application, client: httpx.AsyncClient) -> None:
    token = await startup.bootstrap_token(running.context)
    await client.post(REGISTER, json=applicant(bootstrap_token=token))
    second = applicant(username="otto", email="otto@example.org", bootstrap_token=token)
    answer = await client.post(REGISTER, json=second)
    assert (answer.status_code, answer.json()["is_superuser"], answer.json()["is_active"]) == (201, False, False)


@pytest.mark.settings(env="production", public_url="https://accounts.example.org")
async def test_production_asks_for_the_token_by_default(client: httpx.AsyncClient) -> None:
    assert (await client.post(REGISTER, json=applicant())).status_code == 403


@pytest.mark.settings(env="production", public_url="https://accounts.example.org", bootstrap="first-user")
async def test_production_can_do_without_the_token(client: httpx.AsyncClient) -> None:
    assert (await client.post(REGISTER, json=applicant())).status_code == 201
