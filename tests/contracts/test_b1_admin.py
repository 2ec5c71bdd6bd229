"""`/api/v1/users/{id}`: one account as administrators see it, change it, and take it through its life."""

from datetime import timedelta
from itertools import product
from typing import Any, Final
from uuid import uuid4

import pytest

from backend.models import Role, Status
from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.contracts.dialect_b import (
    DEACTIVATED,
    ME,
    NO_IDS,
    NUMBERS,
    STATS,
    UPDATED,
    USER,
    USERS,
    body_of,
    changes_in,
    ended,
    of,
    rows,
)
from tests.factories import PASSWORD, People, Person

P, R, A, S, E, X, D, Z = Status  # X: deactivated, Z: anonymized
ALSO: Final = {"name", "is_verified", "email_verified", "updated_at"}
WAYS: Final = {
    *product([P], [R, A, D]),
    *product([R], [P, A, D]),
    *product([A], [S, E, D]),
    *product([S, E, X], [A, D]),
    (D, A),  # everybody in these tests was active before
}
"""Where an administrator may take an account by `status`; who deactivates is oneself, anonymizing has its own door."""


@pytest.fixture
async def admin(people: People) -> Person:
    """Somebody who may administer."""
    return await people.admin()


async def test_an_account_is_shown_by_either_spelling_of_its_id(people: People, admin: Person) -> None:
    person = await people.active()
    user = body_of(await admin.get(of(person)))
    assert user.keys() >= USER | NUMBERS | {"display_name"}
    assert (user["id"], user["status"], user["login_count"], user["file_count"]) == (str(person.id), "active", 1, 5)
    for spelling in (person.id.hex, person.id.hex.upper(), str(person.id).upper()):
        assert body_of(await admin.get(of(spelling))) == user


async def test_a_deleted_account_is_shown_too(people: People, admin: Person) -> None:
    person = await people.deleted()
    user = body_of(await admin.get(of(person)))
    assert (user["status"], user["is_deleted"], user["username"]) == ("deleted", True, person.username)
    assert (user["session_count"], user["file_count"]) == (0, 0)


async def test_what_is_no_id_is_nobody(people: People, admin: Person) -> None:
    body = {"full_name": "Hannah"}
    for id_ in (*NO_IDS, str(uuid4()), uuid4().hex):
        for answer in (await admin.get(of(id_)), await admin.patch(of(id_), body), await admin.delete(of(id_))):
            told = answer.json()
            assert (answer.status_code, told["error_code"], told["detail"]) == (
                404,
                "USER_NOT_FOUND",
                "User not found",
            ), id_


async def test_a_line_break_is_no_part_of_an_id(people: People, admin: Person) -> None:
    person = await people.active()
    for end in ("%0a", "%0d", "%20", "%00", "%0a%0a"):
        assert (await admin.get(f"{of(person)}{end}")).status_code == 404, end


async def test_others_are_told_nothing(running: Application, people: People) -> None:
    other, body = await people.active(), {"full_name": "Hannah"}
    for person in (await people.active(), await people.approver()):
        for id_ in (other.id, uuid4()):
            answers = [await person.get(of(id_)), await person.patch(of(id_), body), await person.delete(of(id_))]
            assert {code(answer) for answer in answers} == {(403, "ADMIN_REQUIRED")}
        assert {code(await person.get(STATS)), code(await person.get(USERS))} == {(403, "ADMIN_REQUIRED")}
    answers = [await running.client.get(of(other)), await running.client.patch(of(other), json=body)]
    assert {code(answer) for answer in answers} == {(401, "NOT_AUTHENTICATED")}


async def test_administrators_change_what_they_send_and_nothing_else(people: People, admin: Person) -> None:
    person = await people.active()
    before = body_of(await admin.get(of(person)))
    sent = {"full_name": "Hannah Arendt", "institution": "New School", "profile_image_url": "https://example.org/h.png"}
    sent |= {"approval_note": "Known.\nWell.", "username": "Hannah.A", "email": "hannah@example.org"}
    user = body_of(await admin.patch(of(person), {**sent, "is_verified": True, "reason": "asked"}))
    assert user["message"] == UPDATED
    assert {name for name in USER if user[name] != before[name]} <= {*sent, *ALSO}
    assert {**user, **sent, "name": "Hannah Arendt", "is_verified": True} == user
    (event,) = await people.audit("admin_user_update", about=person)
    assert event.actor_id == admin.id
    assert changes_in(event)["username"] == (person.username, "Hannah.A")
    assert changes_in(event)["institution"] == (None, "New School")
    assert body_of(await person.get(ME))["username"] == "Hannah.A"


async def test_ones_own_address_changes_with_the_current_password_only(people: People, admin: Person) -> None:
    mail = "moved@example.org"
    lacking: list[dict[str, Any]] = [{}, {"current_password": None}, {"current_password": "a guess"}]
    answers = [await admin.patch(of(admin), {"email": mail, **more}) for more in lacking]
    assert [code(answer) for answer in answers] == [(403, "PASSWORD_NEEDED")] * 3
    user = body_of(await admin.patch(of(admin), {"email": mail, "current_password": PASSWORD}))
    assert (user["email"], user["is_verified"]) == (mail, False)
    (event,) = await people.audit("admin_user_update", about=admin)
    assert changes_in(event) == {"email": (admin.email, mail)}
    other = await people.active()
    body_of(await admin.patch(of(other), {"email": "other@example.org", "current_password": "a guess"}))


async def test_a_value_that_is_so_already_is_no_change(people: People, admin: Person) -> None:
    person = await people.active()
    before = await rows(people)
    row = await people.row(person)
    same = {"username": row.username, "email": row.email, "full_name": None, "role": "user", "status": "active"}
    for body in ({}, same, {"is_active": True, "is_superuser": False, "is_verified": False, "access_expires_at": None}):
        body_of(await admin.patch(of(person), body))
    assert await rows(people) == before
    assert await people.audit("admin_user_update", "admin_user_demotion", "role_changed") == []


async def test_names_of_others_are_refused_in_any_spelling(people: People, admin: Person) -> None:
    person, other = await people.active(), await people.active()
    bodies = [{"email": other.email.upper()}, {"username": other.username.upper()}]
    before = await rows(people)
    assert [refusal(await admin.patch(of(person), {"full_name": "H", **body})) for body in bodies] == [
        (400, "AUTH_EMAIL_EXISTS", "User with this email already exists"),
        (400, "AUTH_USERNAME_EXISTS", "Username already taken"),
    ]
    assert await rows(people) == before


async def test_a_new_address_is_unproven(people: People, admin: Person) -> None:
    person = await people.active()
    await admin.patch(of(person), {"is_verified": True})
    assert body_of(await admin.patch(of(person), {"email": person.email.upper()}))["is_verified"] is True
    assert body_of(await admin.patch(of(person), {"email": "moved@example.org"}))["is_verified"] is False


async def test_what_no_body_may_set_is_refused_or_ignored(people: People, admin: Person) -> None:
    person = await people.active()
    before = await rows(people)
    for name, value in product(("hashed_password", "id", "is_approved"), ("x", None, True)):
        assert code(await admin.patch(of(person), {name: value, "full_name": "H"})) == (422, "VALIDATION_ERROR"), name
    others = {
        "isSuperuser": True,
        "is_superuser[]": True,
        "user": {"role": "admin"},
        "token_epoch": 9,
        "deleted_at": None,
    }
    others |= {"created_at": "2001-01-01T00:00:00Z", "approved_by": str(person.id), "login_count": 5, "seen_at": None}
    body_of(await admin.patch(of(person), others))
    assert await rows(people) == before


async def test_what_cannot_be_is_refused_and_changes_nothing(people: People, admin: Person) -> None:
    person = await people.active()
    before = await rows(people)
    needed = ("username", "email", "role", "status", "is_active", "is_superuser", "is_verified")
    bodies: list[dict[str, Any]] = [{name: None} for name in needed]
    bodies += [{"role": "root"}, {"status": "gone"}, {"status": "ACTIVE"}, {"is_active": "yes"}, {"is_superuser": 1}]
    bodies += [{"status": "active", "is_active": True}, {"role": "admin", "is_superuser": True}, {"email": "nobody"}]
    bodies += [{"username": name} for name in ("x", "me", "del_x", "0" * 32, "a@b")]
    bodies += [
        {"full_name": "x" * 101},
        {"institution": "x" * 201},
        {"approval_note": "x" * 2001},
        {"reason": "x" * 1001},
    ]
    bodies += [{"profile_image_url": "javascript:alert(1)"}, {"full_name": "a\x1b"}, {"access_expires_at": "soon"}]
    bodies += [
        {"access_expires_at": edge} for edge in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1e300)
    ]
    told = {str(body)[:60]: code(await admin.patch(of(person), body)) for body in bodies}
    assert {body: found for body, found in told.items() if found != (422, "VALIDATION_ERROR")} == {}
    assert await rows(people) == before


async def test_rights_are_given_and_taken(people: People, admin: Person) -> None:
    person = await people.active()
    steps: list[tuple[dict[str, Any], str, str]] = [
        ({"role": "approver"}, "approver", "role_changed"),
        ({"role": "admin", "reason": "needed"}, "admin", "admin_user_promotion"),
        ({"is_superuser": False}, "user", "admin_user_demotion"),
        ({"is_superuser": True}, "admin", "admin_user_promotion"),
        ({"role": "approver"}, "approver", "admin_user_demotion"),
    ]
    for body, role, action in steps:
        user = body_of(await admin.patch(of(person), body))
        assert (user["role"], user["is_superuser"]) == (role, role == "admin")
        event = (await people.audit(action, about=person))[-1]
        assert (event.actor_id, event.reason, event.details["became"]) == (admin.id, body.get("reason"), role)
        assert (await person.get(USERS)).status_code == (200 if role == "admin" else 403)


async def test_nobody_takes_their_own_rights(people: People, admin: Person) -> None:
    await people.admin()
    expected = (400, "NOT_ONESELF", "Cannot demote yourself from admin role")
    for body in ({"role": "user"}, {"role": "approver"}, {"is_superuser": False}):
        assert refusal(await admin.patch(of(admin), body)) == expected
    user = body_of(await admin.patch(of(admin), {"role": "admin", "full_name": "Hannah", "is_active": True}))
    assert (user["role"], user["full_name"]) == ("admin", "Hannah")


async def test_nobody_shuts_themselves_out(people: People, admin: Person) -> None:
    await people.admin()
    for body in ({"is_active": False}, *({"status": status} for status in ("suspended", "expired", "deleted"))):
        assert code(await admin.patch(of(admin), body)) == (400, "NOT_ONESELF"), body
    assert code(await admin.patch(of(admin), {"status": "deactivated"})) == (409, "INVALID_TRANSITION")
    assert (await people.row(admin)).is_active


async def test_the_last_administrator_stays(people: People, admin: Person) -> None:
    other = await people.admin()
    for body in ({"role": "user"}, {"status": "suspended"}, {"is_active": False}, {"status": "deleted"}):
        body_of(await admin.patch(of(other), body))
        assert code(await admin.delete(of(admin))) == (400, "LAST_ADMIN"), body
        assert code(await admin.delete(ME, {"confirm": True})) == (400, "LAST_ADMIN"), body
        body_of(await admin.patch(of(other), {"status": "active"}))
        body_of(await admin.patch(of(other), {"role": "admin"}))
    assert body_of(await admin.delete(of(admin))) == {"message": DEACTIVATED}


async def test_only_the_active_are_promoted(people: People, admin: Person) -> None:
    for status in (P, R, S, E, X):
        person = await people.in_status(status)
        for body in ({"role": "admin"}, {"role": "approver"}, {"is_superuser": True}):
            assert code(await admin.patch(of(person), body)) == (400, "NOT_ACTIVE"), status
    pending = await people.pending()
    assert body_of(await admin.patch(of(pending), {"status": "active", "role": "admin"}))["role"] == "admin"


async def test_every_status_is_led_to_every_other_or_refused(people: People, admin: Person) -> None:
    went = set()
    for was, to in product(Status, Status):
        person = await people.in_status(was, signed_in=False)
        answer = await admin.patch(of(person), {"status": to, "reason": "so it is"})
        if answer.status_code == 200:
            went.add((was, to))
            assert (await people.row(person)).status is to
        else:
            assert code(answer) == (409, "INVALID_TRANSITION"), (was, to)
    assert went == WAYS | {(status, status) for status in Status}


async def test_a_switch_is_one_of_the_ways(people: People, admin: Person) -> None:
    for status in Status:
        person = await people.in_status(status, signed_in=False)
        answers = {on: await admin.patch(of(person), {"is_active": on}) for on in (True, False)}
        told = {on: answer.json().get("error_code") or answer.json()["status"] for on, answer in answers.items()}
        expected = {
            A: {True: "active", False: "suspended"},
            P: {True: "NOT_APPROVED", False: "pending"},
            R: {True: "NOT_APPROVED", False: "rejected"},
            **{one: {True: "active", False: "suspended"} for one in (S, E, X)},
            **{one: {True: "USER_NOT_FOUND", False: "USER_NOT_FOUND"} for one in (D, Z)},
        }
        assert told == expected[status], status


async def test_whoever_is_shut_out_is_out_at_once_and_hears_why(people: People, admin: Person) -> None:
    for status, word in ((S, "ACCOUNT_SUSPENDED"), (E, "ACCOUNT_EXPIRED")):
        person = await people.active()
        user = body_of(await admin.patch(of(person), {"status": status, "reason": "see mail"}))
        assert (user["decision_reason"], user["is_active"], user["is_approved"]) == ("see mail", False, True)
        assert code(await person.get(ME)) == (401, "SESSION_REVOKED")
        assert await ended(people, person) == ["status"]
        body = {"username": person.username, "password": person.password}
        assert code(await person.client.post("/api/v1/auth/login", json=body)) == (403, word)
        assert body_of(await admin.patch(of(person), {"status": "active"}))["decision_reason"] is None


async def test_a_decision_is_made_by_status_too(running: Application, people: People, admin: Person) -> None:
    person = await people.pending()
    user = body_of(await admin.patch(of(person), {"status": "rejected", "reason": "Who?"}))
    assert (user["decision_reason"], user["approved_by"], user["approved_at"]) == ("Who?", None, None)
    user = body_of(await admin.patch(of(person), {"status": "pending"}))
    assert (user["status"], user["decision_reason"]) == ("pending", None)
    user = body_of(await admin.patch(of(person), {"status": "active"}))
    assert (user["approved_by"], user["is_approved"]) == (str(admin.id), True)
    actions = [event.action for event in await people.audit(about=person)]
    assert actions == ["registered", "admin_user_rejected", "admin_user_reopened", "admin_user_approved"]
    assert (running.data_dir / "users" / str(person.id)).is_dir()


async def test_access_may_have_an_end(running: Application, people: People, admin: Person) -> None:
    person = await people.active()
    end = running.clock.now() + timedelta(minutes=10)
    user = body_of(await admin.patch(of(person), {"access_expires_at": end.isoformat()}))
    assert user["access_expires_at"] == end.isoformat().replace("+00:00", "Z")
    running.clock.move(minutes=11)
    assert (await person.get(ME)).status_code == 401
    body = {"username": person.username, "password": person.password}
    assert code(await person.client.post("/api/v1/auth/login", json=body)) == (403, "ACCOUNT_EXPIRED")


async def test_an_end_of_access_lies_ahead_and_is_nothing_for_administrators(
    running: Application, people: People, admin: Person
) -> None:
    person, other, now = await people.active(), await people.admin(), running.clock.now()
    for past in (now, now - timedelta(days=1)):
        assert code(await admin.patch(of(person), {"access_expires_at": past.isoformat()})) == (400, "TOO_LATE")
    end = {"access_expires_at": (now + timedelta(days=1)).isoformat()}
    assert code(await admin.patch(of(other), end)) == (400, "ADMIN_NEVER_EXPIRES")
    body_of(await admin.patch(of(person), end))
    assert body_of(await admin.patch(of(person), {"role": Role.ADMIN}))["access_expires_at"] is None


async def test_deletion_by_id_keeps_the_names(people: People, admin: Person) -> None:
    person = await people.active()
    assert body_of(await admin.delete(of(person))) == {"message": DEACTIVATED}
    user = body_of(await admin.get(of(person)))
    assert (user["status"], user["is_deleted"], user["email"]) == ("deleted", True, person.email)
    assert code(await admin.delete(of(person))) == (404, "USER_NOT_FOUND")


async def test_a_deleted_account_changes_by_being_restored_only(people: People, admin: Person) -> None:
    person = await people.deleted()
    bodies: list[dict[str, Any]] = [{"full_name": "H"}, {"role": "admin"}, {"is_active": True}, {"is_verified": True}]
    assert [code(await admin.patch(of(person), body)) for body in bodies] == [(404, "USER_NOT_FOUND")] * 4
    assert body_of(await admin.patch(of(person), {"status": "deleted"}))["full_name"] is None
    user = body_of(await admin.patch(of(person), {"status": "active", "full_name": "H"}))
    assert (user["status"], user["full_name"], user["deleted_at"]) == ("active", "H", None)


async def test_a_demoted_administrator_is_one_no_more_at_once(people: People, admin: Person) -> None:
    other, person = await people.admin(), await people.active()
    body_of(await admin.patch(of(other), {"role": "user"}))
    answers = [await other.get(USERS), await other.get(of(person)), await other.patch(of(admin), {"role": "user"})]
    assert [code(answer) for answer in answers] == [(403, "ADMIN_REQUIRED")] * 3
