"""`POST /api/auth/admin/users/{id}/approve`: let in or turned away."""

import asyncio

import httpx
import pytest

from backend.models import Status
from tests.application import Application
from tests.contracts.answers import TIME, code, credentials, refusal
from tests.factories import People, Person


def path(person: Person) -> str:
    return f"/api/auth/admin/users/{person.id}/approve"


async def test_approval_lets_somebody_in(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    answer = await admin.post(path(person), {"approved": True, "reason": "Known to us"})
    user = answer.json()["user"]
    assert answer.status_code == 200
    assert answer.json()["message"] == f"User '{person.username}' approved successfully"
    assert TIME.fullmatch(user.pop("approved_at"))
    names = {"id": str(person.id), "username": person.username, "email": person.email}
    assert user == {**names, "is_approved": True, "is_active": True, "approved_by": str(admin.id)}
    assert (await client.post("/api/auth/login", json=credentials(person.username))).status_code == 200


async def test_rejection_turns_somebody_away(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    answer = await admin.post(path(person), {"approved": False})
    names = {"id": str(person.id), "username": person.username, "email": person.email}
    nobody = {"is_approved": False, "is_active": False, "approved_by": None, "approved_at": None}
    assert answer.status_code == 200
    assert answer.json() == {"message": f"User '{person.username}' rejected successfully", "user": {**names, **nobody}}
    assert code(await client.post("/api/auth/login", json=credentials(person.username))) == (403, "ACCOUNT_REJECTED")


async def test_an_approved_account_is_decided(people: People) -> None:
    admin = await people.admin()
    persons = [await people.active(), await people.suspended()]
    bodies = [{"approved": yes, "reconsider": again} for yes in (True, False) for again in (True, False)]
    answers = [await admin.post(path(person), body) for person in persons for body in bodies]
    assert {(answer.status_code, refusal(answer)[2]) for answer in answers} == {(400, "User is already approved")}


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.REJECTED])
async def test_a_rejected_account_is_decided_unless_reconsidered(people: People, status: Status) -> None:
    admin, person = await people.admin(), await people.rejected()
    approved = status is Status.ACTIVE
    answer = await admin.post(path(person), {"approved": approved})
    again = await admin.post(path(person), {"approved": approved, "reconsider": True, "reason": "On second thought"})
    assert refusal(answer) == (409, "ALREADY_DECIDED", "User is already rejected")
    assert again.status_code == 200
    assert (await people.row(person)).status is status
    assert (again.json()["user"]["approved_by"] == str(admin.id)) is approved


async def test_of_two_decisions_one_counts(people: People) -> None:
    admin, approver, person = await people.admin(), await people.approver(), await people.pending()
    answers = await asyncio.gather(
        admin.post(path(person), {"approved": True}), approver.post(path(person), {"approved": False})
    )
    assert sorted(answer.status_code == 200 for answer in answers) == [False, True]
    assert {answer.status_code for answer in answers} <= {200, 400, 409}
    assert len(await people.audit("admin_user_approved", "admin_user_rejected", about=person)) == 1


@pytest.mark.parametrize("body", [{}, {"approved": None}, {"approved": "yes"}, {"approved": 1}], ids=str)
async def test_a_decision_is_yes_or_no(people: People, body: dict[str, object]) -> None:
    admin, person = await people.admin(), await people.pending()
    assert code(await admin.post(path(person), body)) == (422, "VALIDATION_ERROR")
    assert (await people.row(person)).status is Status.PENDING


async def test_who_was_decided_about_gets_mail(running: Application, people: People) -> None:
    admin, one, other = await people.admin(), await people.pending(), await people.pending()
    await admin.post(path(one), {"approved": True})
    await admin.post(path(other), {"approved": False, "reason": "Only members"})
    assert [mail.to for mail in await running.mails()] == [one.email]
    running.clock.move(minutes=1)  # until then, the rejection can be taken back without a mail
    assert [mail.to for mail in await running.mails()] == [one.email, other.email]
