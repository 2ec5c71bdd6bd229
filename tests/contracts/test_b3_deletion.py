"""Deleting an account, bringing it back, and erasing it for good: what is left, and what can be done with it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.models import Status, metadata
from tests.application import Application
from tests.contracts.answers import code, refusal, token_in
from tests.contracts.dialect_b import DEACTIVATED, ME, USERS, body_of, ended, named, newcomer, of
from tests.contracts.dialect_c import browser_of, data, sign_in, state
from tests.factories import PASSWORD, People, Person

NOT_YOURS = (403, "NOT_YOURS", "Cannot delete for another user")
ERASED = "/api/v1/users/db"
pytestmark = pytest.mark.settings(rate_limits=False)
SECRETS = ["hannah", "Arendt", "New School", "because I must", "h.png", "203.0.113", "App/1", "Telefon"]
"""What told who somebody was: names, notes, reasons, devices, addresses."""


@pytest.fixture
async def admin(people: People) -> Person:
    """Somebody who may delete others."""
    return await people.admin()


@pytest.fixture
async def hannah(running: Application, people: People, admin: Person) -> Person:
    """Somebody about whom much is known: an applicant with a note, let in with a reason, signed in with devices."""
    body = {**newcomer("hannah"), "approval_note": "because I must", "institution": "New School"}
    client = _at(running, "203.0.113.7")
    made = body_of(await client.post("/api/v1/users/register", json=body), 201)
    await admin.post(f"/api/auth/admin/users/{made['id']}/approve", {"approved": True, "reason": "Arendt herself"})
    person = Person(made["id"], "hannah", "hannah@example.org", PASSWORD, client)
    await client.post("/api/v1/auth/login", json={"username": "hannah", "password": "a guess"})
    person.token = (await sign_in(client, person, {"User-Agent": "App/1", "X-Device-Name": "Telefon"}))["access_token"]
    body_of(await person.patch(ME, {"profile_image_url": "https://example.org/h.png", "full_name": "Hannah A. Arendt"}))
    other = await people.active()
    for who, method in ((person, person.patch), (other, other.patch), (other, other.delete)):
        refused = await method(of("hannah"), {"email": "arendt@example.org"} if who is person else {})
        assert refused.status_code == 403
    return person


def _at(running: Application, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(running.app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers={"User-Agent": "App/1"})


def home(running: Application, person: Person) -> Path:
    return running.data_dir / "users" / str(person.id)


async def told_at_every_door(running: Application, login: str, password: str = PASSWORD) -> set[tuple[int, str]]:
    """What somebody hears who signs in, wherever they try it."""
    client = running.browser()
    answers = [
        await client.post("/api/auth/login", json={"username_or_email": login, "password": password}),
        await client.post("/api/v1/auth/login", json={"username_or_email": login, "password": password}),
        await client.post("/api/v1/auth/login", data={"username": login, "password": password}),
        await client.post("/api/v1/users/signin", json={"login": login, "password": password}),
    ]
    oauth = await client.post("/api/auth/jwt/login", data={"username": login, "password": password})
    assert code(oauth) == (400, "LOGIN_BAD_CREDENTIALS")
    return {code(answer) for answer in answers}


async def test_one_deletes_oneself_and_is_out_at_once(running: Application, people: People) -> None:
    await people.admin()
    person = await people.active()
    there, browser = await sign_in(running.client, person), await browser_of(running, person)
    assert body_of(await person.delete(of(person.username.upper()))) == {"message": DEACTIVATED}
    row = await people.row(person)
    assert (row.status, row.deleted_at, row.username, row.email) == (
        Status.DELETED, running.clock.now(), person.username, person.email,
    )  # fmt: skip
    assert {await state(running.client, token) for token in (str(person.token), there["access_token"])} == {
        "SESSION_REVOKED"
    }
    assert code(await browser.get(ME)) == (401, "SESSION_REVOKED")
    assert await ended(people, person) == ["status"] * 3
    assert code(await running.client.get(named(person))) == (404, "USER_NOT_FOUND")
    for login in (person.username, person.email):
        assert await told_at_every_door(running, login) == {(401, "AUTH_INVALID_CREDENTIALS")}


async def test_the_directory_waits_in_the_trash(running: Application, people: People) -> None:
    await people.admin()
    person = await people.active()
    (home(running, person) / "graphs" / "waves.json").write_text("[1, 2]")
    await person.delete(named(person))
    (kept,) = (running.data_dir / "trash").glob(f"*/{person.id}*/graphs/waves.json")
    assert (kept.read_text(), home(running, person).exists()) == ("[1, 2]", False)


async def test_a_deletion_is_on_record(people: People, admin: Person) -> None:
    for who, person in ((admin, await people.active()), (None, await people.active())):
        await (who or person).delete(named(person))
        (event,) = await people.audit("admin_user_deletion", about=person)
        assert event.actor_id == (who or person).id
        assert event.details.items() >= {"username": person.username, "email": person.email}.items()


async def test_the_names_of_the_deleted_stay_their_own(
    client: httpx.AsyncClient, people: People, admin: Person
) -> None:
    person = await people.active()
    await admin.delete(named(person))
    bodies = [newcomer("other", email=person.email.upper()), newcomer("other", username=person.username)]
    answers = [await client.post(USERS, json=body) for body in bodies]
    assert [code(answer) for answer in answers] == [(409, "AUTH_EMAIL_EXISTS"), (409, "AUTH_USERNAME_EXISTS")]


async def test_others_are_not_deleted_and_not_told_of(people: People, admin: Person) -> None:
    person, other = await people.active(), await people.active()
    for who in (person, await people.approver()):
        for name in (other.username, "nobody", admin.username, "no id"):
            assert refusal(await who.delete(of(name))) == NOT_YOURS
            assert code(await who.delete(f"{ERASED}/{name}")) == (403, "ADMIN_REQUIRED")
    assert code(await people.client.delete(named(other))) == (401, "NOT_AUTHENTICATED")
    assert code(await people.client.delete(f"{ERASED}/{other.username}")) == (401, "NOT_AUTHENTICATED")
    assert (await people.row(other)).is_active
    assert refusal(await admin.delete(of("nobody"))) == (404, "USER_NOT_FOUND", "User not found")


async def test_the_last_administrator_is_not_deleted(people: People, admin: Person) -> None:
    assert code(await admin.delete(named(admin))) == (400, "LAST_ADMIN")
    other = await people.admin()
    assert body_of(await admin.delete(named(admin))) == {"message": DEACTIVATED}
    assert code(await other.delete(named(other))) == (400, "LAST_ADMIN")


async def test_a_deleted_account_comes_back_with_everything(
    running: Application, people: People, admin: Person
) -> None:
    for was in (Status.ACTIVE, Status.PENDING, Status.SUSPENDED):
        person = await people.in_status(was)
        (home(running, person) / "graphs" / "waves.json").write_text("[1, 2]")
        await admin.delete(named(person))
        user = body_of(await admin.patch(of(person), {"status": was, "reason": "a mistake"}))
        assert (user["status"], user["deleted_at"], user["username"]) == (was, None, person.username)
        assert (home(running, person) / "graphs" / "waves.json").read_text() == "[1, 2]"
        (event,) = await people.audit("admin_user_restored", about=person)
        assert (event.actor_id, event.reason, event.details["became"]) == (admin.id, "a mistake", was)


async def test_whoever_comes_back_signs_in_anew(running: Application, people: People, admin: Person) -> None:
    person = await people.active()
    await admin.delete(named(person))
    await admin.patch(of(person), {"status": "active"})
    assert await state(running.client, str(person.token)) == "SESSION_REVOKED"
    assert body_of(await (await people.signed_in(person)).get(ME))["id"] == str(person.id)
    assert body_of(await running.client.get(named(person)))["id"] == str(person.id)


async def test_after_a_month_nobody_comes_back(running: Application, people: People, admin: Person) -> None:
    person = await people.active()
    await admin.delete(named(person))
    running.clock.move(days=30)
    admin = await people.signed_in(admin)
    body_of(await admin.patch(of(person), {"status": "active"}))
    await admin.delete(named(person))
    running.clock.move(days=30, seconds=1)
    admin = await people.signed_in(admin)
    assert code(await admin.patch(of(person), {"status": "active"})) == (400, "TOO_LATE")


async def test_a_deletion_by_dialect_a_frees_the_names_at_once(
    running: Application, people: People, admin: Person
) -> None:
    person = await people.active()
    await admin.delete(f"/api/auth/admin/users/{person.id}")
    made = body_of(await running.client.post(USERS, json=newcomer(person.username)), 201)
    assert (made["id"] != str(person.id), made["username"], made["email"]) == (True, person.username, person.email)
    taken = refusal(await admin.patch(of(person), {"status": "active"}))
    assert taken[:2] in {(400, "AUTH_EMAIL_EXISTS"), (400, "AUTH_USERNAME_EXISTS")}
    assert (await people.row(person)).status is Status.DELETED
    await admin.patch(of(made["id"]), {"email": "moved@example.org"})
    assert code(await admin.patch(of(person), {"status": "active"})) == (400, "AUTH_USERNAME_EXISTS")
    await admin.patch(of(made["id"]), {"username": "moved"})
    user = body_of(await admin.patch(of(person), {"status": "active"}))
    assert (user["username"], user["email"]) == (person.username, person.email)


async def test_whoever_takes_a_name_over_reaches_nothing_of_before(
    running: Application, people: People, admin: Person
) -> None:
    person = await people.active()
    (home(running, person) / "graphs" / "waves.json").write_text("[1, 2]")
    await admin.delete(f"/api/auth/admin/users/{person.id}")
    made = body_of(await running.client.post(USERS, json=newcomer(person.username, password="a new passphrase")), 201)
    await admin.patch(of(made["id"]), {"status": "active"})
    heir = Person(made["id"], person.username, person.email, "a new passphrase", running.client)
    assert await told_at_every_door(running, person.username) == {(401, "AUTH_INVALID_CREDENTIALS")}
    user = body_of(await (await people.signed_in(heir)).get(ME))
    assert (user["id"], user["login_count"], user["file_count"], user["session_count"]) == (made["id"], 1, 5, 1)
    assert await state(running.client, str(person.token)) == "SESSION_REVOKED"
    sessions = data(await heir.get("/api/v1/auth/sessions"), "Sessions retrieved successfully")
    assert len(sessions) == 1


async def _whole(people: People) -> dict[str, str]:
    """Everything the database holds, as text, table by table."""
    async with people.context.database.reading() as session:
        connection = await session.connection()
        return {table.name: str((await connection.execute(table.select())).all()) for table in metadata.sorted_tables}


@pytest.mark.settings(anonymize_keeps_email=False, send_verification_emails=True)
async def test_nothing_of_an_erased_person_is_left(
    running: Application, people: People, admin: Person, hannah: Person
) -> None:
    await running.client.post("/api/auth/forgot-password", json={"email": hannah.email})
    assert any(mail.to == hannah.email for mail in await running.mails())
    await admin.patch(of(hannah), {"status": "suspended", "reason": "Arendt again"})
    await admin.patch(of(hannah), {"status": "active"})
    before = await _whole(people)
    assert [secret for secret in SECRETS if not any(secret in table for table in before.values())] == []
    assert body_of(await admin.delete(f"{ERASED}/HANNAH"))["message"] == "User anonymized"
    after = await _whole(people)
    left = {(name, secret) for name, table in after.items() for secret in SECRETS if secret.lower() in table.lower()}
    assert left == set()
    ids = (str(hannah.id), str(hannah.id).replace("-", ""))
    holding = {name for name, table in after.items() if any(id_ in table for id_ in ids)}
    assert holding == {"users", "audit_events", "listings"}
    assert not list(running.data_dir.glob(f"**/{hannah.id}*"))


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(word, marks=pytest.mark.settings(anonymize_keeps_email=word == "kept"), id=word)
        for word in ("kept", "erased")
    ],
)
async def test_the_row_of_an_erased_person_tells_nothing(
    running: Application, people: People, admin: Person, hannah: Person, kept: str
) -> None:
    await admin.delete(f"{ERASED}/hannah")
    user = body_of(await admin.get(of(hannah)))
    assert (user["name"], user["status"], user["is_deleted"]) == ("[DELETED]", "anonymized", True)
    assert user["username"] == f"del_{str(hannah.id).replace('-', '')[-12:]}_1"
    assert (user["email"] == "hannah@example.org") is (kept == "kept")
    empty = ("institution", "approval_note", "profile_image_url", "decision_reason", "access_expires_at")
    assert [user[name] for name in empty] == [None] * 5
    assert (user["is_verified"], user["role"], user["session_count"], user["file_count"]) == (False, "user", 0, 0)
    assert (await people.audit("anonymized"))[0].actor_id == admin.id
    for login in ("hannah", "hannah@example.org", user["username"], user["email"]):
        assert await told_at_every_door(running, login) == {(401, "AUTH_INVALID_CREDENTIALS")}
        assert await told_at_every_door(running, login, "!") == {(401, "AUTH_INVALID_CREDENTIALS")}


async def test_an_erased_person_is_gone_from_everywhere(
    running: Application, people: People, admin: Person, hannah: Person
) -> None:
    browser = await browser_of(running, hannah)
    await admin.delete(f"{ERASED}/hannah")
    assert (await hannah.get(ME)).status_code == (await browser.get(ME)).status_code == 401
    assert code(await running.client.get(of("hannah"))) == (404, "USER_NOT_FOUND")
    for query in ("hannah", "arendt", "new school", "[DELETED]"):
        assert body_of(await admin.get(USERS, params={"query": query}))["data"] == []
    page = body_of(await admin.get(USERS, params={"status": "anonymized", "query": "deleted"}))
    assert [user["id"] for user in page["data"]] == [str(hannah.id)]
    assert body_of(await running.client.post(USERS, json=newcomer("hannah")), 201)["id"] != str(hannah.id)


async def test_there_is_no_way_back(people: People, admin: Person, hannah: Person) -> None:
    await admin.delete(f"{ERASED}/hannah")
    assert code(await admin.delete(f"{ERASED}/hannah")) == (404, "USER_NOT_FOUND")
    assert code(await admin.delete(f"{ERASED}/{hannah.id}")) == (409, "INVALID_TRANSITION")
    for body in ({"status": "active"}, {"is_active": True}, {"full_name": "Hannah"}):
        assert code(await admin.patch(of(hannah), body))[0] in {404, 409}
    assert code(await admin.delete(of(hannah))) == (404, "USER_NOT_FOUND")


async def test_anybody_but_an_administrator_is_erased(running: Application, people: People, admin: Person) -> None:
    for status in set(Status) - {Status.ANONYMIZED}:
        person = await people.in_status(status)
        body_of(await admin.delete(f"{ERASED}/{person.id if status is Status.DELETED else person.username}"))
        row = await people.row(person)
        erased = (Status.ANONYMIZED, None, "[DELETED]")
        assert (row.status, row.status_before_deletion, row.full_name) == erased, status
        assert row.deleted_at
        assert row.deleted_at - running.clock.now() == timedelta(), status
        assert not list(running.data_dir.glob(f"**/{person.id}*")), status


async def test_administrators_are_demoted_first(people: People, admin: Person) -> None:
    other = await people.admin()
    for name in (other.username, admin.username, str(other.id)):
        assert refusal(await admin.delete(f"{ERASED}/{name}")) == (400, "DEMOTE_FIRST", "Demote first")
    await admin.patch(of(other), {"role": "user"})
    assert body_of(await admin.delete(f"{ERASED}/{other.username}"))["message"] == "User anonymized"


async def test_a_reset_link_of_before_opens_nothing(running: Application, people: People, admin: Person) -> None:
    for path in (USERS, ERASED):
        person = await people.active()
        await running.client.post("/api/auth/forgot-password", json={"email": person.email})
        token = token_in((await running.mails())[-1])
        body_of(await admin.delete(f"{path}/{person.username}"))
        body: dict[str, Any] = {"token": token, "new_password": "another horse entirely"}
        answer = await running.client.post("/api/v1/users/reset-password/confirm", json=body)
        assert code(answer) == (400, "RESET_PASSWORD_BAD_TOKEN")
