"""From asking for an account to being let in, or not."""

import httpx
import pytest

from backend.errors import LastAdmin
from backend.models import MailPurpose, Role, Status
from backend.services import unit_of_work
from tests.application import Application
from tests.factories import PASSWORD, People

ADA = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}


async def _sign_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/auth/login", json={"username_or_email": name, "password": password})


async def test_the_first_person_becomes_the_administrator_and_the_second_waits(client: httpx.AsyncClient) -> None:
    first = await client.post("/api/auth/register", json=ADA)
    second = await client.post("/api/auth/register", json={**ADA, "username": "bob", "email": "bob@example.org"})

    assert (first.json()["is_superuser"], first.json()["is_active"], first.json()["is_approved"]) == (True, True, True)
    assert (second.json()["is_superuser"], second.json()["is_active"]) == (False, False)
    assert (second.json()["is_approved"], second.json()["approved_at"]) == (False, None)


async def test_an_applicant_waits_looks_where_they_stand_and_is_let_in(running: Application, people: People) -> None:
    admin, browser = await people.admin(), running.browser()
    arrived = await browser.post("/register", data={**ADA, "approval_note": "I tend the looms"})
    waiting = await browser.get("/waiting")
    refused = await _sign_in(browser, "ada")
    listed = (await admin.get("/api/auth/admin/pending-approvals")).json()
    applicant = listed["pending_users"][0]
    let_in = await admin.post(f"/api/auth/admin/users/{applicant['id']}/approve", {"approved": True})
    seen = await browser.get("/waiting")
    by_name, by_mail = await _sign_in(browser, "ADA"), await _sign_in(browser, "Ada@Example.org")
    token = by_mail.json()["access_token"]
    who = await browser.get("/api/auth/whoami", headers={"Authorization": f"Bearer {token}"})

    assert (arrived.status_code, arrived.headers["location"]) == (303, "/waiting")
    assert "Your request is waiting for review" in waiting.text
    assert (refused.status_code, refused.json()["error_code"]) == (403, "ACCOUNT_PENDING")
    assert (listed["count"], applicant["approval_note"]) == (1, "I tend the looms")
    assert let_in.json()["user"]["approved_by"] == str(admin.id)
    assert "Your account is approved" in seen.text
    assert (by_name.status_code, by_mail.status_code) == (200, 200)
    assert who.json() == {"username": "ada", "id": applicant["id"], "is_superuser": False, "is_active": True}
    assert "account" in (await running.mails(MailPurpose.ACCOUNT_APPROVED))[-1].body


async def test_somebody_turned_away_reads_why_and_can_be_reconsidered(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    path = f"/api/auth/admin/users/{person.id}/approve"
    turned_away = await admin.post(path, {"approved": False, "reason": "Nobody here knows you"})
    told = await _sign_in(running.client, person.username)
    hasty = await admin.post(path, {"approved": True})
    thought_over = await admin.post(path, {"approved": True, "reconsider": True})

    assert (turned_away.status_code, turned_away.json()["user"]["approved_at"]) == (200, None)
    assert (told.status_code, told.json()["error_code"]) == (403, "ACCOUNT_REJECTED")
    assert "Nobody here knows you" in told.json()["detail"]
    assert (hasty.status_code, hasty.json()["error_code"]) == (409, "ALREADY_DECIDED")
    assert thought_over.json()["user"]["is_active"] is True
    assert (await people.row(person)).decision_reason is None
    assert (await _sign_in(running.client, person.email)).status_code == 200
    decided = await people.audit("admin_user_rejected", "admin_user_approved", about=person)
    assert [(event.action, event.reason) for event in decided] == [
        ("admin_user_rejected", "Nobody here knows you"),
        ("admin_user_approved", None),
    ]


async def test_an_approver_decides_but_does_not_administer(people: People) -> None:
    await people.admin()
    approver, person = await people.approver(), await people.pending()
    decided = await approver.post(f"/api/auth/admin/users/{person.id}/approve", {"approved": True})
    promoted = await approver.post(f"/api/auth/admin/users/{person.id}/promote")

    assert decided.status_code == 200
    assert (promoted.status_code, promoted.json()["error_code"]) == (403, "ADMIN_REQUIRED")


@pytest.mark.settings(registration="open")
async def test_an_open_door_lets_everybody_in_at_once(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    registered = (await client.post("/api/auth/register", json=ADA)).json()

    assert (registered["is_active"], registered["is_approved"], registered["approved_by"]) == (True, True, None)
    assert (await _sign_in(client, "ada")).status_code == 200


@pytest.mark.settings(registration="closed")
async def test_a_closed_door_takes_the_first_person_and_nobody_after(client: httpx.AsyncClient) -> None:
    first = await client.post("/api/auth/register", json=ADA)
    second = await client.post("/api/auth/register", json={**ADA, "username": "bob", "email": "bob@example.org"})

    assert (first.status_code, first.json()["is_superuser"]) == (201, True)
    assert (second.status_code, second.json()["error_code"]) == (403, "REGISTRATION_CLOSED")


@pytest.mark.settings(bootstrap="token")
async def test_where_a_token_is_asked_for_only_its_holder_becomes_the_first(running: Application) -> None:
    async with unit_of_work(running.context) as services:
        token = await services.bootstrap.new_token(renew=True)
    answers = [
        await running.client.post("/api/auth/register", json=ADA, headers=headers)
        for headers in ({}, {"X-Bootstrap-Token": "guess"}, {"X-Bootstrap-Token": token or ""})
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 201]
    assert answers[2].json()["is_superuser"] is True


@pytest.mark.settings(require_approval_note=True)
async def test_a_note_is_asked_of_applicants_but_never_of_the_first(client: httpx.AsyncClient) -> None:
    first = await client.post("/api/auth/register", json=ADA)
    bob = {**ADA, "username": "bob", "email": "bob@example.org"}
    silent = await client.post("/api/auth/register", json=bob)
    spoken = await client.post("/api/auth/register", json={**bob, "approval_note": "Looms", "institution": "Mill"})

    assert [first.status_code, silent.status_code, spoken.status_code] == [201, 422, 201]
    assert silent.json()["error_code"] == "APPROVAL_NOTE_REQUIRED"


@pytest.mark.settings(max_pending=2)
async def test_the_hall_holds_so_many_and_has_room_again_after_a_decision(running: Application, people: People) -> None:
    one, _ = await people.pending(), await people.pending()
    full = await running.client.post("/api/auth/register", json=ADA)
    async with unit_of_work(running.context) as services:
        await services.decisions.approve(one.id, by=None)
    room = await running.client.post("/api/auth/register", json=ADA)

    assert (full.status_code, full.json()["error_code"], room.status_code) == (503, "REGISTRATION_FULL", 201)
    assert int(full.headers["retry-after"]) > 0
    assert len(list((running.data_dir / "users").iterdir())) == 4


async def test_an_account_an_administrator_made_needs_no_decision(client: httpx.AsyncClient, people: People) -> None:
    admin = await people.admin()
    made = await admin.post("/api/auth/admin/users", ADA)
    listed = (await admin.get("/api/auth/admin/users")).json()["users"][0]

    assert (made.status_code, made.json()["user"]["is_active"]) == (200, True)
    assert (listed["approval_note"], listed["institution"]) == ("Created by admin", "Admin created")
    assert listed["approved_by"] == str(admin.id)
    assert (await _sign_in(client, "ada@example.org")).status_code == 200


async def test_an_account_made_inactive_is_suspended_until_it_is_opened(
    client: httpx.AsyncClient, people: People
) -> None:
    admin = await people.admin()
    made = (await admin.post("/api/auth/admin/users", {**ADA, "is_active": False})).json()["user"]
    shut = await _sign_in(client, "ada")
    await admin.put(f"/api/auth/admin/users/{made['id']}", {"is_active": True})

    assert (shut.status_code, shut.json()["error_code"]) == (400, "ACCOUNT_INACTIVE")
    assert (await _sign_in(client, "ada")).status_code == 200


async def test_a_deleted_name_is_free_at_once_and_the_work_lies_in_the_trash(
    running: Application, people: People
) -> None:
    admin, person = await people.admin(), await people.active()
    work = running.data_dir / "users" / str(person.id) / "nodes" / "work"
    work.write_text("years of it")
    deleted = await admin.delete(f"/api/auth/admin/users/{person.id}")
    again = {"username": person.username.upper(), "email": person.email, "password": PASSWORD}
    reborn = await running.client.post("/api/auth/register", json=again)
    trash = list((running.data_dir / "trash").glob(f"*/{person.id}-*"))

    assert deleted.json()["message"] == f"User '{person.username}' deleted successfully"
    assert (await person.get("/api/auth/whoami")).json()["error_code"] == "SESSION_REVOKED"
    assert reborn.status_code == 201
    assert reborn.json()["id"] != str(person.id)
    assert [(place / "nodes" / "work").read_text() for place in trash] == ["years of it"]
    assert not work.exists()


async def test_the_last_administrator_stays_in_office(running: Application, people: People) -> None:
    admin = await people.admin()
    for part, attempt in (("roles", "demote"), ("closing", "suspend"), ("deletion", "delete")):
        with pytest.raises(LastAdmin):
            async with unit_of_work(running.context) as services:
                await getattr(getattr(services, part), attempt)(None, admin.id)

    row = await people.row(admin)
    assert (row.role, row.status) == (Role.ADMIN, Status.ACTIVE)
    assert (await admin.get("/api/auth/admin/stats")).status_code == 200
