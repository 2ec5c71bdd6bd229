"""`POST /api/auth/register`: what somebody who signs up is told."""

from uuid import UUID

import httpx
import pytest

from backend.models import MailPurpose
from tests.application import Application
from tests.contracts.answers import TIME, applicant, code, refusal
from tests.factories import People

REGISTER = "/api/auth/register"


async def test_registration_answers_with_the_user_object(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answer = await client.post(REGISTER, json=applicant(approval_note="For my thesis", institution="TU"))
    user = answer.json()
    assert answer.status_code == 201
    assert str(UUID(user["id"])) == user.pop("id")
    assert TIME.fullmatch(user.pop("created_at"))
    assert user == {
        "email": "hannah@example.org",
        "username": "hannah",
        "is_active": False,
        "is_superuser": False,
        "is_verified": False,
        "is_approved": False,
        "approval_note": "For my thesis",
        "institution": "TU",
        "approved_by": None,
        "approved_at": None,
    }


async def test_note_and_institution_may_be_missing_or_null(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    missing = await client.post(REGISTER, json=applicant())
    null = await client.post(
        REGISTER, json=applicant(username="otto", email="otto@example.org", approval_note=None, institution=None)
    )
    assert (missing.status_code, null.status_code) == (201, 201)
    assert (missing.json()["approval_note"], null.json()["institution"]) == (None, None)


async def test_a_new_account_waits(client: httpx.AsyncClient, people: People) -> None:
    person = await people.pending()
    answer = await client.post(
        "/api/auth/login", json={"username_or_email": person.username, "password": person.password}
    )
    assert code(answer) == (403, "ACCOUNT_PENDING")


@pytest.mark.parametrize("email", ["hannah@example.org", "HANNAH@Example.ORG"])
async def test_a_taken_email_is_refused(client: httpx.AsyncClient, people: People, email: str) -> None:
    await people.pending(username="hannah", email="hannah@example.org")
    answer = await client.post(REGISTER, json=applicant(username="other", email=email))
    assert refusal(answer) == (400, "REGISTER_USER_ALREADY_EXISTS", "Email already registered")


@pytest.mark.parametrize("username", ["hannah", "HANNAH", "\uff48annah"])
async def test_a_taken_username_is_refused(client: httpx.AsyncClient, people: People, username: str) -> None:
    await people.pending(username="hannah", email="hannah@example.org")
    answer = await client.post(REGISTER, json=applicant(username=username, email="other@example.org"))
    assert refusal(answer) == (400, "REGISTER_USER_ALREADY_EXISTS", "Username already taken")


async def test_names_of_a_deleted_account_are_free(client: httpx.AsyncClient, people: People) -> None:
    gone = await people.deleted()
    answer = await client.post(REGISTER, json=applicant(username=gone.username, email=gone.email))
    assert answer.status_code == 201
    assert answer.json()["id"] != str(gone.id)


@pytest.mark.parametrize("field", ["username", "email", "password"])
async def test_an_obligatory_field_can_be_neither_missing_nor_null(
    client: httpx.AsyncClient, people: People, field: str
) -> None:
    await people.admin()
    missing = await client.post(REGISTER, json={name: text for name, text in applicant().items() if name != field})
    null = await client.post(REGISTER, json=applicant(**{field: None}))
    assert code(missing) == code(null) == (422, "VALIDATION_ERROR")
    assert missing.json()["detail"][0]["loc"] == null.json()["detail"][0]["loc"] == ["body", field]


@pytest.mark.parametrize("registration", ["approval", "open"])
async def test_rights_in_the_body_are_ignored(
    client: httpx.AsyncClient, people: People, request: pytest.FixtureRequest, registration: str
) -> None:
    await people.admin()
    rights = {"is_superuser": True, "is_active": True, "is_verified": True, "is_approved": True, "role": "admin"}
    user = (await client.post(REGISTER, json=applicant(**rights))).json()
    assert not any(user[flag] for flag in ("is_superuser", "is_active", "is_verified", "is_approved"))


async def test_the_default_role_may_be_named(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answer = await client.post(REGISTER, json=applicant(role="user"))
    assert answer.status_code == 201


async def test_a_refused_registration_never_repeats_the_password(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answers = [
        await client.post(REGISTER, json=applicant(password="pony")),
        await client.post(REGISTER, json=applicant(password="tiger horse sun", username="!")),
        await client.post(REGISTER, json={"password": "tiger horse sun"}),
    ]
    assert [answer.status_code for answer in answers] == [400, 422, 422]
    assert not any(secret in answer.text for answer in answers for secret in ("pony", "tiger"))


@pytest.mark.settings(max_pending=1)
async def test_no_more_people_may_wait_than_the_installation_allows(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    await people.pending()
    answer = await client.post(REGISTER, json=applicant())
    assert code(answer) == (503, "REGISTRATION_FULL")
    assert len(list((running.data_dir / "users").iterdir())) == 2


@pytest.mark.settings(send_verification_emails=True)
async def test_the_address_is_asked_to_be_proven(running: Application, people: People) -> None:
    person = await people.pending()
    assert [mail.to for mail in await running.mails(MailPurpose.VERIFY_EMAIL)] == [person.email]


async def test_an_address_that_mail_programs_would_decode_is_none(client: httpx.AsyncClient) -> None:
    """RFC 2047's encoded words make a header of their own out of an address (CVE-2024-6923)."""
    answer = await client.post(REGISTER, json=applicant(email="=?utf-8?q?=0D=0ABcc=3A_y=40z.org?=@example.org"))
    assert answer.status_code == 422
    assert "=?" in refusal(answer)[2]
