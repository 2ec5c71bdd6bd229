"""`POST /api/v1/auth/register`: an account and the organization it comes with."""

import asyncio
from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from backend.models import MailPurpose
from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.contracts.dialect_b import RIGHTS, rows
from tests.factories import PASSWORD, People

REGISTER: Final = "/api/v1/auth/register"
MESSAGE: Final = "User registered successfully. Please check your email to verify your account."
MANY: Final = pytest.mark.settings(rate_limits=False)


def newcomer(name: str = "hannah", /, **more: object) -> dict[str, object]:
    """What somebody who signs up by this door writes."""
    return {"email": f"{name}@example.org", "password": PASSWORD, **more}


def user_of(answer: httpx.Response) -> dict[str, Any]:
    """The account that a success shows."""
    body: dict[str, Any] = answer.json()
    assert answer.status_code == 201, body
    assert body.keys() == {"success", "data", "message"}
    assert (body["success"], body["message"]) == (True, MESSAGE)
    assert "hashed_password" not in answer.text
    user: dict[str, Any] = body["data"]
    return user


@pytest.mark.settings(send_verification_emails=True)
async def test_somebody_waits_and_their_organization_with_them(running: Application, people: People) -> None:
    admin, sent = await people.admin(), {"institution": "New School", "approval_note": "Work."}
    user = user_of(await running.client.post(REGISTER, json=newcomer(full_name="Hannah Arendt", **sent)))
    assert {**user, **sent, "email": "hannah@example.org", "username": "hannah", "status": "pending"} == user
    (organization,) = user["organizations"]
    expected = {"name": "Hannah Arendt's organization", "role": "owner", "is_active": False}
    assert organization == {"id": organization["id"], **expected}
    assert [mail.to for mail in await running.mails(MailPurpose.VERIFY_EMAIL)] == ["hannah@example.org"]

    await admin.post(f"/api/auth/admin/users/{user['id']}/approve", {"approved": True})
    body = {"email": "HANNAH@example.org", "password": PASSWORD}
    signed_in = (await running.client.post("/api/v1/auth/login", json=body)).json()["data"]["token"]
    bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
    own = (await running.client.get("/api/v1/auth/users/me", headers=bearer)).json()["data"]
    too = (await running.client.get("/api/v1/users/me", headers=bearer)).json()
    assert own["organizations"] == too["organizations"] == [{**organization, "is_active": True}]


async def test_names_of_organizations_as_they_are_given_or_made(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    made: dict[str, tuple[dict[str, object], str]] = {
        "one": ({"organization_name": "  Hall & Söhne  "}, "Hall & Söhne"),
        "two": ({"organization_name": "n" * 200}, "n" * 200),
        "three": ({"username": "Three.3"}, "Three.3's organization"),
        "four": ({"organization_name": None}, "four's organization"),
        "five": ({"name": "n" * 100}, f"{'n' * 100}'s organization"),
        "six": ({"organization_name": ""}, "six's organization"),
        "seven": ({"organization_name": "   "}, "seven's organization"),
    }
    for name, (more, expected) in made.items():
        user = user_of(await client.post(REGISTER, json=newcomer(name, **more)))
        assert [one["name"] for one in user["organizations"]] == [expected], name
    before = await rows(people)
    for wrong in ("\u200b", "n" * 201, "n" * 10_000, "a\nb", "a\x1bb", "a\0b", "\u202eabc", 5, ["x"]):
        answer = await client.post(REGISTER, json=newcomer("eight", organization_name=wrong))
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "organization_name"]), wrong
    assert await rows(people) == before


async def test_the_first_account_is_made_superuser_and_its_organization_works(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post(REGISTER, json=newcomer(f"first{n}")) for n in range(4)))
    users = [user_of(answer) for answer in answers]
    assert sorted(user["is_superuser"] for user in users) == [False, False, False, True]
    works = {user["username"]: user["organizations"][0]["is_active"] for user in users}
    assert works == {user["username"]: user["is_superuser"] for user in users}


@MANY
async def test_taken_names_and_rights_are_refused_and_nothing_is_made(
    client: httpx.AsyncClient, people: People
) -> None:
    known = await people.active()
    before = await rows(people)
    taken = await client.post(REGISTER, json=newcomer(email=known.email.upper()))
    assert refusal(taken) == (409, "AUTH_EMAIL_EXISTS", "Email already registered")
    taken = await client.post(REGISTER, json=newcomer(username=known.username.upper()))
    assert refusal(taken) == (409, "AUTH_USERNAME_EXISTS", "Username already taken")
    privileges: list[dict[str, object]] = [{name: True} for name in (*RIGHTS, "status", "tier_id")]
    privileges.append({"role": "admin"})
    for privilege in privileges:
        assert code(await client.post(REGISTER, json=newcomer(**privilege))) == (422, "VALIDATION_ERROR"), privilege
    for wrong in ({"password": "short"}, {"email": "no address"}, {"username": "me"}, {"full_name": "a\nb"}):
        assert (await client.post(REGISTER, json={**newcomer(), **wrong})).status_code == 422, wrong
    assert await rows(people) == before
    twins = await asyncio.gather(*(client.post(REGISTER, json=newcomer("twin", role="user")) for _ in range(4)))
    assert sorted(answer.status_code for answer in twins) == [201, 409, 409, 409]
    assert len(await people.audit("organization_created")) == 1


@pytest.mark.settings(registrations_per_hour=7)
async def test_as_many_an_hour_come_by_this_door_as_the_setting_says(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answers = [await client.post(REGISTER, json=newcomer(f"hannah{number}")) for number in range(8)]
    assert [answer.status_code for answer in answers] == [201] * 7 + [429]
    assert (answers[-1].json()["limit"], answers[-1].json()["window"]) == (7, 3600)


@pytest.mark.settings(registration="closed")
async def test_a_closed_door_is_closed_here_too_but_for_the_first(client: httpx.AsyncClient) -> None:
    assert user_of(await client.post(REGISTER, json=newcomer("first")))["is_superuser"]
    assert code(await client.post(REGISTER, json=newcomer())) == (403, "REGISTRATION_CLOSED")


@pytest.mark.settings(bootstrap="token", require_approval_note=True, max_pending=1)
async def test_tokens_notes_and_a_full_hall_are_as_at_the_other_doors(running: Application) -> None:
    client = running.client
    assert code(await client.post(REGISTER, json=newcomer("first"))) == (403, "BOOTSTRAP_TOKEN_REQUIRED")
    async with running.people.work() as work:
        token = await work.bootstrap.new_token(renew=True)
    for headers, more in (({"X-Bootstrap-Token": "wrong"}, {}), ({}, {"bootstrap_token": "wrong"})):
        answer = await client.post(REGISTER, json=newcomer("first", **more), headers=headers)
        assert code(answer) == (403, "BOOTSTRAP_TOKEN_REQUIRED")
    user_of(await client.post(REGISTER, json=newcomer("first"), headers={"X-Bootstrap-Token": str(token)}))
    assert code(await client.post(REGISTER, json=newcomer())) == (422, "APPROVAL_NOTE_REQUIRED")
    reasons = {"approval_note": "Work.", "institution": "New School"}
    user_of(await client.post(REGISTER, json=newcomer(**reasons)))
    assert code(await client.post(REGISTER, json=newcomer("late", **reasons))) == (503, "REGISTRATION_FULL")


@pytest.mark.settings(registration="open")
async def test_in_open_mode_the_organization_works_at_once(running: Application, people: People) -> None:
    await people.admin()
    user = user_of(await running.client.post(f"{REGISTER}/", json=newcomer()))
    assert (user["status"], user["organizations"][0]["is_active"]) == ("active", True)
    (event,) = await people.audit("organization_created")
    assert (event.actor_id, event.target_id) == (UUID(user["id"]), UUID(user["id"]))
    assert event.details == {"organization_id": user["organizations"][0]["id"]}
    foreign = await running.client.post(REGISTER, json=newcomer("x"), headers={"Origin": "https://evil.example"})
    assert code(foreign) == (403, "CSRF_FAILED")


@pytest.mark.settings(private_registration=True)
async def test_where_registration_is_private_nobody_learns_whether_anything_was_made(
    running: Application, people: People
) -> None:
    known = await people.active()
    answers = [
        await running.client.post(REGISTER, json=newcomer()),
        await running.client.post(REGISTER, json=newcomer(email=known.email)),
        await running.client.post(REGISTER, json=newcomer("other", username=known.username)),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    received = "Your request has been received. We send you a mail with the next steps."
    assert answers[0].json() == {"success": True, "data": None, "message": received}
    assert len(await people.audit("organization_created")) == 2
    assert [mail.to for mail in await running.mails(MailPurpose.ALREADY_REGISTERED)] == [known.email]
    for email in (known.email, "new@example.org"):
        answer = await running.client.post(REGISTER, json=newcomer(email=email, organization_name="\u200b"))
        assert code(answer) == (422, "INVALID_ORGANIZATION_NAME")
