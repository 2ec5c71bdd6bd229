"""`POST /api/auth/admin/reset-user-password`: help where no mail could."""

import httpx
import pytest

from backend.models import Status
from tests.contracts.answers import code, credentials, refusal
from tests.factories import People

RESET = "/api/auth/admin/reset-user-password"


async def test_a_temporary_password_is_shown_once_and_works(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    answer = await admin.post(RESET, {"user_id": str(person.id), "reason": "She called"})
    body = answer.json()
    temporary = body.pop("temp_password")
    assert (answer.status_code, body) == (200, {"message": "Password reset successfully", "email_sent": False})
    assert (await client.post("/api/auth/login", json=credentials(person.username, temporary))).status_code == 200
    assert (await client.post("/api/auth/login", json=credentials(person.username))).status_code == 401


async def test_it_has_to_be_changed_and_sessions_end(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await admin.post(RESET, {"user_id": person.id.hex})
    assert (await people.row(person)).must_change_password
    assert code(await person.get("/api/auth/whoami")) == (401, "SESSION_REVOKED")


async def test_no_two_are_the_same(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    passwords = {(await admin.post(RESET, {"user_id": str(person.id)})).json()["temp_password"] for _ in range(3)}
    assert len(passwords) == 3


async def test_inactive_people_get_none(people: People) -> None:
    admin = await people.admin()
    for status in (Status.PENDING, Status.REJECTED, Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED):
        person = await people.in_status(status)
        answer = await admin.post(RESET, {"user_id": str(person.id)})
        assert (answer.status_code, refusal(answer)[2]) == (400, "Cannot reset password for inactive user")


async def test_the_id_is_checked_after_the_role(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    assert code(await admin.post(RESET, {"user_id": "x"})) == (400, "INVALID_ID")
    assert code(await person.post(RESET, {"user_id": "x"})) == (403, "ADMIN_REQUIRED")
    assert code(await admin.post(RESET, {"user_id": None})) == (422, "VALIDATION_ERROR")


@pytest.mark.settings(smtp_url="smtp://mail.example.org", mail_from="entrance@example.org")
async def test_where_mail_works_nothing_changes(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    answer = await admin.post(RESET, {"user_id": str(person.id)})
    assert answer.status_code == 400
    assert refusal(answer)[2] == "Admin password reset is disabled when email features are enabled."
    assert (await client.post("/api/auth/login", json=credentials(person.username))).status_code == 200
    assert (await person.get("/api/auth/whoami")).status_code == 200
