"""`PUT /api/auth/admin/users/{id}`: names, activity and rights changed by an administrator."""

import httpx
import pytest

from backend.models import Status
from tests.contracts.answers import code, credentials, refusal
from tests.factories import PASSWORD, People, Person


def path(person: Person) -> str:
    return f"/api/auth/admin/users/{person.id}"


async def test_names_change_and_are_answered(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    names = {"username": "New.Name", "email": "New@example.org"}
    answer = await admin.put(path(person), names)
    user = {"id": str(person.id), **names, "is_active": True, "is_superuser": False}
    assert (answer.status_code, answer.json()) == (200, {"message": "User updated successfully", "user": user})
    assert (await client.post("/api/auth/login", json=credentials("new.name"))).status_code == 200
    assert (await client.post("/api/auth/login", json=credentials(person.username))).status_code == 401


async def test_absent_and_null_leave_alone(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    before = await people.row(person)
    nulls = dict.fromkeys(("username", "email", "is_active", "is_superuser"))
    assert [(await admin.put(path(person), body)).status_code for body in ({}, nulls)] == [200, 200]
    assert await people.row(person) == before


async def test_a_taken_name_is_refused_and_nothing_changes(people: People) -> None:
    admin, person, other = await people.admin(), await people.active(), await people.active()
    email = await admin.put(path(person), {"username": "newname", "email": other.email.upper()})
    username = await admin.put(path(person), {"email": "new@example.org", "username": other.username.upper()})
    assert refusal(email) == (400, "AUTH_EMAIL_EXISTS", "Email already registered")
    assert refusal(username) == (400, "AUTH_USERNAME_EXISTS", "Username already taken")
    assert ((await people.row(person)).username, (await people.row(person)).email) == (person.username, person.email)


async def test_the_spelling_of_a_name_may_change(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    names = {"username": person.username.upper(), "email": f"{person.username.upper()}@example.org"}
    answer = await admin.put(path(person), names)
    assert (answer.status_code, answer.json()["user"]["username"]) == (200, names["username"])


async def test_a_released_name_is_free(people: People) -> None:
    admin, person, other = await people.admin(), await people.active(), await people.active()
    await admin.put(path(person), {"username": "newname", "email": "new@example.org"})
    answer = await admin.put(path(other), {"username": person.username, "email": person.email})
    assert answer.status_code == 200


@pytest.mark.settings(login_max_attempts=3)
async def test_ones_own_address_changes_with_the_current_password_only(people: People) -> None:
    admin, person, mail = await people.admin(), await people.active(), "moved@example.org"
    lacking = [{"email": mail, "current_password": wrong} for wrong in (None, "", "a guess")]
    answers = [await admin.put(path(admin), body) for body in ({"email": mail}, *lacking)]
    assert [code(answer) for answer in answers] == [(403, "PASSWORD_NEEDED")] * 4
    assert (await people.row(admin)).email == admin.email
    answer = await admin.put(path(admin), {"email": mail, "username": "moved", "current_password": PASSWORD})
    assert (answer.status_code, answer.json()["user"]["email"]) == (200, mail)
    assert (await admin.put(path(admin), {"email": mail, "current_password": "a guess"})).status_code == 200
    assert (await admin.put(path(person), {"email": "p@example.org", "current_password": "a guess"})).status_code == 200
    guesses = [await admin.put(path(admin), {"email": admin.email, "current_password": "a guess"}) for _ in range(3)]
    assert [answer.status_code for answer in guesses] == [403, 403, 429]


async def test_values_that_break_a_rule_are_refused(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    bodies = [{"username": "me"}, {"username": "!"}, {"email": "x"}, {"is_active": "yes"}, {"is_superuser": 1}]
    assert {code(await admin.put(path(person), body)) for body in bodies} == {(422, "VALIDATION_ERROR")}


async def test_is_active_suspends_and_brings_back(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    off = await admin.put(path(person), {"is_active": False})
    assert (off.json()["user"]["is_active"], (await people.row(person)).status) == (False, Status.SUSPENDED)
    assert code(await person.get("/api/auth/whoami")) == (401, "SESSION_REVOKED")
    on = await admin.put(path(person), {"is_active": True})
    assert (on.json()["user"]["is_active"], (await people.row(person)).status) == (True, Status.ACTIVE)


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED])
async def test_is_active_true_brings_back(people: People, status: Status) -> None:
    admin, person = await people.admin(), await people.in_status(status)
    assert (await admin.put(path(person), {"is_active": True})).json()["user"]["is_active"] is True


@pytest.mark.parametrize("status", [Status.PENDING, Status.REJECTED])
async def test_is_active_true_is_no_decision(people: People, status: Status) -> None:
    admin, person = await people.admin(), await people.in_status(status)
    assert code(await admin.put(path(person), {"is_active": True})) == (400, "NOT_APPROVED")
    assert (await people.row(person)).status is status


async def test_the_present_value_is_no_change(people: People) -> None:
    admin = await people.admin()
    for status in (Status.PENDING, Status.REJECTED, Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED):
        person = await people.in_status(status)
        assert (await admin.put(path(person), {"is_active": False, "is_superuser": False})).status_code == 200
        assert (await people.row(person)).status is status
    itself = {"is_active": True, "is_superuser": True, "username": admin.username, "email": admin.email}
    assert (await admin.put(path(admin), itself)).status_code == 200


async def test_is_superuser_gives_and_takes_rights(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    assert (await admin.put(path(person), {"is_superuser": True})).json()["user"]["is_superuser"] is True
    assert (await person.get("/api/auth/admin/stats")).status_code == 200
    assert (await admin.put(path(person), {"is_superuser": False})).json()["user"]["is_superuser"] is False
    assert code(await person.get("/api/auth/admin/stats")) == (403, "ADMIN_REQUIRED")


async def test_only_active_accounts_get_rights(people: People) -> None:
    admin, person = await people.admin(), await people.suspended()
    assert code(await admin.put(path(person), {"is_superuser": True})) == (400, "NOT_ACTIVE")


async def test_nobody_shuts_themselves_out(people: People) -> None:
    await people.admin()
    admin = await people.admin()
    demoted = await admin.put(path(admin), {"is_superuser": False})
    deactivated = await admin.put(path(admin), {"is_active": False})
    assert (demoted.status_code, refusal(demoted)[2]) == (400, "Cannot demote yourself")
    assert (deactivated.status_code, refusal(deactivated)[2]) == (400, "Cannot deactivate yourself")
    assert (await admin.get("/api/auth/whoami")).json()["is_superuser"] is True


async def test_a_refused_part_undoes_the_whole(people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    answer = await admin.put(path(person), {"username": "newname", "is_active": True})
    assert code(answer) == (400, "NOT_APPROVED")
    assert (await people.row(person)).username == person.username
