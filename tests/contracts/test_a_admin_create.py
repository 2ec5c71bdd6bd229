"""`POST /api/auth/admin/users`: an account made by an administrator."""

from typing import Any

import httpx
import pytest

from backend.models import Status
from tests.contracts.answers import applicant, code, credentials, refusal
from tests.factories import People

USERS = "/api/auth/admin/users"


async def test_the_account_can_be_used_at_once(client: httpx.AsyncClient, people: People) -> None:
    admin = await people.admin()
    answer = await admin.post(USERS, applicant())
    body = answer.json()
    assert (answer.status_code, body["message"]) == (200, "User created successfully")
    assert body["user"].pop("id")
    names = {"username": "hannah", "email": "hannah@example.org"}
    assert body == {
        "message": "User created successfully",
        "user": {**names, "is_active": True, "is_superuser": False},
    }
    assert (await client.post("/api/auth/login", json=credentials("hannah"))).status_code == 200


async def test_it_is_approved_by_this_administrator(people: People) -> None:
    admin = await people.admin()
    await admin.post(USERS, applicant())
    user = (await admin.get(USERS)).json()["users"][0]
    assert (user["username"], user["is_approved"], user["approved_by"]) == ("hannah", True, str(admin.id))
    assert (user["approval_note"], user["institution"]) == ("Created by admin", "Admin created")
    assert user["approved_at"]


async def test_it_may_be_an_administrator(client: httpx.AsyncClient, people: People) -> None:
    admin = await people.admin()
    assert (await admin.post(USERS, applicant(is_superuser=True))).json()["user"]["is_superuser"]
    token = (await client.post("/api/auth/login", json=credentials("hannah"))).json()["access_token"]
    assert (await client.get(USERS, headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def test_it_may_begin_suspended(people: People) -> None:
    admin = await people.admin()
    assert (await admin.post(USERS, applicant(is_active=False))).json()["user"]["is_active"] is False
    assert (await people.statuses())["hannah"] is Status.SUSPENDED


@pytest.mark.settings(registration="closed")
async def test_the_registration_mode_does_not_matter(people: People) -> None:
    admin = await people.admin()
    assert (await admin.post(USERS, applicant())).status_code == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"email": "TAKEN@example.org"}, "Email already registered"),
        ({"username": "Taken"}, "Username already taken"),
        ({"username": "!"}, "A username must have 2 to 32 characters."),
        ({"email": "x"}, "An email address must have an @-sign."),
        ({"password": "short"}, "The password needs at least 8 characters."),
    ],
    ids=["taken email", "taken username", "username", "email", "password"],
)
async def test_a_refusal_names_the_reason(people: People, changes: dict[str, Any], reason: str) -> None:
    admin = await people.admin()
    await people.pending(username="taken", email="taken@example.org")
    answer = await admin.post(USERS, applicant(**changes))
    assert answer.status_code == 400
    assert refusal(answer)[2] == f"Failed to create user: {reason}"
    assert len(await people.statuses()) == 2


async def test_a_taken_name_keeps_its_code(people: People) -> None:
    admin, other = await people.admin(), await people.active()
    assert code(await admin.post(USERS, applicant(email=other.email))) == (400, "AUTH_EMAIL_EXISTS")
    assert code(await admin.post(USERS, applicant(username=other.username))) == (400, "AUTH_USERNAME_EXISTS")


async def test_a_malformed_body_is_refused(people: People) -> None:
    admin = await people.admin()
    bodies = [
        {},
        applicant(is_active=None),
        applicant(is_superuser=None),
        applicant(email=None),
        applicant(username=["x"]),
    ]
    assert {code(await admin.post(USERS, body)) for body in bodies} == {(422, "VALIDATION_ERROR")}
