"""The audit: every change and refusal is one record, with who, to whom, why, when and from where."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from backend.models import AuditEvent
from tests.application import Application
from tests.contracts.answers import applicant, credentials
from tests.factories import PASSWORD, People, Person

USERS = "/api/auth/admin/users"


def acts(events: list[AuditEvent]) -> list[tuple[str, str | None]]:
    """What happened and why."""
    return [(event.action, event.reason) for event in events]


async def test_each_act_of_an_administrator_is_one_record(people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    path = f"{USERS}/{person.id}"
    await admin.post(f"{path}/approve", {"approved": True, "reason": "Known to us"})
    await admin.post(f"{path}/promote", {"reason": "She asked"})
    await admin.post(f"{path}/demote", {"reason": "She left"})
    await admin.put(path, {"username": "newname"})
    await admin.delete(path)
    registered, *events = await people.audit(about=person)
    assert (registered.action, registered.actor_id) == ("registered", person.id)
    assert acts(events) == [
        ("admin_user_approved", "Known to us"),
        ("admin_user_promotion", "She asked"),
        ("admin_user_demotion", "She left"),
        ("admin_user_update", None),
        ("admin_user_deletion", None),
    ]
    assert {(event.actor_id, event.target_id) for event in events} == {(admin.id, person.id)}


async def test_a_record_tells_when_and_from_where(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    running.clock.move(minutes=5)
    origin = {**admin.bearer, "User-Agent": "Panel/1.0", "X-Request-ID": "request-7"}
    body = {"approved": False, "reason": "Unknown to us"}
    await admin.client.post(f"{USERS}/{person.id}/approve", json=body, headers=origin)
    (event,) = await people.audit("admin_user_rejected")
    assert (event.actor_id, event.target_id, event.reason) == (admin.id, person.id, "Unknown to us")
    assert (event.ip_address, event.user_agent, event.request_id) == ("127.0.0.1", "Panel/1.0", "request-7")
    assert running.clock.now() - event.at < timedelta(minutes=1)


async def test_an_update_tells_what_was_and_what_is(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await admin.put(f"{USERS}/{person.id}", {"username": "newname", "email": "new@example.org"})
    (event,) = await people.audit("admin_user_update")
    assert event.details["changes"] == [
        {"field": "username", "old": person.username, "new": "newname"},
        {"field": "email", "old": person.email, "new": "new@example.org"},
    ]


async def test_a_deletion_keeps_the_names(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await admin.delete(f"{USERS}/{person.id}")
    (event,) = await people.audit("admin_user_deletion")
    assert (event.details["username"], event.details["email"]) == (person.username, person.email)


async def test_a_creation_is_on_record(people: People) -> None:
    admin = await people.admin()
    id_ = (await admin.post(USERS, applicant())).json()["user"]["id"]
    event = (await people.audit("admin_user_creation"))[-1]
    assert (event.actor_id, str(event.target_id)) == (admin.id, id_)


async def test_the_first_superuser_is_on_record(client: httpx.AsyncClient, people: People) -> None:
    id_ = (await client.post("/api/auth/register", json=applicant())).json()["id"]
    events = await people.audit()
    assert [event.action for event in events] == ["registered", "first_user_superuser_promotion"]
    assert {str(event.target_id) for event in events} == {id_}


async def test_sign_ins_are_on_record(client: httpx.AsyncClient, people: People) -> None:
    waiting = await people.pending()
    await client.post("/api/auth/login", json=credentials(waiting.username))
    await client.post("/api/auth/login", json=credentials(waiting.username, "wrong"))
    assert acts(await people.audit("signin_failed", about=waiting)) == [
        ("signin_failed", "ACCOUNT_PENDING"),
        ("signin_failed", "AUTH_INVALID_CREDENTIALS"),
    ]
    person = await people.active()
    opened = await people.audit("signin_succeeded", "session_opened", about=person)
    assert [event.action for event in opened] == ["signin_succeeded", "session_opened"]


async def test_a_failed_sign_in_of_nobody_is_on_record(client: httpx.AsyncClient, people: People) -> None:
    await client.post("/api/auth/login", json=credentials("nobody"))
    (event,) = await people.audit()
    assert (event.action, event.reason, event.target_id) == ("signin_failed", "AUTH_INVALID_CREDENTIALS", None)
    assert event.ip_address == "127.0.0.1"


async def test_the_end_of_a_session_tells_why_and_by_whom(people: People) -> None:
    admin, one, other = await people.admin(), await people.active(), await people.active()
    third = await people.active()
    await one.post("/api/auth/jwt/logout")
    await admin.put(f"{USERS}/{other.id}", {"is_active": False})
    await admin.post("/api/auth/admin/reset-user-password", {"user_id": str(third.id), "reason": "She called"})
    ended = await people.audit("session_ended")
    assert [(event.target_id, event.reason, event.actor_id) for event in ended] == [
        (one.id, "user_logout", one.id),
        (other.id, "status", admin.id),
        (third.id, "password_change", admin.id),
    ]
    assert acts(await people.audit("admin_password_reset")) == [("admin_password_reset", "She called")]


@pytest.mark.settings(inactivity_minutes=40000, max_token_lifetime_hours=700)
async def test_the_absolute_end_of_a_session_is_on_record(running: Application, people: People) -> None:
    person = await people.active()
    cookie = (await people.at_a_page(person)).cookie
    running.clock.move(hours=25)
    await person.client.get("/api/auth/whoami", headers={"Cookie": f"session_id={cookie}"})
    assert acts(await people.audit("session_ended")) == [("session_ended", "expired")]


async def _refused(admin: Person, person: Person) -> list[tuple[Person, Person | None, str]]:
    path = f"{USERS}/{person.id}"
    await person.get(USERS)
    await admin.post(f"{path}/approve", {"approved": True})
    await admin.post(f"{path}/demote")
    await admin.delete(f"{USERS}/{admin.id}")
    await admin.put(path, {"email": admin.email})
    return [
        (person, None, "ADMIN_REQUIRED"),
        (admin, person, "ALREADY_APPROVED"),
        (admin, person, "NOT_SUPERUSER"),
        (admin, admin, "NOT_ONESELF"),
        (admin, person, "AUTH_EMAIL_EXISTS"),
    ]


async def test_each_refusal_is_one_record(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    refused = await _refused(admin, person)
    events = await people.audit("refused")
    assert [(event.actor_id, event.target_id, event.reason) for event in events] == [
        (actor.id, target and target.id, why) for actor, target, why in refused
    ]
    assert {event.ip_address for event in events} == {"127.0.0.1"}


async def test_a_refusal_tells_whom_it_was_about_however_they_are_named(people: People) -> None:
    admin, person, waiting = await people.admin(), await people.active(), await people.pending()
    await admin.post("/api/auth/admin/reset-user-password", {"user_id": waiting.id.hex})
    await admin.patch(f"/api/v1/users/{waiting.id}", {"role": "admin"})
    await person.patch(f"/api/v1/users/{waiting.username}", {"name": "Somebody"})
    await person.get(f"/api/v1/users/{waiting.username}/tier")
    events = await people.audit("refused")
    assert [event.target_id for event in events] == [waiting.id] * 4


async def test_a_refusal_about_nobody_has_no_target(people: People) -> None:
    admin = await people.admin()
    await admin.delete(f"{USERS}/{uuid4()}")
    await admin.post(f"{USERS}/no-id/promote")
    await admin.post("/api/auth/admin/reset-user-password", {"user_id": "no-id"})
    await admin.delete(f"/api/v1/auth/sessions/{uuid4()}")
    await admin.patch("/api/v1/users/nobody", {"name": "Somebody"})
    events = await people.audit("refused")
    assert [event.target_id for event in events] == [None] * 5


async def test_a_refused_act_leaves_no_record_of_success(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    before = await people.audit(about=person)
    await _refused(admin, person)
    after = await people.audit(about=person)
    assert {event.action for event in after[len(before) :]} == {"refused"}


async def test_nothing_secret_is_on_record(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    reset = await admin.post("/api/auth/admin/reset-user-password", {"user_id": str(person.id)})
    await admin.post(USERS, applicant())
    written = str([(event.reason, event.details) for event in await people.audit()])
    assert not any(
        secret in written for secret in (PASSWORD, "$argon2", reset.json()["temp_password"], str(person.token))
    )


async def test_the_log_names_the_route_of_a_request_and_nobody(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.pending(username="hannah", email="hannah@example.org")
    with capture_logs() as lines:
        await admin.post(f"{USERS}/{person.id}/approve/", {"approved": True})
        await admin.patch(f"/api/v1/users/{person.id}", {"full_name": "Hannah Arendt"})
        await admin.patch("/api/v1/users/hannah?name=Hannah", {"name": "Hannah Arendt"})
        await admin.post("/api/v1/users/hannah")
        for address in ("/hannah@example.org", "/api/hannah", "/static/hannah.css"):
            await client.get(address)
    told = [(line["path"], line["status"]) for line in lines if line["event"] == "request"]
    assert told == [
        (f"{USERS}/{{id}}/approve", 200),
        ("/api/v1/users/{id}", 200),
        ("/api/v1/users/{user}", 200),
        ("/api/v1/users/{user}", 405),
        *[("unknown", 404)] * 3,
    ]
    assert "hannah" not in str(lines).casefold()


async def test_the_log_carries_ids_and_no_names(client: httpx.AsyncClient, people: People) -> None:
    with capture_logs() as lines:
        person = await people.pending(username="hannah", email="hannah@example.org")
        await client.post("/api/auth/login", json=credentials("hannah@example.org", "wrong password"))
    written = str(lines)
    assert str(person.id) in written
    assert not any(secret in written for secret in ("hannah", PASSWORD, "wrong password"))
