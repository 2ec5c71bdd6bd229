"""`/api/v1/auth/users/me`: one's own account, seen and changed, and one's own password."""

from itertools import pairwise
from typing import Any

import httpx
import pytest

from backend.models import MailPurpose
from backend.services.rights import Act
from tests.application import Application
from tests.contracts.answers import TIME, code, refusal, token_in
from tests.contracts.dialect_c import ME, PASSWORD_OF_MINE, bearer, browser_of, data, refresh, sign_in, state
from tests.factories import PASSWORD, People, Person

SHOWN, CHANGED = "User profile retrieved successfully", "User profile updated successfully"
NEW = {"current_password": PASSWORD, "new_password": "another horse entirely"}
MAIL = "moved@example.org"
OWN = {
    "id", "email", "username", "full_name", "name", "institution", "approval_note", "profile_image_url", "role",
    "is_active", "is_superuser", "is_verified", "is_approved", "status", "created_at", "updated_at", "last_login",
}  # fmt: skip


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody with a token."""
    return await people.active()


async def proven(people: People, person: Person) -> None:
    """Take a person's address as proven."""
    async with people.work() as services:
        user = await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
        await services.users.update(user, {"is_verified": True})


async def test_one_sees_ones_own_account(person: Person) -> None:
    user = data(await person.get(ME), SHOWN)
    assert user.keys() >= OWN
    assert (user["id"], user["username"], user["email"]) == (str(person.id), person.username, person.email)
    assert (user["role"], user["status"], user["profile_image_url"]) == ("user", "active", None)
    assert TIME.fullmatch(user["created_at"])
    assert "hashed_password" not in user


async def test_nobody_has_no_account(client: httpx.AsyncClient) -> None:
    answers = [
        await client.get(ME),
        await client.put(ME, json={"name": "Nobody"}),
        await client.put(PASSWORD_OF_MINE, json=NEW),
    ]
    assert [refusal(answer) for answer in answers] == [(401, "NOT_AUTHENTICATED", "Not authenticated")] * 3


async def test_one_changes_what_one_sends_and_nothing_else(person: Person) -> None:
    sent = {"full_name": "Hannah Arendt", "institution": "New School"}
    picture = {"profile_image_url": "https://example.org/h.png"}
    before = data(await person.get(ME), SHOWN)
    user = data(await person.put(ME, {**sent, **picture}), CHANGED)
    assert {name for name in user if user[name] != before[name]} <= {*sent, *picture, "name", "updated_at"}
    assert {**user, **sent, **picture} == user
    assert data(await person.get(ME), SHOWN) == user
    assert data(await person.put(ME, {"institution": None}), CHANGED)["full_name"] == "Hannah Arendt"


async def test_the_full_name_is_also_called_name(person: Person) -> None:
    user = data(await person.put(ME, {"name": "Hannah Arendt"}), CHANGED)
    assert (user["full_name"], user["name"]) == ("Hannah Arendt", "Hannah Arendt")


async def test_what_may_be_empty_may_be_emptied(person: Person) -> None:
    await person.put(ME, {"name": "Hannah", "institution": "x", "profile_image_url": "https://example.org/h.png"})
    user = data(await person.put(ME, {"full_name": None, "institution": None, "profile_image_url": None}), CHANGED)
    assert (user["full_name"], user["institution"], user["profile_image_url"]) == (None, None, None)


async def test_an_empty_change_is_none(people: People, person: Person) -> None:
    before = await people.row(person)
    data(await person.put(ME, {}), CHANGED)
    data(await person.put(ME, {"username": person.username, "email": person.email, "role": "user"}), CHANGED)
    assert (await people.row(person)).updated_at == before.updated_at
    assert await people.audit("profile_updated", about=person) == []


@pytest.mark.parametrize("field", ["username", "email", "role"])
async def test_null_is_no_value_for_what_cannot_be_empty(person: Person, field: str) -> None:
    assert code(await person.put(ME, {field: None, "current_password": PASSWORD})) == (422, "VALIDATION_ERROR")


async def test_a_new_username_is_the_one_that_signs_in(client: httpx.AsyncClient, person: Person) -> None:
    former = person.username
    assert data(await person.put(ME, {"username": "Hannah.A"}), CHANGED)["username"] == "Hannah.A"
    person.username = "hannah.a"
    assert (await sign_in(client, person))["token_type"] == "bearer"
    answer = await client.post("/api/v1/auth/login", json={"username": former, "password": PASSWORD})
    assert code(answer) == (401, "AUTH_INVALID_CREDENTIALS")


async def test_a_change_is_seen_by_the_next_request(person: Person) -> None:
    await person.get("/api/v1/auth/verify")
    await person.put(ME, {"username": "hannah", "email": MAIL, "current_password": PASSWORD})
    headers = (await person.get("/api/v1/auth/verify")).headers
    assert (headers["x-user-name"], headers["x-user-email"]) == ("hannah", MAIL)


async def test_a_taken_username_is_refused_in_any_case(people: People, person: Person) -> None:
    other = await people.active()
    answers = [await person.put(ME, {"username": name}) for name in (other.username, other.username.upper())]
    assert [refusal(answer) for answer in answers] == [(409, "AUTH_USERNAME_EXISTS", "Username already taken")] * 2


async def test_ones_own_username_may_change_its_case(person: Person) -> None:
    assert data(await person.put(ME, {"username": person.username.upper()}), CHANGED)["username"].isupper()


async def test_a_username_has_to_follow_the_rule(person: Person) -> None:
    for name in ("x", "x" * 33, "a b", "a@b", "me", "signout-sessions", "del_1", "0" * 32, ""):
        assert code(await person.put(ME, {"username": name})) == (422, "VALIDATION_ERROR"), name


async def test_a_new_address_needs_the_current_password(people: People, person: Person) -> None:
    missing: list[dict[str, str | None]] = [{}, {"current_password": None}, {"current_password": ""}]
    answers = [await person.put(ME, {"email": MAIL, "name": "Hannah", **password}) for password in missing]
    assert [code(answer) for answer in answers] == [(403, "PASSWORD_NEEDED")] * 3
    row = await people.row(person)
    assert (row.email, row.full_name) == (person.email, None)


async def test_a_new_address_needs_the_right_password(people: People, person: Person) -> None:
    answer = await person.put(ME, {"email": MAIL, "current_password": "a guess"})
    assert code(answer)[0] == 403
    assert (await people.row(person)).email == person.email


async def test_the_password_cannot_be_guessed_here_either(client: httpx.AsyncClient, person: Person) -> None:
    guess = {"email": MAIL, "current_password": "a guess"}
    assert [(await person.put(ME, guess)).status_code for _ in range(6)] == [403] * 5 + [429]
    answer = await client.post("/api/v1/auth/login", json={"username": person.username, "password": PASSWORD})
    assert code(answer) == (429, "RATE_LIMITED")


async def test_a_new_address_has_to_be_proven_anew(people: People, person: Person) -> None:
    await proven(people, person)
    user = data(await person.put(ME, {"email": MAIL, "current_password": PASSWORD}), CHANGED)
    assert (user["email"], user["is_verified"]) == (MAIL, False)


@pytest.mark.settings(send_verification_emails=True)
async def test_the_proof_of_a_new_address_is_sent_there(running: Application, person: Person) -> None:
    await person.put(ME, {"email": MAIL, "current_password": PASSWORD})
    mail = (await running.mails(MailPurpose.VERIFY_EMAIL))[-1]
    answer = await running.client.post("/api/auth/verify", json={"token": token_in(mail)})
    assert (mail.to, answer.status_code) == (MAIL, 200)
    assert data(await person.get(ME), SHOWN)["is_verified"] is True


async def test_ones_present_address_needs_no_password(people: People, person: Person) -> None:
    await proven(people, person)
    user = data(await person.put(ME, {"email": person.email, "name": "Hannah"}), CHANGED)
    assert (user["email"], user["is_verified"], user["name"]) == (person.email, True, "Hannah")


async def test_a_taken_address_is_refused_in_any_case(people: People, person: Person) -> None:
    other = await people.active()
    bodies = [{"email": email, "current_password": PASSWORD} for email in (other.email, other.email.upper())]
    answers = [await person.put(ME, body) for body in bodies]
    assert [refusal(answer) for answer in answers] == [(409, "AUTH_EMAIL_EXISTS", "Email already registered")] * 2


async def test_an_address_has_to_be_one(person: Person) -> None:
    answer = await person.put(ME, {"email": "nobody", "current_password": PASSWORD})
    assert code(answer) == (422, "VALIDATION_ERROR")


async def test_ones_own_role_is_no_change(people: People) -> None:
    admin = await people.admin()
    approver, person = await people.approver(), await people.active()
    for who, role in ((admin, "admin"), (approver, "approver"), (person, "user")):
        assert data(await who.put(ME, {"role": role}), CHANGED)["role"] == role


@pytest.mark.parametrize("role", ["approver", "admin"])
async def test_nobody_gives_themselves_a_role(people: People, person: Person, role: str) -> None:
    answer = await person.put(ME, {"role": role, "full_name": "Hannah"})
    assert (answer.status_code, refusal(answer)[2]) == (403, "Cannot modify your own role")
    row = await people.row(person)
    assert (row.role, row.full_name) == ("user", None)


@pytest.mark.parametrize("right", ["is_superuser", "is_active", "is_verified", "is_approved"])
async def test_nobody_gives_themselves_rights(people: People, person: Person, right: str) -> None:
    answers = [await person.put(ME, {right: value, "full_name": "Hannah"}) for value in (True, False, None)]
    assert [code(answer) for answer in answers] == [(422, "VALIDATION_ERROR")] * 3
    row = await people.row(person)
    assert (row.is_superuser, row.is_active, row.is_verified, row.full_name) == (False, True, False, None)


async def test_a_picture_has_an_address_of_the_web(person: Person) -> None:
    longest = f"https://{'x' * 1992}"
    for url in ("https://example.org/a.png", "http://127.0.0.1/a", "ftp://example.org/a?b=c#d", longest):
        assert data(await person.put(ME, {"profile_image_url": url}), CHANGED)["profile_image_url"] == url


async def test_other_addresses_are_no_pictures(person: Person) -> None:
    schemes = ["javascript:alert(1)", "data:image/png;base64,AAAA", "example.org/a.png", "//example.org/a.png"]
    hosts = ["https://", "https:///a", "https://ab c", "https://example.org/\n", f"https://{'x' * 1993}", "", 1]
    for url in (*schemes, *hosts):
        assert code(await person.put(ME, {"profile_image_url": url})) == (422, "VALIDATION_ERROR"), url


@pytest.mark.parametrize(("field", "most"), [("full_name", 100), ("name", 100), ("institution", 200)])
async def test_texts_have_an_end_and_no_controls(person: Person, field: str, most: int) -> None:
    assert data(await person.put(ME, {field: "ä" * most}), CHANGED)[field] == "ä" * most
    answers = [await person.put(ME, {field: text}) for text in ("ä" * (most + 1), "a\x00b", "a\nb", "a\x1bb", 5)]
    assert [code(answer) for answer in answers] == [(422, "VALIDATION_ERROR")] * 5


async def test_the_change_is_on_record(people: People, person: Person) -> None:
    await person.put(ME, {"name": "Hannah", "username": "hannah"})
    (event,) = await people.audit("profile_updated", about=person)
    changes = {change["field"]: (change["old"], change["new"]) for change in event.details["changes"]}
    assert event.actor_id == person.id
    assert changes == {"full_name": (None, "Hannah"), "username": (person.username, "hannah")}


async def test_the_new_password_is_the_one_that_works(client: httpx.AsyncClient, person: Person) -> None:
    answer = await person.put(PASSWORD_OF_MINE, NEW)
    assert data(answer, "Password updated successfully") == "Password changed successfully"
    old = await client.post("/api/v1/auth/login", json={"username": person.username, "password": PASSWORD})
    person.password = NEW["new_password"]
    assert code(old) == (401, "AUTH_INVALID_CREDENTIALS")
    assert (await sign_in(client, person))["token_type"] == "bearer"


async def test_the_present_password_is_asked_for(client: httpx.AsyncClient, person: Person) -> None:
    answer = await person.put(PASSWORD_OF_MINE, {**NEW, "current_password": "a guess"})
    assert (answer.status_code, refusal(answer)[2]) == (400, "Current password is incorrect")
    assert (await sign_in(client, person))["token_type"] == "bearer"


async def test_the_new_password_may_be_written_twice(client: httpx.AsyncClient, person: Person) -> None:
    wrong = await person.put(PASSWORD_OF_MINE, {**NEW, "confirm_password": "another horse"})
    right = await person.put(PASSWORD_OF_MINE, {**NEW, "confirm_password": NEW["new_password"]})
    assert code(wrong) == (422, "VALIDATION_ERROR")
    assert "horse" not in wrong.text
    assert right.status_code == 200


async def test_a_weak_password_is_refused_with_the_reason(person: Person) -> None:
    weak = ["short", "password123", f"it is {person.username}"]
    answers = [await person.put(PASSWORD_OF_MINE, {**NEW, "new_password": word}) for word in weak]
    assert [code(answer) for answer in answers] == [(422, "INVALID_PASSWORD")] * 3
    assert all(refusal(answer)[2] for answer in answers)


async def test_what_lacks_a_password_is_malformed(person: Person) -> None:
    bodies: list[dict[str, Any]] = [{}, {**NEW, "new_password": None}, {**NEW, "current_password": None}]
    answers = [await person.put(PASSWORD_OF_MINE, body) for body in bodies]
    assert [code(answer) for answer in answers] == [(422, "VALIDATION_ERROR")] * 3


async def test_a_new_password_ends_the_other_sessions_and_not_this_one(running: Application, person: Person) -> None:
    client, here = running.client, await sign_in(running.client, person)
    browser, there = await browser_of(running, person), await sign_in(running.client, person)
    opaque = await client.post("/api/v1/users/signin", json={"login": person.email, "password": PASSWORD})
    await client.put(PASSWORD_OF_MINE, json=NEW, headers=bearer(here["access_token"]))
    answers = [
        await client.get(ME, headers=bearer(there["access_token"])),
        await browser.get(ME),
        await client.post("/api/v1/users/info", json={"session": opaque.json()["session"]}),
    ]
    assert [code(answer) for answer in answers] == [(401, "SESSION_REVOKED")] * 3
    assert await state(client, here["access_token"]) == "alive"
    assert (await refresh(client, here["refresh_token"]))["token_type"] == "bearer"


async def test_a_cookie_needs_the_csrf_token_to_change_anything(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    right = {"X-CSRF-Token": browser.cookies["csrf_token"]}
    without = [await browser.put(ME, json={"name": "Hannah"}), await browser.put(PASSWORD_OF_MINE, json=NEW)]
    withal = [
        await browser.put(ME, json={"name": "Hannah"}, headers=right),
        await browser.put(PASSWORD_OF_MINE, json=NEW, headers=right),
    ]
    assert [code(answer) for answer in without] == [(403, "CSRF_FAILED")] * 2
    assert [answer.status_code for answer in withal] == [200] * 2
    assert (await browser.get(ME)).status_code == 200


async def test_passwords_cannot_be_changed_all_the_time(person: Person) -> None:
    words = [PASSWORD, "first new passphrase", "second new passphrase", "third new passphrase", "fourth new passphrase"]
    pairs = pairwise(words)
    answers = [await person.put(PASSWORD_OF_MINE, {"current_password": a, "new_password": b}) for a, b in pairs]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
