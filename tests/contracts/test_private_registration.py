"""PRIVATE_REGISTRATION: one answer for new and for taken names, at every door (ASVS 6.3.8, attack case E2)."""

from typing import Any, Final

import httpx
import pytest

from backend.models import MailPurpose, Status
from backend.policies import POLICIES
from backend.services.audit import Action
from backend.settings import RegistrationMode
from tests.application import Application
from tests.contracts.answers import applicant, code, credentials, token_in
from tests.factories import People

pytestmark = pytest.mark.settings(private_registration=True)

JSON_DOORS: Final = ("/api/auth/register", "/api/v1/auth/register", "/api/v1/users/register", "/api/v1/users")
RECEIVED: Final = {"message": "Your request has been received. We send you a mail with the next steps."}


def _body(door: str, **values: str) -> dict[str, Any]:
    return applicant(**values) if door != "/api/v1/users" else {"name": "Somebody", **applicant(**values)}


def _said(answer: httpx.Response) -> tuple[Any, ...]:
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize("door", JSON_DOORS)
async def test_e2_new_and_taken_names_are_answered_alike(running: Application, people: People, door: str) -> None:
    admin, known = await people.admin(), await people.active()
    answers = [
        await running.client.post(door, json=_body(door)),
        await running.client.post(door, json=_body(door, username="other", email=known.email.upper())),
        await running.client.post(door, json=_body(door, username=known.username, email="third@example.org")),
        await running.client.post(door, json=_body(door, username=admin.username, email=admin.email)),
    ]
    envelope = {"success": True, "data": None} if "/v1/auth/" in door else {}
    assert (answers[0].status_code, answers[0].json()) == (202, {**RECEIVED, **envelope})
    assert all(_said(answer) == _said(answers[0]) for answer in answers)


async def test_e2_the_page_answers_alike_too(running: Application, people: People) -> None:
    known = await people.active()
    answers = []
    for values in ({}, {"email": known.email}, {"username": known.username, "email": "third@example.org"}):
        browser = running.browser()
        answer = await browser.post("/register", data=applicant(**values))
        answers.append((answer.status_code, answer.headers["location"], dict(browser.cookies)))
    assert answers == [(303, "/registered", {})] * 3


async def test_who_has_an_account_hears_that_somebody_signed_up_with_their_address(
    running: Application, people: People
) -> None:
    known = await people.active()
    before = await people.statuses()
    await running.client.post(JSON_DOORS[0], json=applicant(email=known.email))
    assert [mail.to for mail in await running.mails(MailPurpose.ALREADY_REGISTERED)] == [known.email]
    assert await people.statuses() == before
    assert [event.target_id for event in await people.audit(Action.REGISTERED_AGAIN)] == [known.id]


async def test_a_taken_username_gives_way_to_a_free_one(running: Application, people: People) -> None:
    admin, known = await people.admin(), await people.active()
    await running.client.post(JSON_DOORS[0], json=applicant(username=known.username, email="third@example.org"))
    (waiting,) = (await admin.get("/api/auth/admin/pending-approvals")).json()["pending_users"]
    assert waiting["email"] == "third@example.org"
    assert waiting["username"].startswith("third")


async def test_the_first_account_is_told_what_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.post(JSON_DOORS[0], json=applicant())
    assert (answer.status_code, answer.json()["is_superuser"]) == (201, True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [({"password": "short"}, (400, "REGISTER_INVALID_PASSWORD")), ({"email": "no address"}, (422, "VALIDATION_ERROR"))],
)
async def test_what_is_wrong_with_a_form_is_said_whoever_is_known(
    running: Application, people: People, values: dict[str, str], expected: tuple[int, str]
) -> None:
    known = await people.active()
    for email in (known.email, "new@example.org"):
        answer = await running.client.post(JSON_DOORS[0], json=applicant(**{"email": email, **values}))
        assert code(answer) == expected


@pytest.mark.settings(max_pending=1)
async def test_a_full_hall_is_full_for_everybody(running: Application, people: People) -> None:
    known = await people.active()
    await running.client.post(JSON_DOORS[0], json=applicant())
    for email in (known.email, "new@example.org"):
        answer = await running.client.post(JSON_DOORS[0], json=applicant(username="another", email=email))
        assert code(answer) == (503, "REGISTRATION_FULL")


@pytest.mark.settings(registration="open")
async def test_in_open_mode_nobody_is_told_either_and_can_sign_in_at_once(running: Application, people: People) -> None:
    await people.admin()
    answer = await running.client.post(JSON_DOORS[0], json=applicant())
    assert answer.status_code == 202
    assert Status.ACTIVE in (await people.statuses()).values()


@pytest.mark.settings(send_verification_emails=True)
@pytest.mark.parametrize("registration", ["approval", "open"])
async def test_signing_in_afterwards_does_not_tell_either(
    running: Application, people: People, registration: str
) -> None:
    known = await people.active()
    running.context.policy = POLICIES[RegistrationMode(registration)]()
    for email in (known.email, "new@example.org"):
        await running.client.post(
            JSON_DOORS[0], json=applicant(username="wanted", email=email, password="mine, all mine")
        )
        answer = await running.client.post("/api/auth/login", json=credentials(email, "mine, all mine"))
        assert code(answer) == (401, "AUTH_INVALID_CREDENTIALS")
    proof = token_in((await running.mails(MailPurpose.VERIFY_EMAIL))[-1])
    await running.client.post("/api/auth/verify", json={"token": proof})
    answer = await running.client.post("/api/auth/login", json=credentials("new@example.org", "mine, all mine"))
    assert answer.status_code == {"approval": 403, "open": 200}[registration]


async def test_who_was_let_in_by_somebody_comes_in_without_a_proof(running: Application, people: People) -> None:
    admin = await people.admin()
    await running.client.post(JSON_DOORS[0], json=applicant())
    (waiting,) = (await admin.get("/api/auth/admin/pending-approvals")).json()["pending_users"]
    await admin.post(f"/api/auth/admin/users/{waiting['id']}/approve", {"approved": True})
    answer = await running.client.post("/api/auth/login", json=credentials("hannah"))
    assert answer.status_code == 200


async def test_there_are_no_public_profiles(client: httpx.AsyncClient, people: People) -> None:
    known = await people.active()
    answers = [await client.get(f"/api/v1/users/{name}") for name in (known.username, "nobody")]
    assert answers[0].status_code == answers[1].status_code != 200
