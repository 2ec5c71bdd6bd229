"""Tokens and cookies: what is taken for a person, and what a refused one is told."""

import httpx
import pytest

from backend import tokens
from backend.models import Status
from backend.services.rights import Act
from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.factories import PASSWORD, People, Person

WHOAMI, CHANGE = "/api/auth/whoami", "/api/auth/change-password"
NEW_PASSWORD = {"current_password": PASSWORD, "new_password": "another passphrase"}


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody with a token."""
    return await people.active()


@pytest.fixture
async def cookie(people: People, person: Person) -> dict[str, str]:
    """The same person's cookie."""
    return {"Cookie": f"session_id={(await people.at_a_page(person)).cookie}"}


async def test_whoami_tells_who_carries_the_token(person: Person) -> None:
    answer = await person.get(WHOAMI)
    assert answer.status_code == 200
    assert answer.json() == {
        "username": person.username,
        "id": str(person.id),
        "is_superuser": False,
        "is_active": True,
    }


async def test_without_a_credential_nobody_is_asking(client: httpx.AsyncClient) -> None:
    answers = [
        await client.get(WHOAMI),
        await client.post(CHANGE, json=NEW_PASSWORD),
        await client.post("/api/auth/jwt/logout"),
        await client.get("/api/auth/admin/users"),
    ]
    assert {refusal(answer) for answer in answers} == {(401, "NOT_AUTHENTICATED", "Not authenticated")}


async def test_the_word_bearer_has_no_case(client: httpx.AsyncClient, person: Person) -> None:
    assert (await client.get(WHOAMI, headers={"Authorization": f"bearer {person.token}"})).status_code == 200


async def test_the_cookie_is_a_credential(client: httpx.AsyncClient, cookie: dict[str, str]) -> None:
    assert (await client.get(WHOAMI, headers=cookie)).status_code == 200


@pytest.mark.parametrize("garbage", ["garbage", "", "a.b.c", "vst_garbage", "x" * 5000])
async def test_a_bearer_header_decides_alone(client: httpx.AsyncClient, cookie: dict[str, str], garbage: str) -> None:
    answer = await client.get(WHOAMI, headers={**cookie, "Authorization": f"Bearer {garbage}"})
    assert code(answer) == (401, "INVALID_TOKEN")


async def test_basic_counts_as_absent(client: httpx.AsyncClient, cookie: dict[str, str]) -> None:
    basic = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert code(await client.get(WHOAMI, headers=basic)) == (401, "NOT_AUTHENTICATED")
    assert (await client.get(WHOAMI, headers={**basic, **cookie})).status_code == 200
    assert code(await client.post(CHANGE, json=NEW_PASSWORD, headers={**basic, **cookie})) == (403, "CSRF_FAILED")


async def test_a_cookie_needs_the_csrf_token_of_its_own_session(
    client: httpx.AsyncClient, people: People, person: Person
) -> None:
    own, other = await people.at_a_page(person), await people.at_a_page(person)
    cookie = {"Cookie": f"session_id={own.cookie}"}
    tried = [cookie, {**cookie, "X-CSRF-Token": "guess"}, {**cookie, "X-CSRF-Token": other.csrf_token}]
    answers = [await client.post(CHANGE, json=NEW_PASSWORD, headers=headers) for headers in tried]
    right = await client.post(CHANGE, json=NEW_PASSWORD, headers={**cookie, "X-CSRF-Token": own.csrf_token})
    assert [code(answer) for answer in answers] == [(403, "CSRF_FAILED")] * 3
    assert right.status_code == 200


async def test_a_bearer_token_needs_no_csrf_token(person: Person) -> None:
    assert (await person.post(CHANGE, NEW_PASSWORD)).status_code == 200


async def test_the_prefixed_cookie_wins(client: httpx.AsyncClient, people: People, person: Person) -> None:
    grant = await people.at_a_page(person)
    planted = await client.get(WHOAMI, headers={"Cookie": f"session_id=planted; __Host-session_id={grant.cookie}"})
    wrong = await client.get(WHOAMI, headers={"Cookie": f"session_id={grant.cookie}; __Host-session_id=planted"})
    assert planted.status_code == 200
    assert code(wrong) == (401, "INVALID_TOKEN")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example.org"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=["origin", "null", "site"],
)
async def test_a_foreign_page_cannot_sign_anybody_in(
    client: httpx.AsyncClient, people: People, headers: dict[str, str]
) -> None:
    person = await people.active()
    body = {"username_or_email": person.username, "password": PASSWORD}
    answers = [
        await client.post("/api/auth/login", json=body, headers=headers),
        await client.post(
            "/api/auth/jwt/login", data={"username": person.username, "password": PASSWORD}, headers=headers
        ),
        await client.post("/api/auth/forgot-password", json={"email": person.email}, headers=headers),
    ]
    assert {code(answer) for answer in answers} == {(403, "CSRF_FAILED")}


@pytest.mark.settings(cors_origins=("https://app.example.org",))
@pytest.mark.parametrize("origin", ["https://app.example.org", "http://127.0.0.1:8000"])
async def test_a_known_page_may_sign_people_in(client: httpx.AsyncClient, people: People, origin: str) -> None:
    person = await people.active()
    body = {"username_or_email": person.username, "password": PASSWORD}
    assert (await client.post("/api/auth/login", json=body, headers={"Origin": origin})).status_code == 200


async def test_a_token_expires(running: Application, person: Person) -> None:
    for _ in range(3):
        running.clock.move(minutes=19)
        assert (await person.get(WHOAMI)).status_code == 200
    running.clock.move(minutes=4)
    assert code(await person.get(WHOAMI)) == (401, "TOKEN_EXPIRED")


async def test_a_changed_token_is_no_token(client: httpx.AsyncClient, person: Person, people: People) -> None:
    header, payload, signature = (person.token or "").split(".")
    admin = await people.admin()
    other = (admin.token or "").split(".")[1]
    forged = [
        f"{header}.{other}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.{payload}.AAAA",
    ]
    answers = [await client.get(WHOAMI, headers={"Authorization": f"Bearer {token}"}) for token in forged]
    assert {code(answer) for answer in answers} == {(401, "INVALID_TOKEN")}


async def test_a_token_for_another_purpose_is_no_access_token(running: Application, person: Person) -> None:
    signer, now = running.context.signer, running.clock.now()
    claims = signer.read(person.token or "", now)
    person.token = signer.sign(claims, tokens.APPLICANT)
    assert code(await person.get(WHOAMI)) == (401, "INVALID_TOKEN")


async def test_logout_ends_the_session_at_once(people: People, person: Person) -> None:
    other = (await people.signed_in(person)).token
    first = await people.signed_in(person)
    answer = await first.post("/api/auth/jwt/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert code(await first.get(WHOAMI)) == (401, "SESSION_REVOKED")
    assert code(await first.post("/api/auth/jwt/logout")) == (401, "SESSION_REVOKED")
    first.token = other
    assert (await first.get(WHOAMI)).status_code == 200


async def test_a_garbage_token_cannot_log_out(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/auth/jwt/logout", headers={"Authorization": "Bearer garbage"})
    assert code(answer) == (401, "INVALID_TOKEN")


async def test_a_live_session_of_an_account_that_is_not_active_is_refused(people: People, person: Person) -> None:
    async with people.work() as services:
        user = await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
        await services.users.update(user, {"status": Status.SUSPENDED})
    assert code(await person.get(WHOAMI)) == (401, "SESSION_REVOKED")


async def test_a_token_of_somebody_who_lost_the_account_is_refused(people: People) -> None:
    suspended, deleted = await people.suspended(), await people.deleted()
    assert code(await suspended.get(WHOAMI)) == (401, "SESSION_REVOKED")
    assert code(await deleted.get(WHOAMI)) == (401, "SESSION_REVOKED")
