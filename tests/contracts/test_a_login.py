"""`POST /api/auth/login` and `/jwt/login`: who is let in, and what the others are told."""

from typing import Any

import bcrypt
import httpx
import pytest

from backend.models import Status
from backend.services.rights import Act
from tests.contracts.answers import code, credentials, refusal
from tests.factories import PASSWORD, People

LOGIN, FORM = "/api/auth/login", "/api/auth/jwt/login"
REFUSED = {
    Status.PENDING: (403, "ACCOUNT_PENDING", "Account pending approval. Please wait for admin approval."),
    Status.REJECTED: (403, "ACCOUNT_REJECTED", "Your request for an account was not approved."),
    Status.SUSPENDED: (400, "ACCOUNT_INACTIVE", "Inactive user"),
    Status.EXPIRED: (400, "ACCOUNT_INACTIVE", "Inactive user"),
    Status.DEACTIVATED: (400, "ACCOUNT_INACTIVE", "Inactive user"),
    Status.DELETED: (401, "AUTH_INVALID_CREDENTIALS", "Invalid credentials"),
    Status.ANONYMIZED: (401, "AUTH_INVALID_CREDENTIALS", "Invalid credentials"),
}


async def test_login_answers_with_tokens_and_the_user(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answer = await client.post(LOGIN, json=credentials(person.username))
    body = answer.json()
    assert answer.status_code == 200
    assert body.pop("access_token").count(".") == 2
    assert len(body.pop("refresh_token")) >= 43
    flags = {"is_active": True, "is_superuser": False, "is_approved": True}
    user = {"id": str(person.id), "username": person.username, "email": person.email, **flags}
    assert body == {"token_type": "bearer", "expires_in": 3600, "user": user}


async def test_login_sets_no_cookie(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answers = [
        await client.post(LOGIN, json=credentials(person.username)),
        await client.post(FORM, data={"username": person.username, "password": PASSWORD}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert not any("set-cookie" in answer.headers for answer in answers)


@pytest.mark.settings(max_token_lifetime_hours=48, session_lifetime_hours=2)
async def test_a_token_never_outlives_its_session(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answer = await client.post(LOGIN, json=credentials(person.username))
    assert answer.json()["expires_in"] == 2 * 3600


async def test_the_login_name_is_the_username_or_the_email_in_any_case(
    client: httpx.AsyncClient, people: People
) -> None:
    person = await people.active()
    names = [person.username, person.username.upper(), person.email, person.email.upper()]
    answers = [await client.post(LOGIN, json=credentials(name)) for name in names]
    assert [answer.status_code for answer in answers] == [200] * 4


async def test_a_stranger_and_a_wrong_password_get_the_same_answer(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    wrong = await client.post(LOGIN, json=credentials(person.username, "not the password"))
    unknown = [await client.post(LOGIN, json=credentials(name)) for name in ("nobody", "nobody@example.org", "n\x00")]
    assert refusal(wrong) == (401, "AUTH_INVALID_CREDENTIALS", "Invalid credentials")
    assert [_without_moment(answer) for answer in unknown[:2]] == [_without_moment(wrong)] * 2
    assert unknown[2].status_code in {401, 422}


@pytest.mark.settings(rate_limits=False)
async def test_the_state_is_told_after_the_right_password_only(client: httpx.AsyncClient, people: People) -> None:
    for status, told in REFUSED.items():
        person = await people.in_status(status)
        right = await client.post(LOGIN, json=credentials(person.username))
        wrong = await client.post(LOGIN, json=credentials(person.username, "not the password"))
        assert refusal(right) == told, status
        assert refusal(wrong) == (401, "AUTH_INVALID_CREDENTIALS", "Invalid credentials"), status


@pytest.mark.settings(rate_limits=False)
async def test_the_form_login_refuses_every_state_alike(client: httpx.AsyncClient, people: People) -> None:
    names = ["nobody", *[(await people.in_status(status)).username for status in REFUSED]]
    forms = [{"username": name, "password": password} for name in names for password in (PASSWORD, "wrong")]
    answers = [await client.post(FORM, data=form) for form in forms]
    assert {code(answer) for answer in answers} == {(400, "LOGIN_BAD_CREDENTIALS")}
    assert all(_without_moment(answer) == _without_moment(answers[0]) for answer in answers)


async def test_a_rejected_person_may_read_why(client: httpx.AsyncClient, people: People) -> None:
    person = await people.rejected(reason="Only members of the institute")
    right = await client.post(LOGIN, json=credentials(person.username))
    wrong = await client.post(LOGIN, json=credentials(person.username, "not the password"))
    assert "Only members of the institute" in refusal(right)[2]
    assert "institute" not in wrong.text


async def test_the_form_login_answers_with_a_token(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    for name in (person.username, person.email):
        answer = await client.post(FORM, data={"username": name, "password": PASSWORD})
        assert answer.status_code == 200
        assert answer.json().keys() == {"access_token", "token_type"}
        assert answer.json()["token_type"] == "bearer"
        who = await client.get("/api/auth/whoami", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
        assert who.json()["username"] == person.username


async def test_the_form_login_tolerates_what_oauth_clients_send(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    oauth = {"grant_type": "password", "scope": "", "client_id": "string", "client_secret": "string"}
    answer = await client.post(FORM, data={"username": person.username, "password": PASSWORD, **oauth})
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [{}, {"username_or_email": "hannah"}, {"username_or_email": None, "password": None}])
async def test_a_login_without_both_fields_is_malformed(client: httpx.AsyncClient, body: dict[str, None]) -> None:
    assert code(await client.post(LOGIN, json=body)) == (422, "VALIDATION_ERROR")
    assert code(await client.post(FORM, data={"username": "hannah"})) == (422, "VALIDATION_ERROR")


@pytest.mark.settings(require_verified_email=True)
async def test_an_unproven_address_is_told_after_the_right_password_only(
    client: httpx.AsyncClient, people: People
) -> None:
    person = await people.pending()
    async with people.work() as services:
        await services.decisions.approve(person.id, by=None)
    right = await client.post(LOGIN, json=credentials(person.username))
    wrong = await client.post(LOGIN, json=credentials(person.username, "not the password"))
    form = await client.post(FORM, data={"username": person.username, "password": PASSWORD})
    assert code(right) == (403, "EMAIL_NOT_VERIFIED")
    assert code(wrong) == (401, "AUTH_INVALID_CREDENTIALS")
    assert code(form) == (400, "LOGIN_BAD_CREDENTIALS")


async def test_an_old_hash_is_made_anew(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    async with people.work() as services:
        user = await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
        await services.users.update(user, {"hashed_password": _bcrypt(PASSWORD)})
    assert (await client.post(LOGIN, json=credentials(person.username))).status_code == 200
    assert (await people.row(person)).hashed_password.startswith("$argon2id$")


def _bcrypt(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def _without_moment(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    moment = {"timestamp", "request_id"}
    return answer.status_code, {name: value for name, value in answer.json().items() if name not in moment}
