"""`/forgot-password` and `/reset-password`: a new password for who has lost theirs."""

import asyncio

import httpx
import pytest

from backend.models import Status
from tests.application import Application
from tests.contracts.answers import code, credentials, token_in
from tests.factories import PASSWORD, People, Person

FORGOT, RESET = "/api/auth/forgot-password", "/api/auth/reset-password"
NEW = "another passphrase"


async def reset_token(running: Application, person: Person) -> str:
    """The token of a fresh reset mail."""
    assert (await running.client.post(FORGOT, json={"email": person.email})).status_code == 202
    mail = (await running.mails())[-1]
    assert mail.to == person.email
    return token_in(mail)


@pytest.mark.settings(rate_limits=False)
async def test_who_asks_is_told_the_same_for_every_input(client: httpx.AsyncClient, people: People) -> None:
    known = await people.active()
    for email in (known.email, known.email.upper(), "nobody@example.org", "no address", "", known.username):
        answer = await client.post(FORGOT, json={"email": email})
        assert answer.status_code == 202
        assert answer.json() == {"message": "If the email exists, a password reset link has been sent"}


@pytest.mark.settings(rate_limits=False)
async def test_only_active_accounts_get_mail(running: Application, client: httpx.AsyncClient, people: People) -> None:
    persons = {status: await people.in_status(status) for status in Status}
    before = len(await running.mails())
    for person in persons.values():
        assert (await client.post(FORGOT, json={"email": person.email})).status_code == 202
    assert [mail.to for mail in (await running.mails())[before:]] == [persons[Status.ACTIVE].email]


@pytest.mark.parametrize("field", ["password", "new_password"])
async def test_the_mailed_token_sets_a_password(
    running: Application, client: httpx.AsyncClient, people: People, field: str
) -> None:
    person = await people.active()
    answer = await client.post(RESET, json={"token": await reset_token(running, person), field: NEW})
    assert answer.status_code == 200
    assert (await client.post("/api/auth/login", json=credentials(person.username, NEW))).status_code == 200
    old = await client.post("/api/auth/login", json=credentials(person.username, PASSWORD))
    assert code(old) == (401, "AUTH_INVALID_CREDENTIALS")


async def test_a_reset_ends_all_sessions(running: Application, client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    await client.post(RESET, json={"token": await reset_token(running, person), "password": NEW})
    assert code(await person.get("/api/auth/whoami")) == (401, "SESSION_REVOKED")


async def test_a_token_works_once(running: Application, client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    body = {"token": await reset_token(running, person), "password": NEW}
    answers = await asyncio.gather(*(client.post(RESET, json=body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    assert code(await client.post(RESET, json=body)) == (400, "RESET_PASSWORD_BAD_TOKEN")


async def test_a_newer_token_replaces_the_older(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    person = await people.active()
    older, newer = await reset_token(running, person), await reset_token(running, person)
    assert code(await client.post(RESET, json={"token": older, "password": NEW})) == (400, "RESET_PASSWORD_BAD_TOKEN")
    assert (await client.post(RESET, json={"token": newer, "password": NEW})).status_code == 200


async def test_a_token_grows_old(running: Application, client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    token = await reset_token(running, person)
    running.clock.move(hours=1, seconds=1)
    answer = await client.post(RESET, json={"token": token, "password": NEW})
    assert code(answer) == (400, "RESET_PASSWORD_BAD_TOKEN")


async def test_a_guess_is_a_bad_token(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answers = [
        await client.post(RESET, json={"token": guess, "password": NEW}) for guess in ("", "x", str(person.token))
    ]
    assert {code(answer) for answer in answers} == {(400, "RESET_PASSWORD_BAD_TOKEN")}


async def test_a_reset_opens_no_account_that_was_shut(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    person = await people.active()
    token = await reset_token(running, person)
    async with people.work() as services:
        await services.closing.suspend(None, person.id)
    answer = await client.post(RESET, json={"token": token, "password": NEW})
    assert code(answer) == (400, "RESET_PASSWORD_BAD_TOKEN")
    assert (await people.row(person)).status is Status.SUSPENDED


async def test_request_and_completion_are_on_record(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    person = await people.active()
    await client.post(RESET, json={"token": await reset_token(running, person), "password": NEW})
    events = await people.audit("password_reset_requested", "password_reset_completed", about=person)
    assert [event.action for event in events] == ["password_reset_requested", "password_reset_completed"]
    assert {event.ip_address for event in events} == {"127.0.0.1"}
