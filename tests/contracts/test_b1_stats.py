"""`GET /api/v1/users/stats`: the installation in numbers."""

from datetime import timedelta

import httpx

from backend.models import Role, Status
from tests.application import Application
from tests.contracts.answers import code
from tests.contracts.dialect_b import STATS, USERS, body_of, of
from tests.factories import People

KEYS = {
    *("total_users", "active_users", "inactive_users", "by_role", "by_status", "active_1d", "active_7d", "active_30d"),
    *("by_tier", "registrations"),
}


async def test_everybody_is_counted_once(people: People) -> None:
    admin = await people.admin()
    for status in Status:
        await people.in_status(status)
    await people.approver()
    stats = body_of(await admin.get(STATS))
    assert stats.keys() == KEYS
    assert (stats["total_users"], stats["active_users"], stats["inactive_users"]) == (8, 3, 5)
    assert stats["by_role"] == {"user": 6, "approver": 1, "admin": 1}
    assert stats["by_status"] == {**{str(status): 1 for status in Status}, "active": 3}
    assert stats["by_role"].keys() == set(Role)


async def test_numbers_follow_every_change(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    for body, active, total in (
        ({"status": "suspended"}, 1, 2),
        ({"is_active": True}, 2, 2),
        ({"status": "deleted"}, 1, 1),
        ({"status": "active"}, 2, 2),
    ):
        body_of(await admin.patch(of(person), body))
        stats = body_of(await admin.get(STATS))
        assert (stats["active_users"], stats["total_users"]) == (active, total)
    await admin.patch(of(person), {"role": "admin"})
    assert body_of(await admin.get(STATS))["by_role"] == {"user": 0, "approver": 0, "admin": 2}


async def test_days_are_counted_back_from_today(running: Application, people: People) -> None:
    await people.admin()
    for _ in range(2):
        await people.pending()
    running.clock.move(days=29)
    await people.pending()
    admin = await people.admin()
    days = body_of(await admin.get(STATS))["registrations"]
    today = running.clock.now().date()
    assert [day["date"] for day in days] == [str(today - timedelta(days=ago)) for ago in reversed(range(30))]
    assert {day["date"]: day["count"] for day in days if day["count"]} == {days[0]["date"]: 3, str(today): 2}
    running.clock.move(days=1)
    days = body_of(await (await people.signed_in(admin)).get(STATS))["registrations"]
    assert [day["count"] for day in days] == [*[0] * 28, 2, 0]


async def test_who_was_deleted_since_was_registered_all_the_same(people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    await admin.delete(of(person))
    assert body_of(await admin.get(STATS))["registrations"][-1]["count"] == 2


async def test_people_are_active_when_they_signed_in_lately(running: Application, people: People) -> None:
    cast = [await people.admin()]  # who signed in 31 days, 29 days, 8 days, 6 days, 26 hours, 23 hours, no time ago
    for hours in (48, 24 * 21, 48, 24 * 5 - 2, 3):
        running.clock.move(hours=hours)
        cast.append(await people.active())
    running.clock.move(hours=23)
    await people.pending()
    admin, gone = await people.admin(), await people.active()
    async with people.work() as services:
        await services.deletion.delete(None, gone.id)
    stats = body_of(await admin.get(STATS))
    assert (len(cast), [stats[name] for name in ("active_1d", "active_7d", "active_30d")]) == (6, [2, 4, 6])


async def test_a_second_sign_in_counts_nobody_twice(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    for _ in range(2):
        running.clock.move(hours=3)
        await people.signed_in(person)
    stats = body_of(await (await people.signed_in(admin)).get(STATS))
    assert [stats[name] for name in ("active_1d", "active_7d", "active_30d")] == [2, 2, 2]


async def test_lists_and_statistics_agree(people: People) -> None:
    admin = await people.admin()
    for status in Status:
        await people.in_status(status)
    stats = body_of(await admin.get(STATS))
    for status in Status:
        assert body_of(await admin.get(USERS, params={"status": status}))["total_count"] == stats["by_status"][status]
    for role in Role:
        assert body_of(await admin.get(USERS, params={"role": role}))["total_count"] == stats["by_role"][role]
    assert body_of(await admin.get(USERS))["total_count"] == stats["total_users"]
    assert body_of(await admin.get("/api/auth/admin/stats"))["total_users"] == stats["total_users"]


async def test_statistics_are_for_administrators(client: httpx.AsyncClient, people: People) -> None:
    assert code(await client.get(STATS)) == (401, "NOT_AUTHENTICATED")
    for person in (await people.active(), await people.approver()):
        assert code(await person.get(STATS)) == (403, "ADMIN_REQUIRED")
