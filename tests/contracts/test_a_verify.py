"""`/request-verify-token` and `/verify`: proving an address."""

import httpx
import pytest

from backend.models import MailPurpose, Status
from tests.application import Application
from tests.contracts.answers import applicant, code, credentials, token_in
from tests.factories import People, Person

REQUEST, VERIFY = "/api/auth/request-verify-token", "/api/auth/verify"


async def _token(running: Application, person: Person) -> str:
    assert (await running.client.post(REQUEST, json={"email": person.email})).status_code == 202
    return token_in((await running.mails(MailPurpose.VERIFY_EMAIL))[-1])


async def test_the_mailed_token_proves_the_address(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    person = await people.pending()
    answer = await client.post(VERIFY, json={"token": await _token(running, person)})
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["is_verified"]) == (str(person.id), True)
    assert (await people.row(person)).status is Status.PENDING


@pytest.mark.settings(rate_limits=False)
async def test_who_asks_is_not_told_whose_address_it_is(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    gone, suspended = await people.deleted(), await people.suspended()
    answers = [
        await client.post(REQUEST, json={"email": e}) for e in ("nobody@example.org", gone.email, suspended.email)
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"null")}
    assert gone.email not in [mail.to for mail in await running.mails()]


async def test_a_bad_token_proves_nothing(running: Application, client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    used = await _token(running, person)
    await client.post(VERIFY, json={"token": used})
    answers = [await client.post(VERIFY, json={"token": token}) for token in ("", "guess", used)]
    assert {code(answer) for answer in answers} == {(400, "VERIFY_USER_BAD_TOKEN")}


async def test_a_token_for_the_address_of_before_proves_nothing(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    admin, person = await people.admin(), await people.active()
    token = await _token(running, person)
    await admin.put(f"/api/auth/admin/users/{person.id}", {"email": "new@example.org"})
    assert code(await client.post(VERIFY, json={"token": token})) == (400, "VERIFY_USER_BAD_TOKEN")
    assert not (await people.row(person)).is_verified


@pytest.mark.settings(require_verified_email=True, send_verification_emails=True, registration="open")
async def test_an_installation_may_ask_for_the_proof_before_signing_in(
    running: Application, client: httpx.AsyncClient
) -> None:
    await client.post("/api/auth/register", json=applicant())
    before = await client.post("/api/auth/login", json=credentials("hannah"))
    await client.post(VERIFY, json={"token": token_in((await running.mails(MailPurpose.VERIFY_EMAIL))[-1])})
    after = await client.post("/api/auth/login", json=credentials("hannah"))
    assert code(before) == (403, "EMAIL_NOT_VERIFIED")
    assert after.status_code == 200


async def test_the_proof_is_on_record(running: Application, client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    await client.post(VERIFY, json={"token": await _token(running, person)})
    assert len(await people.audit("email_verified", about=person)) == 1
