"""`PATCH /api/v1/users/{username}`: one's own account by its name, and others' for administrators."""

from typing import Any

import httpx
import pytest

from backend.models import MailPurpose
from tests.application import Application
from tests.contracts.answers import code, refusal, token_in
from tests.contracts.dialect_b import ME, RIGHTS, UPDATED, USER, body_of, changes_in, named, of, rows
from tests.contracts.dialect_c import browser_of
from tests.factories import PASSWORD, People, Person

MAIL = "moved@example.org"
NOT_YOURS = (403, "NOT_YOURS", "Cannot update for another user")
SENT = {"name": "Hannah Arendt", "username": "Hannah.A", "profile_image_url": "https://example.org/h.png"}


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody with a token."""
    return await people.active()


async def test_one_changes_what_one_sends_and_nothing_else(people: People, person: Person) -> None:
    before = (await rows(people))[person.id]
    user = body_of(await person.patch(of(person.username.upper()), SENT))
    assert user.keys() >= USER | {"message"}
    assert (user["message"], user["name"], user["username"]) == (UPDATED, "Hannah Arendt", "Hannah.A")
    after = (await rows(people))[person.id]
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"full_name", "username", "profile_image_url", "updated_at"}
    assert user["profile_image_url"] == SENT["profile_image_url"]
    (event,) = await people.audit("profile_updated", about=person)
    assert changes_in(event)["full_name"] == (None, "Hannah Arendt")


async def test_the_new_name_is_ones_own_and_the_old_one_nobodys(client: httpx.AsyncClient, person: Person) -> None:
    body_of(await person.patch(named(person), {"username": "hannah"}))
    assert refusal(await person.patch(named(person), {"name": "H"})) == NOT_YOURS
    assert body_of(await person.patch(of("hannah"), {"name": "H"}))["name"] == "H"
    assert code(await client.get(named(person))) == (404, "USER_NOT_FOUND")


@pytest.mark.settings(send_verification_emails=True)
async def test_a_new_address_needs_the_current_password_and_a_new_proof(running: Application, person: Person) -> None:
    attempts: list[dict[str, Any]] = [{}, {"current_password": None}, {"current_password": "a guess"}]
    answers = [await person.patch(named(person), {"email": MAIL, **attempt}) for attempt in attempts]
    assert [code(answer) for answer in answers] == [(403, "PASSWORD_NEEDED")] * 3
    user = body_of(await person.patch(named(person), {"email": MAIL, "current_password": PASSWORD}))
    assert (user["email"], user["email_verified"]) == (MAIL, False)
    mail = (await running.mails(MailPurpose.VERIFY_EMAIL))[-1]
    await running.client.post("/api/auth/verify", json={"token": token_in(mail)})
    assert (mail.to, body_of(await person.get(ME))["email_verified"]) == (MAIL, True)


async def test_names_of_others_are_refused(people: People, person: Person) -> None:
    other, admin = await people.active(), await people.admin()
    bodies = [{"email": other.email.upper(), "current_password": PASSWORD}, {"username": other.username.upper()}]
    expected = [
        (409, "AUTH_EMAIL_EXISTS", "Email already registered"),
        (409, "AUTH_USERNAME_EXISTS", "Username already taken"),
    ]
    for who in (person, admin):
        assert [refusal(await who.patch(named(person), body)) for body in bodies] == expected


async def test_others_are_not_changed_and_not_told_of(people: People, person: Person) -> None:
    other, before = await people.active(), await rows(people)
    for who in (person, await people.approver()):
        for name in (other.username, "nobody", other.email, "no id"):
            assert refusal(await who.patch(of(name), {"name": "H"})) == NOT_YOURS
    assert (await rows(people)).items() >= before.items()


async def test_administrators_change_others_without_a_password(people: People, person: Person) -> None:
    admin = await people.admin()
    user = body_of(await admin.patch(named(person), {**SENT, "email": MAIL}))
    assert (user["username"], user["email"], user["email_verified"]) == ("Hannah.A", MAIL, False)
    (event,) = await people.audit("admin_user_update", about=person)
    assert (event.actor_id, changes_in(event)["email"]) == (admin.id, (person.email, MAIL))
    assert refusal(await admin.patch(named(person), {"name": "H"})) == (404, "USER_NOT_FOUND", "User not found")


async def test_administrators_prove_a_new_address_of_their_own(people: People) -> None:
    admin = await people.admin()
    assert code(await admin.patch(named(admin), {"email": MAIL})) == (403, "PASSWORD_NEEDED")
    assert body_of(await admin.patch(named(admin), {"email": MAIL, "current_password": PASSWORD}))["email"] == MAIL


async def test_the_default_role_may_be_named_and_changes_nothing(people: People, person: Person) -> None:
    approver, admin = await people.approver(), await people.admin()
    for who, whom in ((person, person), (approver, approver), (admin, approver), (admin, admin)):
        before = (await rows(people))[whom.id]
        user = body_of(await who.patch(named(whom), {"role": "user", "name": "Hannah"}))
        assert (user["role"], user["name"]) == (before["role"], "Hannah")
    for role in ("admin", "approver", "USER", None, True):
        assert code(await person.patch(named(person), {"role": role})) == (422, "VALIDATION_ERROR"), role


async def test_what_is_unknown_is_refused_and_changes_nothing(people: People, person: Person) -> None:
    admin, before = await people.admin(), await rows(people)
    fields = [
        *RIGHTS,
        "role",
        "status",
        "hashed_password",
        "id",
        "institution",
        "approval_note",
        "tier_id",
        "deleted_at",
    ]
    fields += ["isSuperuser", "is_superuser[]", "$set", "user", "access_expires_at", "google_id", "reason", "password"]
    for who in (person, admin):
        for field in fields:
            for value in (True, None, "admin"):
                answer = await who.patch(named(person), {field: value, "name": "H"})
                assert code(answer) == (422, "VALIDATION_ERROR"), field
    after = await rows(people)
    assert after[person.id] == before[person.id]


async def test_what_cannot_be_is_refused(people: People, person: Person) -> None:
    before = await people.row(person)
    bodies: list[dict[str, Any]] = [
        {"username": None},
        {"email": None},
        {"name": 7},
        {"name": "x" * 101},
        {"name": "a\x1b"},
    ]
    bodies += [{"username": name} for name in ("x", "me", "bulk", "ME", "del_x", "0" * 32, "a@b", "")]
    bodies += [{"email": "nobody", "current_password": PASSWORD}, {"name": "One", "full_name": "Another"}]
    bodies += [{"profile_image_url": url} for url in ("javascript:alert(1)", "data:,", "", f"https://{'x' * 1993}", 1)]
    for body in bodies:
        assert code(await person.patch(named(person), body)) == (422, "VALIDATION_ERROR"), body
    assert await people.row(person) == before


async def test_null_empties_a_picture_and_an_empty_change_is_none(people: People, person: Person) -> None:
    await person.patch(named(person), {"profile_image_url": "https://example.org/h.png"})
    assert body_of(await person.patch(named(person), {"profile_image_url": None}))["profile_image_url"] is None
    before = await people.row(person)
    body_of(await person.patch(named(person), {}))
    body_of(await person.patch(named(person), {"username": person.username, "email": person.email}))
    assert await people.row(person) == before


async def test_nobody_has_nothing_here_and_a_cookie_needs_its_proof(running: Application, person: Person) -> None:
    assert code(await running.client.patch(named(person), json={"name": "H"})) == (401, "NOT_AUTHENTICATED")
    browser = await browser_of(running, person)
    assert code(await browser.patch(named(person), json={"name": "H"})) == (403, "CSRF_FAILED")
    right = {"X-CSRF-Token": browser.cookies["csrf_token"]}
    assert body_of(await browser.patch(named(person), json={"name": "H"}, headers=right))["name"] == "H"
