"""`POST /api/auth/change-password`: a new password by who knows the old one."""

import httpx

from tests.contracts.answers import code, credentials, refusal
from tests.factories import PASSWORD, People

CHANGE = "/api/auth/change-password"
BODY = {"current_password": PASSWORD, "new_password": "another passphrase"}


async def test_the_new_password_is_the_one_that_works(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answer = await person.post(CHANGE, BODY)
    assert (answer.status_code, answer.json()) == (200, {"message": "Password changed successfully"})
    new = await client.post("/api/auth/login", json=credentials(person.username, BODY["new_password"]))
    old = await client.post("/api/auth/login", json=credentials(person.username))
    assert (new.status_code, old.status_code) == (200, 401)


async def test_the_present_password_is_asked_for(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answer = await person.post(CHANGE, {**BODY, "current_password": "not the password"})
    assert answer.status_code == 400
    assert refusal(answer)[2] == "Current password is incorrect"
    assert (await client.post("/api/auth/login", json=credentials(person.username))).status_code == 200


async def test_the_other_sessions_end_and_this_one_stays(people: People) -> None:
    person = await people.active()
    other, here = person.token, (await people.signed_in(person)).token
    await person.post(CHANGE, BODY)
    assert (await person.get("/api/auth/whoami")).status_code == 200
    person.token = other
    assert code(await person.get("/api/auth/whoami")) == (401, "SESSION_REVOKED")
    assert here != other


async def test_a_temporary_password_is_temporary_no_more(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    reset = await admin.post("/api/auth/admin/reset-user-password", {"user_id": str(person.id)})
    person.password = reset.json()["temp_password"]
    await people.signed_in(person)
    await person.post(CHANGE, {**BODY, "current_password": person.password})
    assert not (await people.row(person)).must_change_password


async def test_nulls_are_malformed(people: People) -> None:
    person = await people.active()
    answers = [await person.post(CHANGE, {**BODY, field: None}) for field in BODY]
    assert {code(answer) for answer in answers} == {(422, "VALIDATION_ERROR")}


async def test_the_change_is_on_record(people: People) -> None:
    person = await people.active()
    other = await people.signed_in(person)
    await other.post(CHANGE, BODY)
    events = await people.audit("password_changed", "session_ended", about=person)
    assert [(event.action, event.reason, event.actor_id) for event in events] == [
        ("session_ended", "password_change", person.id),
        ("password_changed", None, person.id),
    ]
