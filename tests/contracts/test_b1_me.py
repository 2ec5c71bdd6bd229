"""`/api/v1/users/me` and a forgotten password: what people see of themselves, change, and switch off."""

import asyncio
from typing import Any

import httpx
import pytest

from backend.models import MailPurpose, Status
from tests.application import PATIENCE, Application
from tests.contracts.answers import TIME, code, refusal, token_in
from tests.contracts.dialect_b import ME, NUMBERS, RIGHTS, USER, body_of, changes_in, ended, rows
from tests.contracts.dialect_c import browser_of, sign_in, state
from tests.factories import PASSWORD, People, Person

CHANGE = "/api/v1/users/me/change-password"
REQUEST = "/api/v1/users/reset-password/request"
CONFIRM = "/api/v1/users/reset-password/confirm"
SENT = {"message": "If the email exists, a password reset link has been sent"}
CHANGED = {"message": "Password changed successfully"}
NEW = "another horse entirely"
MAIL = "moved@example.org"


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody with a token."""
    return await people.active()


async def signs_in(client: httpx.AsyncClient, login: str, password: str = PASSWORD) -> int | str:
    """Whether somebody can sign in: 200, or the word by which they are refused."""
    body = {"login": login, "password": password}
    answer = await client.post("/api/v1/users/signin", json=body)
    return 200 if answer.status_code == 200 else code(answer)[1]


async def test_one_sees_oneself_with_ones_numbers(running: Application, person: Person) -> None:
    user = body_of(await person.get(ME))
    assert user.keys() >= USER | NUMBERS | {"display_name"}
    assert (user["id"], user["username"], user["email"]) == (str(person.id), person.username, person.email)
    assert (user["login_count"], user["session_count"], user["file_count"], user["storage_bytes"]) == (1, 1, 5, 10)
    assert TIME.fullmatch(user["last_login"])
    (running.data_dir / "users" / str(person.id) / "graphs" / "waves.json").write_text("[1, 2]")
    running.clock.move(minutes=5)
    await sign_in(running.client, person)
    async with asyncio.timeout(PATIENCE):  # a count is good for a moment
        while (later := body_of(await person.get(ME)))["file_count"] == 5:
            pass
    assert (later["login_count"], later["session_count"], later["file_count"], later["storage_bytes"]) == (2, 2, 6, 16)
    assert later["last_login"] > user["last_login"]


async def test_one_is_called_by_ones_full_name_if_one_has_one(person: Person) -> None:
    assert body_of(await person.get(ME))["display_name"] == person.username
    await person.patch(ME, {"name": "Hannah Arendt"})
    assert body_of(await person.get(ME))["display_name"] == "Hannah Arendt"


async def test_one_changes_what_one_sends_and_nothing_else(people: People, person: Person) -> None:
    before = body_of(await person.get(ME))
    sent = {"full_name": "Hannah Arendt", "institution": "New School", "profile_image_url": "https://example.org/h.png"}
    user = body_of(await person.patch(ME, {**sent, "username": "Hannah.A"}))
    differing = {name for name in user if user[name] != before[name]}
    assert differing - {"updated_at"} == {*sent, "name", "username"}
    assert {**user, **sent, "username": "Hannah.A"} == user
    assert body_of(await person.get(ME)).items() >= user.items()
    (event,) = await people.audit("profile_updated", about=person)
    assert changes_in(event)["username"] == (person.username, "Hannah.A")


async def test_an_empty_change_is_none(people: People, person: Person) -> None:
    before = await people.row(person)
    body_of(await person.patch(ME, {}))
    body_of(await person.patch(ME, {"username": person.username, "email": person.email, "role": "user"}))
    assert await people.row(person) == before
    assert await people.audit("profile_updated", about=person) == []


@pytest.mark.settings(send_verification_emails=True)
async def test_a_new_address_needs_the_current_password_and_a_new_proof(running: Application, person: Person) -> None:
    attempts: list[dict[str, Any]] = [{}, {"current_password": None}, {"current_password": "a guess"}]
    answers = [await person.patch(ME, {"email": MAIL, **attempt}) for attempt in attempts]
    assert [code(answer) for answer in answers] == [(403, "PASSWORD_NEEDED")] * 3
    user = body_of(await person.patch(ME, {"email": MAIL, "current_password": PASSWORD}))
    assert (user["email"], user["is_verified"], user["email_verified"]) == (MAIL, False, False)
    mail = (await running.mails(MailPurpose.VERIFY_EMAIL))[-1]
    await running.client.post("/api/auth/verify", json={"token": token_in(mail)})
    assert (mail.to, body_of(await person.get(ME))["email_verified"]) == (MAIL, True)


async def test_names_of_others_are_refused_in_any_spelling(people: People, person: Person) -> None:
    other = await people.active()
    bodies = [{"email": other.email.upper(), "current_password": PASSWORD}, {"username": other.username.upper()}]
    assert [refusal(await person.patch(ME, body)) for body in bodies] == [
        (400, "AUTH_EMAIL_EXISTS", "User with this email already exists"),
        (400, "AUTH_USERNAME_EXISTS", "Username already taken"),
    ]


async def test_nobody_gives_themselves_a_role(people: People) -> None:
    admin, approver, person = await people.admin(), await people.approver(), await people.active()
    before = await rows(people)
    for who, own in ((admin, "admin"), (approver, "approver"), (person, "user")):
        for role in {"admin", "approver", "user"} - {own}:
            answer = await who.patch(ME, {"role": role, "full_name": "Hannah"})
            assert (answer.status_code, refusal(answer)[2]) == (403, "Cannot modify your own role")
        assert body_of(await who.patch(ME, {"role": own}))["role"] == own
    assert await rows(people) == before


async def test_nobody_gives_themselves_rights(people: People, person: Person) -> None:
    before = await rows(people)
    for right in (*RIGHTS, "status", "hashed_password", "id", "tier_id"):
        for value in (True, False, None, "active"):
            answer = await person.patch(ME, {right: value, "full_name": "Hannah"})
            assert code(answer) == (422, "VALIDATION_ERROR"), right
    disguised = {"isSuperuser": True, "is_superuser[]": True, "user": {"role": "admin"}, "Role": "admin"}
    body_of(await person.patch(ME, {**disguised, "hashedPassword": "x", "approved_at": "2026-01-01T00:00:00Z"}))
    assert await rows(people) == before


async def test_null_empties_what_may_be_empty_and_nothing_else(person: Person) -> None:
    await person.patch(ME, {"name": "Hannah", "institution": "x", "profile_image_url": "https://example.org/h.png"})
    for field in ("username", "email", "role"):
        assert code(await person.patch(ME, {field: None, "current_password": PASSWORD})) == (422, "VALIDATION_ERROR")
    user = body_of(await person.patch(ME, {"full_name": None, "institution": None, "profile_image_url": None}))
    assert (user["name"], user["institution"], user["profile_image_url"]) == (None, None, None)


@pytest.mark.parametrize("path", [ME, CHANGE])
async def test_nobody_has_nothing_here(client: httpx.AsyncClient, path: str) -> None:
    method = "POST" if path == CHANGE else "PATCH"
    assert code(await client.request(method, path, json={})) == (401, "NOT_AUTHENTICATED")
    assert code(await client.request("DELETE", ME, json={"confirm": True})) == (401, "NOT_AUTHENTICATED")
    assert code(await client.get(ME)) == (401, "NOT_AUTHENTICATED")


async def test_a_cookie_needs_the_csrf_token_to_change_anything(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    asked = [("PATCH", ME, {"name": "H"}), ("DELETE", ME, {"confirm": True}), ("POST", CHANGE, {})]
    assert body_of(await browser.get(ME))["username"] == person.username
    for method, path, body in asked:
        assert code(await browser.request(method, path, json=body)) == (403, "CSRF_FAILED")
    right = {"X-CSRF-Token": browser.cookies["csrf_token"]}
    assert body_of(await browser.patch(ME, json={"name": "H"}, headers=right))["name"] == "H"


async def test_a_new_password_ends_every_session_this_one_too(running: Application, person: Person) -> None:
    client, there = running.client, await sign_in(running.client, person)
    browser = await browser_of(running, person)
    body = {"current_password": PASSWORD, "new_password": NEW, "confirm_password": NEW}
    assert body_of(await person.post(CHANGE, body)) == CHANGED
    assert await state(client, str(person.token)) == await state(client, there["access_token"]) == "SESSION_REVOKED"
    assert code(await browser.get(ME)) == (401, "SESSION_REVOKED")
    assert await signs_in(client, person.email) == "AUTH_INVALID_CREDENTIALS"
    assert await signs_in(client, person.email, NEW) == 200


async def test_the_present_password_is_asked_for(people: People, person: Person) -> None:
    answer = await person.post(CHANGE, {"current_password": "a guess", "new_password": NEW})
    assert refusal(answer) == (400, "WRONG_CURRENT_PASSWORD", "Current password is incorrect")
    assert await ended(people, person) == []


@pytest.mark.settings(rate_limits=False)
async def test_a_new_password_follows_the_rule_and_is_written_twice_alike(person: Person) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW}
    twice = await person.post(CHANGE, {**body, "confirm_password": "another horse"})
    assert (code(twice), "horse" in twice.text) == ((422, "VALIDATION_ERROR"), False)
    weak = [await person.post(CHANGE, {**body, "new_password": word}) for word in ("short", "password123", "x" * 257)]
    assert [code(answer) for answer in weak] == [(422, "INVALID_PASSWORD")] * 3
    malformed: list[dict[str, Any]] = [{}, {**body, "new_password": None}, {"new_password": NEW}]
    answers = [await person.post(CHANGE, body) for body in malformed]
    assert [code(answer) for answer in answers] == [(422, "VALIDATION_ERROR")] * 3
    assert body_of(await person.post(CHANGE, body)) == CHANGED


async def test_a_forgotten_password_is_replaced_by_mail(running: Application, people: People) -> None:
    person = await people.active()
    assert body_of(await running.client.post(REQUEST, json={"email": person.email.upper()})) == SENT
    token = token_in((await running.mails())[-1])
    weak = await running.client.post(CONFIRM, json={"token": token, "new_password": "short"})
    assert code(weak) == (422, "INVALID_PASSWORD")
    answer = await running.client.post(CONFIRM, json={"token": token, "new_password": NEW})
    assert body_of(answer) == {"message": "Password reset successfully"}
    assert await state(running.client, str(person.token)) == "SESSION_REVOKED"
    assert await signs_in(running.client, person.username, NEW) == 200
    again = await running.client.post(CONFIRM, json={"token": token, "new_password": NEW})
    guess = await running.client.post(CONFIRM, json={"token": "guess", "new_password": NEW})
    assert [code(again), code(guess)] == [(400, "RESET_PASSWORD_BAD_TOKEN")] * 2


@pytest.mark.settings(rate_limits=False)
async def test_whose_address_it_is_stays_untold(running: Application, people: People) -> None:
    await people.admin()
    emails = [(await people.in_status(status)).email for status in Status if status is not Status.ACTIVE]
    for email in (*emails, "nobody@example.org", "no address", "ﷺ" * 500):
        assert body_of(await running.client.post(REQUEST, json={"email": email})) == SENT
    resets = [mail for mail in await running.mails() if "#token=" in mail.body and mail.to in emails]
    assert resets == []


async def test_one_address_gets_three_reset_mails_an_hour(client: httpx.AsyncClient, person: Person) -> None:
    answers = [await client.post(REQUEST, json={"email": person.email}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert code(answers[-1]) == (429, "RATE_LIMITED")


async def test_one_switches_ones_account_off(running: Application, people: People, person: Person) -> None:
    there = await sign_in(running.client, person)
    assert body_of(await person.delete(ME, {"confirm": True})) == {"message": "Account deactivated successfully"}
    row = await people.row(person)
    assert (row.status, row.deleted_at, row.username) == (Status.DEACTIVATED, None, person.username)
    assert await state(running.client, str(person.token)) == "SESSION_REVOKED"
    assert await state(running.client, there["access_token"]) == "SESSION_REVOKED"
    assert await signs_in(running.client, person.email) == "ACCOUNT_DEACTIVATED"
    (event,) = await people.audit("account_deactivated", about=person)
    assert (event.actor_id, event.details) == (person.id, {"was": "active", "became": "deactivated"})
    assert (running.data_dir / "users" / str(person.id)).is_dir()


async def test_nobody_switches_an_account_off_by_mistake(people: People, person: Person) -> None:
    bodies: list[Any] = [None, {}, {"confirm": False}, {"confirmed": True}]
    answers = [await person.delete(ME), *[await person.delete(ME, body) for body in bodies]]
    expected = (400, "NOT_CONFIRMED", "Account deactivation requires confirmation")
    assert [refusal(answer) for answer in answers] == [expected] * 5
    nearly = [await person.delete(ME, {"confirm": value}) for value in ("true", 1, None, "yes", [True])]
    assert {answer.status_code for answer in nearly} <= {400, 422}
    assert (await people.row(person)).is_active


async def test_the_only_administrator_stays(people: People) -> None:
    admin = await people.admin()
    answer = await admin.delete(ME, {"confirm": True})
    assert refusal(answer) == (400, "LAST_ADMIN", "Cannot deactivate the only admin account")
    other = await people.admin()
    assert body_of(await admin.delete(ME, {"confirm": True}))["message"] == "Account deactivated successfully"
    assert code(await other.delete(ME, {"confirm": True})) == (400, "LAST_ADMIN")


async def test_an_administrator_opens_the_account_again(running: Application, people: People, person: Person) -> None:
    admin = await people.admin()
    await person.delete(ME, {"confirm": True})
    assert body_of(await admin.patch(f"/api/v1/users/{person.id}", {"is_active": True}))["status"] == "active"
    assert await state(running.client, str(person.token)) == "SESSION_REVOKED"
    assert await signs_in(running.client, person.email) == 200
