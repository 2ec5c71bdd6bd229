"""`/admin/users`, `/admin/pending-approvals` and `/admin/stats`: who is there."""

import pytest

from backend.models import Status
from tests.application import Application
from tests.contracts.answers import TIME, code
from tests.factories import People

USERS, PENDING, STATS = (f"/api/auth/admin/{name}" for name in ("users", "pending-approvals", "stats"))


async def test_the_list_tells_all_about_each_account_newest_first(people: People) -> None:
    admin = await people.admin()
    person = await people.pending(approval_note="For my thesis", institution="TU")
    body = (await admin.get(USERS)).json()
    newest, oldest = body.pop("users")
    assert body == {"total": 2, "superusers": 1, "active_users": 1, "next_cursor": None}
    assert oldest["id"] == str(admin.id)
    assert TIME.fullmatch(newest.pop("created_at"))
    flags = {"is_active": False, "is_superuser": False, "is_verified": False, "is_approved": False}
    texts = {"username": person.username, "email": person.email, "approval_note": "For my thesis", "institution": "TU"}
    assert newest == {"id": str(person.id), **texts, **flags, "approved_by": None, "approved_at": None}


async def test_gone_accounts_are_left_out(people: People) -> None:
    admin = await people.admin()
    shown = {str((await people.in_status(status)).id) for status in Status if status not in {"deleted", "anonymized"}}
    for status in (Status.DELETED, Status.ANONYMIZED):
        await people.in_status(status)
    body = (await admin.get(USERS)).json()
    assert {user["id"] for user in body["users"]} == shown | {str(admin.id)}
    assert (body["total"], body["active_users"], body["superusers"]) == (7, 2, 1)


@pytest.mark.parametrize(("path", "key"), [(USERS, "users"), (PENDING, "pending_users")])
async def test_a_long_list_comes_by_the_thousand(people: People, path: str, key: str) -> None:
    admin = await people.admin()
    crowd = {str(id_) for id_ in await people.crowd(1001, Status.PENDING)}
    first = (await admin.get(path)).json()
    second = (await admin.get(path, params={"cursor": first["next_cursor"]})).json()
    found = [user["id"] for user in (*first[key], *second[key])]
    assert (len(first[key]), second["next_cursor"]) == (1000, None)
    assert len(set(found)) == len(found)
    assert set(found) >= crowd
    assert {page.get("count", 1001) for page in (first, second)} == {1001}


async def test_a_foreign_cursor_is_refused(people: People) -> None:
    admin = await people.admin()
    cursors = ("x", "!", "bm90IG91cnM", "MjAyNi0wMS0wMSB4", "é")
    answers = [await admin.get(path, params={"cursor": cursor}) for path in (USERS, PENDING) for cursor in cursors]
    assert {code(answer) for answer in answers} == {(400, "INVALID_CURSOR")}


async def test_who_waits_longest_is_first(people: People) -> None:
    admin = await people.admin()
    first = await people.pending(approval_note="For my thesis", institution="TU")
    second = await people.pending()
    body = (await admin.get(PENDING)).json()
    assert (body["count"], body["next_cursor"]) == (2, None)
    assert [user["id"] for user in body["pending_users"]] == [str(first.id), str(second.id)]
    applicant = body["pending_users"][0]
    assert TIME.fullmatch(applicant.pop("created_at"))
    texts = {"username": first.username, "email": first.email, "approval_note": "For my thesis", "institution": "TU"}
    assert applicant == {"id": str(first.id), **texts, "is_active": False}


async def test_only_undecided_people_wait(people: People) -> None:
    admin = await people.admin()
    for status in Status:
        await people.in_status(status)
    body = (await admin.get(PENDING)).json()
    assert (body["count"], len(body["pending_users"])) == (1, 1)


async def test_stats_count_the_accounts(running: Application, people: People) -> None:
    admin = await people.admin()
    begun = (await people.row(admin)).created_at
    running.clock.move(minutes=1)
    for status in (Status.ACTIVE, Status.PENDING, Status.SUSPENDED, Status.DELETED):
        await people.in_status(status)
    stats = (await admin.get(STATS)).json()
    first = stats.pop("system_info")
    assert stats == {
        "total_users": 4,
        "active_users": 2,
        "inactive_users": 2,
        "superusers": 1,
        "regular_users": 3,
    }
    assert first["has_superusers"] is True
    assert TIME.fullmatch(first["first_user_created"])
    assert first["first_user_created"][:19] == begun.isoformat()[:19]
