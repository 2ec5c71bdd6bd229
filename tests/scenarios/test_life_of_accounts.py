"""What time and administrators do to an account, and what its person sees of it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from backend.context import Context
from backend.models import Role, Status
from backend.services import provisioning, retention, setting_aside, unit_of_work
from tests.application import Application
from tests.factories import People, Person

USERS = "/api/v1/users"


async def _patch(admin: Person, person: Person, **changes: Any) -> Any:
    return await admin.client.patch(f"{USERS}/{person.id}", json=changes, headers=admin.bearer)


async def _sign_in(person: Person) -> tuple[int, str]:
    body = {"username": person.username, "password": person.password}
    answer = await person.client.post("/api/v1/auth/login", json=body)
    return answer.status_code, answer.json().get("error_code", "")


def _text(moment: datetime) -> str:
    return moment.isoformat()


async def test_access_ends_to_the_second_for_sessions_and_for_sign_ins(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    end = running.clock.now() + timedelta(minutes=10)
    answer = await _patch(admin, person, access_expires_at=_text(end))
    assert (answer.status_code, answer.json()["status"]) == (200, "active")

    running.clock.move(minutes=9.9)
    assert (await person.get(f"{USERS}/me")).status_code == 200
    running.clock.move(minutes=0.1)
    assert (await person.get(f"{USERS}/me")).status_code == 401
    assert await _sign_in(person) == (403, "ACCOUNT_EXPIRED")
    assert (await people.row(person)).status is Status.ACTIVE  # nobody has looked yet

    assert await retention.catch_up(running.context) == 1
    assert (await people.row(person)).status is Status.EXPIRED
    assert await _sign_in(person) == (403, "ACCOUNT_EXPIRED")


async def test_a_session_opened_later_ends_with_the_access(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await _patch(admin, person, access_expires_at=_text(running.clock.now() + timedelta(minutes=10)))
    person = await people.signed_in(person)
    running.clock.move(minutes=9.9)
    assert (await person.get("/api/auth/whoami")).status_code == 200
    running.clock.move(minutes=0.2)
    assert (await person.get("/api/auth/whoami")).status_code == 401


async def test_opening_an_expired_account_takes_the_end_away(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await _patch(admin, person, access_expires_at=_text(running.clock.now() + timedelta(minutes=1)))
    running.clock.move(minutes=2)
    await retention.catch_up(running.context)
    answer = await _patch(await people.signed_in(admin), person, status="active")

    assert (answer.json()["status"], answer.json()["access_expires_at"]) == ("active", None)
    assert await _sign_in(person) == (200, "")
    assert await retention.catch_up(running.context) == 0


async def test_an_administrators_access_has_no_end(running: Application, people: People) -> None:
    admin, other, person = await people.admin(), await people.admin(), await people.active()
    end = _text(running.clock.now() + timedelta(minutes=1))
    refused = await _patch(admin, other, access_expires_at=end)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "ADMIN_NEVER_EXPIRES")

    await _patch(admin, person, access_expires_at=end)
    promoted = await _patch(admin, person, role="admin")
    assert (promoted.json()["role"], promoted.json()["access_expires_at"]) == ("admin", None)


async def test_no_end_lies_in_the_past(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    answer = await _patch(admin, person, access_expires_at=_text(running.clock.now()))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "TOO_LATE")


async def test_a_suspension_with_an_end_ends_by_itself(running: Application, people: People) -> None:
    await people.admin()
    one, other = await people.active(), await people.active()
    until = running.clock.now() + timedelta(hours=1)
    async with unit_of_work(running.context) as services:
        for person in (one, other):
            await services.closing.suspend(None, person.id, "a week off", until=until)
    assert await _sign_in(one) == (403, "ACCOUNT_SUSPENDED")
    running.clock.move(hours=1)

    assert await _sign_in(one) == (200, "")  # before anybody has looked
    assert (await people.row(one)).status is Status.ACTIVE
    assert await retention.catch_up(running.context) == 1
    row = await people.row(other)
    assert (row.status, row.suspended_until, row.decision_reason) == (Status.ACTIVE, None, None)
    events = await people.audit("admin_user_activated")
    assert [(event.target_id, event.actor_id) for event in events] == [(one.id, None), (other.id, None)]


async def test_who_deactivates_their_account_is_out_and_can_be_let_in_again(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    unsure = await person.client.request("DELETE", f"{USERS}/me", headers=person.bearer)
    assert (unsure.status_code, unsure.json()["detail"]) == (400, "Account deactivation requires confirmation")
    sure = await person.client.request("DELETE", f"{USERS}/me", headers=person.bearer, json={"confirm": True})
    assert (sure.status_code, sure.json()["message"]) == (200, "Account deactivated successfully")

    assert (await person.get(f"{USERS}/me")).status_code == 401
    assert await _sign_in(person) == (403, "ACCOUNT_DEACTIVATED")
    assert (await _patch(admin, person, is_active=True)).status_code == 200
    assert await _sign_in(person) == (200, "")


async def test_a_deleted_account_comes_back_with_its_names_and_its_files(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    home = running.data_dir / "users" / str(person.id)
    (home / "graphs" / "work.json").write_text("{}")
    await admin.delete(f"/api/auth/admin/users/{person.id}")
    assert not home.exists()
    assert await _sign_in(person) == (401, "AUTH_INVALID_CREDENTIALS")

    restored = await _patch(admin, person, status="active")
    assert (restored.status_code, restored.json()["deleted_at"]) == (200, None)
    assert (home / "graphs" / "work.json").read_text() == "{}"
    assert (await person.get(f"{USERS}/me")).status_code == 401  # sessions of before stay ended
    assert await _sign_in(person) == (200, "")


async def test_a_name_that_somebody_else_has_now_keeps_an_account_deleted(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await admin.delete(f"/api/auth/admin/users/{person.id}")
    heir = await people.pending(username=person.username)
    answer = await _patch(admin, person, status="active")

    assert (answer.status_code, answer.json()["error_code"]) == (400, "AUTH_USERNAME_EXISTS")
    assert (await people.row(person)).status is Status.DELETED
    assert heir.id != person.id


@pytest.mark.settings(keep_deleted_days=7)
async def test_after_its_time_the_trash_is_emptied_and_there_is_no_way_back(
    running: Application, people: People
) -> None:
    admin, person = await people.admin(), await people.active()
    await admin.delete(f"/api/auth/admin/users/{person.id}")
    running.clock.move(days=8)
    removed = await retention.clean_up(running.context)
    answer = await _patch(await people.signed_in(admin), person, status="active")

    assert removed.directories == 1
    assert (answer.status_code, answer.json()["error_code"]) == (400, "TOO_LATE")
    assert not list((running.data_dir / "trash").iterdir())


async def test_a_wrong_status_is_a_conflict_that_says_why(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    for status in ("pending", "rejected", "deactivated", "anonymized"):
        answer = await _patch(admin, person, status=status)
        assert (answer.status_code, answer.json()["error_code"]) == (409, "INVALID_TRANSITION"), status
        assert f"active cannot become {status}" in answer.json()["detail"]
    assert (await people.row(person)).status is Status.ACTIVE


async def test_every_status_an_administrator_may_give_is_reached(people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    walk = ["rejected", "pending", "active", "suspended", "active", "expired", "active", "deleted", "active"]
    for status in walk:
        answer = await _patch(admin, person, status=status, reason="because")
        assert (answer.status_code, answer.json()["status"]) == (200, status), (status, answer.text)
    found = [event.details["became"] for event in await people.audit(about=person) if "became" in event.details]
    assert found == walk


async def test_what_was_kept_long_enough_is_removed_and_nothing_else(running: Application, people: People) -> None:
    await people.admin()
    person = await people.pending()
    async with unit_of_work(running.context) as services:
        await services.decisions.approve(person.id, by=None)
    await running.mails()
    person = await people.signed_in(person)
    assert not (await retention.clean_up(running.context)).anything

    running.clock.move(days=29)
    assert not (await retention.clean_up(running.context)).anything
    running.clock.move(days=3)
    fresh = await people.signed_in(person)
    removed = await retention.clean_up(running.context)

    assert (removed.sessions, removed.mails) == (2, 3)
    assert (await fresh.get(f"{USERS}/me")).json()["session_count"] == 1
    assert (await people.audit("admin_user_approved")) != []


async def test_a_deleted_administrator_can_be_erased_and_is_none_any_more(people: People) -> None:
    admin, former = await people.admin(), await people.admin()
    refused = await admin.delete(f"{USERS}/db/{former.username}")
    assert (refused.status_code, refused.json()["detail"]) == (400, "Demote first")
    await admin.delete(f"{USERS}/{former.username}")

    assert (await admin.delete(f"{USERS}/db/{former.username}")).status_code == 200
    assert (await people.row(former)).role is Role.USER


async def test_a_suspension_that_ends_gives_nobody_more_time(running: Application, people: People) -> None:
    await people.admin()
    person, now = await people.active(), running.clock.now()
    async with unit_of_work(running.context) as services:
        await services.closing.set_end(None, person.id, now + timedelta(hours=1))
        await services.closing.suspend(None, person.id, until=now + timedelta(hours=2))
    running.clock.move(hours=3)

    assert await _sign_in(person) == (403, "ACCOUNT_EXPIRED")
    assert await retention.catch_up(running.context) == 1
    row = await people.row(person)
    assert (row.status, row.access_expires_at) == (Status.EXPIRED, now + timedelta(hours=1))


async def test_an_end_set_for_later_survives_an_end_taken_back(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    end = running.clock.now() + timedelta(days=10)
    await _patch(admin, person, access_expires_at=_text(end))
    await _patch(admin, person, status="expired")
    await _patch(admin, person, status="active")
    assert (await people.row(person)).access_expires_at == end


async def test_a_deleted_suspension_comes_back_with_its_end(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    until = running.clock.now() + timedelta(days=2)
    async with unit_of_work(running.context) as services:
        await services.closing.suspend(None, person.id, until=until)
    for status in ("deleted", "suspended"):
        assert (await _patch(admin, person, status=status)).status_code == 200
    assert (await people.row(person)).suspended_until == until


async def test_a_restore_that_overtakes_the_move_to_the_trash_keeps_the_files(
    running: Application, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, person = await people.admin(), await people.active()
    home = running.data_dir / "users" / str(person.id)
    (home / "work.txt").write_text("mine")
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def later(context: Context, id_: UUID) -> None:
        reached.set()
        await go_on.wait()
        await setting_aside.withdraw(context, id_)

    monkeypatch.setattr("backend.services.deletion.withdraw", later)
    deleting = asyncio.create_task(admin.delete(f"{USERS}/{person.id}"))
    await reached.wait()
    restored = await _patch(admin, person, status="active")
    go_on.set()
    assert ((await deleting).status_code, restored.status_code) == (200, 200)
    assert (home / "work.txt").read_text() == "mine"


async def test_a_lost_home_is_repaired_from_the_trash(running: Application, people: People) -> None:
    person = await people.active()
    home = running.data_dir / "users" / str(person.id)
    (home / "work.txt").write_text("mine")
    running.context.provisioner.withdraw(person.id, running.clock.now())
    await provisioning.repair(running.context, settled=0)
    assert (home / "work.txt").read_text() == "mine"


async def test_nobody_is_named_in_what_others_were_refused(people: People) -> None:
    admin, person, other = await people.admin(), await people.active(), await people.active()
    assert (await other.delete(f"{USERS}/{person.username}")).status_code == 403
    await admin.delete(f"{USERS}/db/{person.username}")
    (refused,) = await people.audit("refused")
    assert refused.details["path"] == f"{USERS}/{{user}}"


async def test_an_address_taken_as_proven_is_on_record(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await _patch(admin, person, is_verified=True)
    (event,) = await people.audit("admin_user_update")
    assert event.details["changes"] == [{"field": "is_verified", "old": False, "new": True}]


async def test_many_with_one_base_cost_a_few_questions_each(people: People) -> None:
    await people.admin()
    names = set()
    for number in range(1, 6):
        body = {"email": f"info@example{number}.org", "password": "correct horse battery"}
        answer = await people.client.post(f"{USERS}/register", json=body)
        names.add(answer.json()["username"])
    assert len(names) == 5
    assert all(name.startswith("info") for name in names)


async def test_the_end_of_a_suspension_is_set_moved_and_taken_away(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    first, later = (running.clock.now() + timedelta(days=days) for days in (1, 2))
    answer = await _patch(admin, person, status="suspended", suspended_until=_text(first), reason="a rest")
    assert (await people.row(person)).suspended_until == first
    assert answer.json()["suspended_until"] is not None

    await _patch(admin, person, suspended_until=_text(later))
    row = await people.row(person)
    assert (row.suspended_until, row.decision_reason) == (later, "a rest")
    await _patch(admin, person, suspended_until=None)
    assert (await people.row(person)).suspended_until is None
    await _patch(admin, person, status="active")
    refused = await _patch(admin, person, suspended_until=_text(later))
    assert (refused.status_code, refused.json()["error_code"]) == (409, "INVALID_TRANSITION")
