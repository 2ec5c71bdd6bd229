"""Promotion, demotion and deletion: who may administer, and that somebody always can."""

import asyncio
from typing import Final

import httpx
import pytest

from backend.models import Role, Status
from tests.contracts.answers import applicant, code, credentials, refusal
from tests.factories import People, Person

STATS: Final = "/api/auth/admin/stats"


def path(person: Person, act: str = "") -> str:
    return f"/api/auth/admin/users/{person.id}{act}"


@pytest.mark.parametrize("body", [None, {}, {"reason": "She asked"}, {"user_id": "somebody else"}], ids=str)
async def test_promotion_makes_an_administrator(people: People, body: dict[str, str] | None) -> None:
    admin, person = await people.admin(), await people.active()
    answer = await admin.post(path(person, "/promote"), body)
    user = answer.json()["user"]
    assert answer.status_code == 200
    assert answer.json()["message"] == f"User '{person.username}' promoted to superuser successfully"
    assert (user["id"], user["is_superuser"]) == (str(person.id), True)
    assert (await people.row(person)).role is Role.ADMIN
    assert (await person.get(STATS)).status_code == 200


async def test_demotion_makes_a_user(people: People) -> None:
    admin, person = await people.admin(), await people.admin()
    answer = await admin.post(path(person, "/demote"), {"reason": "She left"})
    assert answer.status_code == 200
    assert answer.json()["message"] == f"User '{person.username}' demoted from superuser successfully"
    assert answer.json()["user"]["is_superuser"] is False
    assert (await people.row(person)).role is Role.USER
    assert code(await person.get(STATS)) == (403, "ADMIN_REQUIRED")


async def test_an_administrator_is_not_promoted_and_a_user_not_demoted(people: People) -> None:
    admin, other, person = await people.admin(), await people.admin(), await people.active()
    promoted = await admin.post(path(other, "/promote"))
    demoted = await admin.post(path(person, "/demote"))
    assert (promoted.status_code, refusal(promoted)[2]) == (400, "User is already a superuser")
    assert (demoted.status_code, refusal(demoted)[2]) == (400, "User is not a superuser")


async def test_only_active_people_are_promoted(people: People) -> None:
    admin = await people.admin()
    for status in (Status.PENDING, Status.REJECTED, Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED):
        person = await people.in_status(status)
        assert code(await admin.post(path(person, "/promote"))) == (400, "NOT_ACTIVE")


async def test_nobody_demotes_or_deletes_themselves(people: People) -> None:
    await people.admin()
    admin = await people.admin()
    demoted, deleted = await admin.post(path(admin, "/demote")), await admin.delete(path(admin))
    assert (demoted.status_code, refusal(demoted)[2]) == (400, "Cannot demote yourself")
    assert (deleted.status_code, refusal(deleted)[2]) == (400, "Cannot delete yourself")


@pytest.mark.parametrize("act", ["demote", "is_superuser", "is_active", "delete"])
async def test_two_administrators_cannot_shut_each_other_out(people: People, act: str) -> None:
    one, other = await people.admin(), await people.admin()

    async def shut_out(actor: Person, target: Person) -> httpx.Response:
        if act == "demote":
            return await actor.post(path(target, "/demote"))
        if act == "delete":
            return await actor.delete(path(target))
        return await actor.put(path(target), {act: False})

    answers = await asyncio.gather(shut_out(one, other), shut_out(other, one))
    rows = [await people.row(person) for person in (one, other)]
    assert sorted(answer.status_code == 200 for answer in answers) == [False, True]
    assert [row.is_active and row.is_superuser for row in rows].count(True) == 1


@pytest.mark.parametrize(("part", "act"), [("roles", "demote"), ("closing", "suspend"), ("deletion", "delete")])
async def test_the_last_administrator_stays_whoever_asks(people: People, part: str, act: str) -> None:
    admin = await people.admin()
    with pytest.raises(Exception, match="last active administrator"):
        async with people.work() as services:
            await getattr(getattr(services, part), act)(None, admin.id)
    assert (await admin.get(STATS)).status_code == 200


async def test_a_suspended_administrator_does_not_count(people: People) -> None:
    admin, other = await people.admin(), await people.admin()
    await admin.put(path(other), {"is_active": False})
    with pytest.raises(Exception, match="last active administrator"):
        async with people.work() as services:
            await services.closing.suspend(None, admin.id)


async def test_a_deleted_account_is_gone_at_once(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    answer = await admin.delete(path(person))
    assert answer.json() == {"message": f"User '{person.username}' deleted successfully"}
    assert (answer.status_code, (await people.row(person)).status) == (200, Status.DELETED)
    assert code(await person.get("/api/auth/whoami")) == (401, "SESSION_REVOKED")
    assert code(await client.post("/api/auth/login", json=credentials(person.username))) == (
        401,
        "AUTH_INVALID_CREDENTIALS",
    )
    assert (await admin.get("/api/auth/admin/users")).json()["total"] == 1
    assert (await admin.get(STATS)).json()["total_users"] == 1
    assert code(await admin.delete(path(person))) == (404, "USER_NOT_FOUND")


async def test_somebody_else_may_have_the_names_of_a_deleted_account(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await admin.delete(path(person))
    answer = await admin.post("/api/auth/admin/users", applicant(username=person.username, email=person.email))
    assert answer.status_code == 200


async def test_every_status_can_be_deleted(people: People) -> None:
    admin = await people.admin()
    for status in (Status.PENDING, Status.REJECTED, Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED):
        person = await people.in_status(status)
        assert (await admin.delete(path(person))).status_code == 200
