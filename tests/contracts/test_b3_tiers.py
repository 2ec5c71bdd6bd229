"""Dialect B3: tiers, their limits, and which account has which; and `tier_id` wherever accounts are shown."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from itertools import cycle, product
from typing import Any, Final
from uuid import uuid4

import pytest

from backend.api_paths import why_idle
from backend.errors import AdminRequired, LimitExists, TierExists, TierInUse
from backend.models import Role, Status, Tier, TierLimit, User
from backend.services import Services, unit_of_work
from backend.services.audit import Action
from tests.application import Application
from tests.contracts.answers import TIME, code, refusal
from tests.contracts.dialect_b import ME, NUMBERS, STATS, USER, USERS, accounts, body_of, found, named, of, walked
from tests.factories import PASSWORD, People, Person

TIERS: Final = "/api/v1/tiers"
LIMITS: Final = "/api/v1/tiers/gold/rate-limits"
LIMIT: Final = {"path": "/api/v1/users", "limit": 5, "period": 60}
NOWHERE: Final = {
    "/api/v1/user": "/api/v1/users",
    "/api/v1/users/me/export/zip/": "/api/v1/users/me/export",
    "/api/auth/who-am-i": "/api/auth/whoami",
    "/api/v1/tiers/{name}/rate-limit": "/api/v1/tiers/{name}/rate-limits",
}
FREE: Final = {
    *(f"/api/auth/{one}" for one in ("config", "login", "register", "verify", "request-verify-token")),
    *(f"/api/auth/{one}" for one in ("forgot-password", "reset-password", "change-password")),
    *(f"/api/auth/jwt/{one}" for one in ("login", "logout")),
    *(f"/api/v1/auth/{one}" for one in ("register", "login", "logout", "refresh", "refresh-csrf", "check-auth")),
    *(f"/api/v1/users/{one}" for one in ("register", "signin", "signout", "signout-sessions")),
    *(f"/api/v1/users/reset-password/{one}" for one in ("request", "confirm")),
    *(f"/api/v1/organizations/invitations/{one}" for one in ("look", "decline")),
    "/api/v1/auth/users/me/password",
    "/api/v1/users/me/change-password",
}
"""Where nobody is signed in yet, or whoever is must not be kept from leaving or from being safe."""
PAGE: Final = {"has_more": False, "page": 1, "items_per_page": 10}
NO_NAMES: Final = ["", "   ", "a/b", "a\nb", "x" * 65, "..", "a\u202eb", "\ufdfa" * 20, None, 7, ["gold"]]
"""What no tier can be called; one of them is short as typed and long as compared."""
NO_TIER_IDS: Final = [True, 1.0, "1", 10**12, -(10**400), [1], {}]
BAD_LIMITS: Final[list[dict[str, Any]]] = [
    *({"limit": wrong} for wrong in (0, -1, 10**12, True, 5.0, "5", None)),
    *({"period": wrong} for wrong in (0, -1, 31 * 86400 + 1, True, 60.5, "60", None)),
    *({"path": wrong} for wrong in ("", "/", "api", "/apis", "/health", "/API/v1", "https://example.org/api", None)),
    *(
        {"path": f"/api/{wrong}"}
        for wrong in ("a//b", "..", "./a", "a?b=c", "a#b", "%2e", "{}", "{a}b", "ü", "x" * 200)
    ),
    *({"name": wrong} for wrong in ("x" * 101, "a\nb", 7)),
    {"unknown": 1},
]


@pytest.fixture
async def admin(people: People) -> Person:
    return await people.admin()


async def _tier(admin: Person, name: str = "gold", **more: object) -> dict[str, Any]:
    tier: dict[str, Any] = body_of(await admin.post(TIERS, {"name": name, **more}), 201)
    return tier


async def test_a_tier_is_made_shown_renamed_and_deleted(admin: Person, people: People) -> None:
    made = await _tier(admin, " Gold ")
    assert made == {"id": made["id"], "name": "Gold", "is_default": False} | {
        k: made[k] for k in made if k[-3:] == "_at"
    }
    assert TIME.fullmatch(made["created_at"])
    assert body_of(await admin.get(f"{TIERS}/GOLD")) == made
    changed = body_of(await admin.patch(f"{TIERS}/gold/", {"name": "Größe ½"}))
    assert (changed["name"], changed["message"]) == ("Größe ½", "Tier updated successfully")
    assert body_of(await admin.get(f"{TIERS}/GRÖSSE 1\u20442"))["id"] == made["id"]
    assert body_of(await admin.patch(f"{TIERS}/größe ½", {}))["updated_at"] == changed["updated_at"]
    assert body_of(await admin.delete(f"{TIERS}/größe ½")) == {"message": "Tier deleted successfully"}
    for method in ("GET", "PATCH", "DELETE"):
        gone = await admin.client.request(method, f"{TIERS}/gold", headers=admin.bearer, json={})
        assert refusal(gone) == (404, "TIER_NOT_FOUND", "Tier not found")
    for action in (Action.TIER_CREATED, Action.TIER_UPDATED, Action.TIER_DELETED):
        (record,) = await people.audit(action)
        assert (record.actor_id, record.details["tier_id"]) == (admin.id, made["id"])


async def test_tiers_are_listed_by_name_a_page_at_a_time(admin: Person) -> None:
    assert body_of(await admin.get(TIERS)) == {**PAGE, "data": [], "total_count": 0}
    for name in ("silver", "Bronze", "gold"):
        await _tier(admin, name)
    first = body_of(await admin.get(TIERS, params={"size": 2}))
    rest = body_of(await admin.get(TIERS, params={"items_per_page": 2, "page": 2}))
    assert [tier["name"] for tier in first["data"] + rest["data"]] == ["Bronze", "gold", "silver"]
    assert [(page["has_more"], page["total_count"]) for page in (first, rest)] == [(True, 3), (False, 3)]
    for wrong in ({"page": 0}, {"size": 101}, {"size": 1, "items_per_page": 1}, {"cursor": "x"}):
        assert code(await admin.get(TIERS, params=wrong)) == (422, "VALIDATION_ERROR")


async def test_names_of_tiers_are_checked_and_taken_once_whatever_their_case(admin: Person) -> None:
    await _tier(admin)
    await _tier(admin, "silver")
    for wrong in NO_NAMES:
        for answer in (await admin.post(TIERS, {"name": wrong}), await admin.patch(f"{TIERS}/gold", {"name": wrong})):
            assert code(answer)[0] == 422, wrong
    taken = "A tier with this name already exists. Choose another name."
    for name in ("gold", " GOLD", "\uff47old"):
        assert refusal(await admin.post(TIERS, {"name": name})) == (409, "TIER_EXISTS", taken)
        assert code(await admin.patch(f"{TIERS}/silver", {"name": name})) == (409, "TIER_EXISTS")
    assert body_of(await admin.patch(f"{TIERS}/gold", {"name": "GOLD"}))["name"] == "GOLD"
    bodies: list[Any] = [
        {},
        [],
        *({"name": "a", **more} for more in ({"id": 1}, {"is_default": 1}, {"is_default": None})),
    ]
    for body in bodies:
        assert code(await admin.post(TIERS, body)) == (422, "VALIDATION_ERROR")


async def test_there_is_one_default_tier_at_most(admin: Person) -> None:
    await _tier(admin, "free", is_default=True)
    await _tier(admin, "gold")
    assert body_of(await admin.patch(f"{TIERS}/gold", {"is_default": True}))["is_default"] is True
    assert body_of(await admin.get(f"{TIERS}/free"))["is_default"] is False
    await _tier(admin, "basic", is_default=True)
    assert [tier["is_default"] for tier in body_of(await admin.get(TIERS))["data"]] == [True, False, False]
    body_of(await admin.patch(f"{TIERS}/basic", {"is_default": False}))
    assert not any(tier["is_default"] for tier in body_of(await admin.get(TIERS))["data"])


async def test_a_limit_is_added_shown_changed_and_removed(admin: Person) -> None:
    tier = await _tier(admin)
    made = body_of(await admin.post(LIMITS, {**LIMIT, "path": "/api/v1/users/"}), 201)
    assert made | {"id": made["id"], "tier_id": tier["id"], "name": "/api/v1/users", **LIMIT} == made
    assert body_of(await admin.get(f"{LIMITS}/{made['id']}")) == made
    assert body_of(await admin.get(LIMITS)) == {**PAGE, "data": [made], "total_count": 1}
    changed = body_of(await admin.patch(f"{LIMITS}/{made['id']}", {"limit": 7, "path": "/api/v1/users/{user}/tier"}))
    assert (changed["limit"], changed["period"], changed["name"]) == (7, 60, "/api/v1/users/{user}/tier")
    assert body_of(await admin.patch(f"{LIMITS}/{made['id']}", {"name": "few"}))["name"] == "few"
    other = body_of(
        await admin.post(LIMITS, {"path": "/api", "limit": 10**9, "period": 31 * 86400, "name": "all"}), 201
    )
    for path in ("/api/v1/users/{user}/tier/", "/api/v1/users/{who}/tier"):
        assert code(await admin.post(LIMITS, {**LIMIT, "path": path})) == (409, "LIMIT_EXISTS")
        assert code(await admin.patch(f"{LIMITS}/{other['id']}", {"path": path})) == (409, "LIMIT_EXISTS")
    assert body_of(await admin.delete(f"{LIMITS}/{made['id']}")) == {"message": "Rate limit deleted successfully"}
    assert [limit["name"] for limit in body_of(await admin.get(LIMITS))["data"]] == ["all"]


async def test_a_limit_that_cannot_be_is_refused_with_the_reason(admin: Person) -> None:
    await _tier(admin)
    made = body_of(await admin.post(LIMITS, LIMIT), 201)
    for wrong in BAD_LIMITS:
        new, changed = await admin.post(LIMITS, {**LIMIT, **wrong}), await admin.patch(f"{LIMITS}/{made['id']}", wrong)
        assert [code(answer)[0] for answer in (new, changed)] == [422, 422], wrong
    for key in LIMIT:
        assert code(await admin.post(LIMITS, {k: v for k, v in LIMIT.items() if k != key})) == (422, "VALIDATION_ERROR")
    body = (await admin.post(LIMITS, {**LIMIT, "limit": 10**12})).json()
    assert body["detail"] == [
        {
            "loc": ["body", "limit"],
            "msg": "A limit must allow 1 to 1,000,000,000 requests.",
            "type": "invalid_limit",
        }
    ]
    assert body_of(await admin.get(LIMITS))["data"] == [made]


async def test_a_limit_that_could_never_count_is_refused_with_the_path_most_like_it(admin: Person) -> None:
    await _tier(admin)
    made = body_of(await admin.post(LIMITS, LIMIT), 201)
    for path, nearest in NOWHERE.items():
        for answer in (
            await admin.post(LIMITS, {**LIMIT, "path": path}),
            await admin.patch(f"{LIMITS}/{made['id']}", {"path": path}),
        ):
            assert code(answer) == (422, "INVALID_LIMIT"), path
            (item,) = answer.json()["detail"]
            assert (item["loc"], item["type"]) == (["body", "path"], "invalid_limit")
            assert item["msg"] == (
                f"The API has no path like {path.rstrip('/')}, so the limit would have no effect. "
                f"The most similar path is {nearest}."
            )
    assert body_of(await admin.get(LIMITS))["data"] == [made]


async def test_a_limit_for_a_path_at_which_nothing_is_counted_is_refused(running: Application, admin: Person) -> None:
    await _tier(admin)
    assert {path for path, counts in running.context.routes.items() if not counts} == FREE
    for path in (*FREE, "/api/auth/jwt", "/api/v1/users/register/"):
        answer = await admin.post(LIMITS, {**LIMIT, "path": path})
        assert code(answer) == (422, "INVALID_LIMIT"), path
        sentence = f"Requests to {path.rstrip('/')} are never counted, so the limit would have no effect. The most "
        assert answer.json()["detail"][0]["msg"].startswith(sentence)


async def test_whatever_is_answered_and_all_above_it_can_be_limited(running: Application, admin: Person) -> None:
    await _tier(admin)
    paths = running.context.routes
    assert len(paths) > 50
    counted = {path for path, counts in paths.items() if counts}
    above = {path.rpartition("/")[0] for path in counted}
    assert [path for path in {*counted, *above} if why_idle(path, paths)] == []
    for path in ("/api", "/api/v1/users/hannah", "/api/v1/{anything}", "/api/v1/users/db/hannah", f"{TIERS}/gold"):
        body_of(await admin.post(LIMITS, {**LIMIT, "path": path}), 201)


async def test_a_limit_of_before_is_changed_where_its_path_is_answered_no_more(
    running: Application, admin: Person
) -> None:
    await _tier(admin)
    async with unit_of_work(replace(running.context, routes={})) as work:  # as a command does it
        old = await work.tier_limits.add(None, "gold", path="/api/v0/people", amount=1, period=1)
    where = f"{LIMITS}/{old.id}"
    assert body_of(await admin.patch(where, {"path": "/api/v0/people/", "limit": 7}))["limit"] == 7
    assert code(await admin.patch(where, {"path": "/api/v0/peoples"})) == (422, "INVALID_LIMIT")
    assert body_of(await admin.patch(where, {"path": "/api/v1/users"}))["path"] == "/api/v1/users"


async def test_limits_are_found_in_their_own_tier_only(admin: Person) -> None:
    await _tier(admin)
    await _tier(admin, "silver")
    id_ = body_of(await admin.post(LIMITS, LIMIT), 201)["id"]
    for path in (f"{TIERS}/silver/rate-limits/{id_}", f"{LIMITS}/{id_ + 1}", f"{LIMITS}/0", f"{LIMITS}/{10**30}"):
        for method in ("GET", "PATCH", "DELETE"):
            answer = await admin.client.request(method, path, headers=admin.bearer, json={})
            assert refusal(answer) == (404, "LIMIT_NOT_FOUND", "Rate limit not found")
    assert code(await admin.get(f"{LIMITS}/x")) == (422, "VALIDATION_ERROR")
    for answer in (await admin.get(f"{TIERS}/tin/rate-limits"), await admin.post(f"{TIERS}/tin/rate-limits", LIMIT)):
        assert code(answer) == (404, "TIER_NOT_FOUND")
    body_of(await admin.delete(f"{TIERS}/gold"))
    assert code(await admin.get(f"{LIMITS}/{id_}")) == (404, "TIER_NOT_FOUND")


async def test_a_tier_is_given_and_taken_away_and_shown_with_the_account(admin: Person, people: People) -> None:
    tier, person = await _tier(admin), await people.active()
    for where in (named(person), of(person)):
        given = await admin.patch(f"{where}/tier", {"tier_id": tier["id"]})
        assert body_of(given) == {"message": "User tier updated successfully"}
    for path in (f"{named(person)}/tier", f"{of(person)}/tier"):
        shown = body_of(await person.get(path))
        assert shown.keys() > USER | {"tier_name", "tier_created_at"}
        assert (shown["tier_id"], shown["tier_name"]) == (tier["id"], "gold")
        assert shown["tier_created_at"] == tier["created_at"]
    own = body_of(await person.get(ME))
    assert own.keys() >= USER | NUMBERS
    listed = body_of(await admin.get(USERS, params={"query": person.username}))["data"]
    in_c = body_of(await person.get("/api/v1/auth/users/me"))["data"]
    assert {own["tier_id"], listed[0]["tier_id"], in_c["tier_id"]} == {tier["id"]}
    body_of(await admin.patch(f"{named(person)}/tier", {"tier_id": None}))
    shown = body_of(await person.get(f"{named(person)}/tier"))
    assert [shown[key] for key in ("tier_id", "tier_name", "tier_created_at")] == [None, None, None]
    records = await people.audit(Action.TIER_CHANGED)
    assert [record.details for record in records] == [
        {"was": None, "became": "gold"},
        {"was": "gold", "became": None},
    ]


async def test_a_tier_that_is_none_cannot_be_given(admin: Person, people: People) -> None:
    person = await people.active()
    path = f"{named(person)}/tier"
    for missing in (999_999, 0, -1):
        assert refusal(await admin.patch(path, {"tier_id": missing})) == (404, "TIER_NOT_FOUND", "Tier not found")
        assert code(await admin.patch(of(person), {"tier_id": missing})) == (404, "TIER_NOT_FOUND")
    for wrong in NO_TIER_IDS:
        for where in (path, of(person)):
            assert code(await admin.patch(where, {"tier_id": wrong})) == (422, "VALIDATION_ERROR"), wrong
    for body in ({}, None, {"tier_id": None, "tier": "gold"}):
        assert code(await admin.patch(path, body)) == (422, "VALIDATION_ERROR")
    for who in ("nobody", str(uuid4())):
        assert code(await admin.patch(f"{USERS}/{who}/tier", {"tier_id": None})) == (404, "USER_NOT_FOUND")
        assert code(await admin.get(f"{USERS}/{who}/tier")) == (404, "USER_NOT_FOUND")


async def test_administrators_change_it_with_the_account(admin: Person, people: People) -> None:
    tier, person = await _tier(admin), await people.active()
    changed = body_of(await admin.patch(of(person), {"tier_id": tier["id"], "full_name": "Ada"}))
    assert (changed["tier_id"], changed["full_name"]) == (tier["id"], "Ada")
    assert body_of(await admin.patch(of(person), {"tier_id": None}))["tier_id"] is None


async def test_nobody_gives_themselves_a_tier_or_sees_anothers(admin: Person, people: People) -> None:
    tier, person, other = await _tier(admin), await people.active(), await people.active()
    mine = {"tier_id": tier["id"]}
    for answer in (
        await person.patch(ME, mine),
        await person.patch(named(person), mine),
        await person.put("/api/v1/auth/users/me", mine),
    ):
        assert code(answer) == (422, "VALIDATION_ERROR")
    assert code(await person.patch(f"{named(person)}/tier", mine)) == (403, "ADMIN_REQUIRED")
    for who in (named(other), of(other), f"{USERS}/nobody"):
        for part in ("tier", "rate-limits"):
            assert refusal(await person.get(f"{who}/{part}")) == (403, "NOT_YOURS", "Cannot see another user")
    new = {"username": "newcomer", "email": "newcomer@example.org", "password": PASSWORD, "name": "New", **mine}
    for path, status in ((USERS, 422), (f"{USERS}/register", 422), ("/api/auth/register", 201)):
        assert (await person.client.post(path, json=new)).status_code == status
    assert body_of(await admin.get(f"{USERS}/newcomer/tier"))["tier_id"] is None
    assert body_of(await person.get(ME))["tier_id"] is None


async def test_the_limits_in_force_are_the_tiers_or_those_of_the_default_one(admin: Person, people: People) -> None:
    person = await people.active()
    path = f"{named(person)}/rate-limits"
    assert body_of(await person.get(path))["tier_rate_limits"] == []
    await _tier(admin, "free", is_default=True)
    gold = await _tier(admin)
    free = body_of(await admin.post(f"{TIERS}/free/rate-limits", {**LIMIT, "path": "/api/auth/whoami"}), 201)
    much = body_of(await admin.post(LIMITS, {**LIMIT, "limit": 1000}), 201)
    shown = body_of(await person.get(path))
    assert shown.keys() > USER | {"tier_rate_limits"}
    fields = ("id", "tier_id", "name", "path", "limit", "period")
    assert shown["tier_rate_limits"] == [{field: free[field] for field in fields}]
    body_of(await admin.patch(f"{named(person)}/tier", {"tier_id": gold["id"]}))
    assert body_of(await admin.get(path))["tier_rate_limits"] == [{field: much[field] for field in fields}]


async def test_a_tier_that_accounts_have_stays_and_tells_whose_it_is(admin: Person, people: People) -> None:
    tier = await _tier(admin, is_default=True)
    holders = [await people.active() for _ in range(4)]
    for person in holders:
        body_of(await admin.patch(f"{named(person)}/tier", {"tier_id": tier["id"]}))
    names = [person.username for person in holders]
    status, error, detail = refusal(await admin.delete(f"{TIERS}/gold"))
    assert (status, error) == (409, "TIER_IN_USE")
    assert detail == (
        f"4 accounts have the tier gold: among them {', '.join(names[:3])}. "
        "Give them another tier or none before you delete it."
    )
    body_of(await admin.delete(named(holders[0])))
    for person in holders[1:]:
        body_of(await admin.patch(f"{named(person)}/tier", {"tier_id": None}))
    assert refusal(await admin.delete(f"{TIERS}/gold"))[2].startswith(
        f"1 account has the tier gold: {names[0]} (deleted). "
    )
    body_of(await admin.delete(f"{USERS}/db/{names[0]}"))
    erased = await admin.patch(f"{of(holders[0])}/tier", {"tier_id": tier["id"]})
    assert code(erased) == (404, "USER_NOT_FOUND")
    body_of(await admin.delete(f"{TIERS}/gold"))


async def test_a_deleted_account_can_be_given_another_tier(admin: Person, people: People) -> None:
    tier, person = await _tier(admin), await people.active()
    body_of(await admin.patch(f"{named(person)}/tier", {"tier_id": tier["id"]}))
    body_of(await admin.delete(named(person)))
    assert body_of(await admin.get(f"{named(person)}/tier"))["tier_name"] == "gold"
    body_of(await admin.patch(f"{of(person)}/tier", {"tier_id": None}))
    body_of(await admin.delete(f"{TIERS}/gold"))


async def test_tiers_are_for_administrators(running: Application, people: People) -> None:
    approver = await people.approver()
    for method, path in (("GET", TIERS), ("POST", TIERS), ("GET", LIMITS), ("PATCH", f"{TIERS}/gold")):
        answer = await approver.client.request(method, path, headers=approver.bearer, json={})
        assert code(answer) == (403, "ADMIN_REQUIRED")
        assert code(await running.client.request(method, path, json={})) == (401, "NOT_AUTHENTICATED")


async def test_lists_show_who_was_given_a_tier_whatever_else_they_ask_for(admin: Person, people: People) -> None:
    tiers = [await _tier(admin), await _tier(admin, "silver", is_default=True)]
    roles, states = [Role.USER, Role.APPROVER], [Status.ACTIVE, Status.PENDING, Status.SUSPENDED, Status.DELETED]
    rows = [
        {"role": role, "status": status, "tier_id": tier and tier["id"], "full_name": f"Name {number % 3}"}
        for number, (tier, role, status) in enumerate(product([*tiers, None], roles, states))
    ]
    rows = [{**row, "username": f"row{number:02}"} for number, row in enumerate(rows)]
    made = await accounts(people, rows)
    asked: list[tuple[dict[str, str], Callable[[User], bool]]] = [
        ({}, lambda user: user.status is not Status.DELETED),
        ({"status": "deleted"}, lambda user: user.status is Status.DELETED),
        ({"role": "approver"}, lambda user: user.role is Role.APPROVER and user.status is not Status.DELETED),
        ({"role": "user", "is_active": "true"}, lambda user: user.role is Role.USER and user.is_active),
        ({"query": "name 1"}, lambda user: user.full_name == "Name 1" and user.status is not Status.DELETED),
        ({"query": "name 1", "role": "user"}, lambda user: user.full_name == "Name 1" and user.role is Role.USER),
        ({"created_after": "2020-01-01", "status": "pending"}, lambda user: user.status is Status.PENDING),
        ({"created_before": "2020-01-01"}, lambda user: user.status is None),
    ]
    orders = cycle(("created_at", "full_name", "last_login"))
    for tier, (query, fits) in product(tiers, asked):
        wanted = [user for user in made if user.tier_id == tier["id"] and fits(user)]
        if "query" in query:
            wanted = [user for user in wanted if user.status is not Status.DELETED]
        assert await found(admin, **query, tier_id=tier["id"]) == [user.username for user in wanted], query
        order = next(orders)
        ids = await walked(admin, **query, tier_id=tier["id"], sort_by=order, items_per_page=2)
        assert sorted(ids) == sorted(str(user.id) for user in wanted), (query, order)
    assert await found(admin, tier_id=10**9) == []
    assert body_of(await admin.get(STATS))["by_tier"] == {"gold": 6, "silver": 6}
    for wrong in ("x", "0", "-1", 10**12, "1.5", "true"):
        assert code(await admin.get(USERS, params={"tier_id": wrong})) == (422, "VALIDATION_ERROR")
    exported = await admin.get(f"{USERS}/export", params={"tier_id": tiers[0]["id"], "status": "deleted"})
    assert len(exported.text.splitlines()) == 3


async def test_of_two_at_the_same_moment_one_wins_and_the_other_hears_why(admin: Person, people: People) -> None:
    person = await people.active()
    for number in range(6):
        tier = await _tier(admin, f"tier{number}")
        where, give = f"{TIERS}/tier{number}", partial(admin.patch, f"{named(person)}/tier")
        deleted, given = await asyncio.gather(admin.delete(where), give({"tier_id": tier["id"]}))
        outcome = deleted.status_code, given.status_code
        assert outcome in {(200, 404), (409, 200)}
        assert (await people.row(person)).tier_id == (tier["id"] if outcome == (409, 200) else None)
        body_of(await give({"tier_id": None}))
    for path, body in ((TIERS, {"name": "gold"}), (LIMITS, LIMIT)):
        answers = await asyncio.gather(*[admin.post(path, body) for _ in range(4)])
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    defaults = [admin.post(TIERS, {"name": f"default{number}", "is_default": True}) for number in range(4)]
    assert [answer.status_code for answer in await asyncio.gather(*defaults)] == [201] * 4
    listed = body_of(await admin.get(TIERS, params={"size": 100}))["data"]
    assert [tier["is_default"] for tier in listed].count(True) == 1


async def test_the_database_has_the_last_word(running: Application, people: People) -> None:
    """What the services would refuse before it comes so far."""
    person = await people.active()
    async with unit_of_work(running.context) as work:
        tier = await work.tiers.create(None, "gold", is_default=True)
        await work.tier_holders.assign(None, person.id, tier.id)
        limit = await work.tier_limits.add(None, "gold", path="/api", amount=1, period=1)
    for changes in ({"name_key": "gold", "is_default": False}, {"name_key": "other", "is_default": True}):
        twin = Tier(**{**tier.model_dump(exclude={"id"}), **changes})
        with pytest.raises(TierExists):
            async with unit_of_work(running.context) as work:
                await work.tiers.store.save(twin)
    with pytest.raises(LimitExists):
        async with unit_of_work(running.context) as work:
            await work.tier_limits.store.save_limit(TierLimit(**limit.model_dump(exclude={"id"})))
    with pytest.raises(TierInUse):
        async with unit_of_work(running.context) as work:
            await work.tiers.store.delete(await work.tiers.one("gold"))


async def test_rights_are_asked_for_again_when_the_change_is_made(running: Application, people: People) -> None:
    admin, approver = await people.admin(), await people.approver()
    await _tier(admin)
    id_ = body_of(await admin.post(LIMITS, LIMIT), 201)["id"]
    acts: list[Callable[[Services], Awaitable[object]]] = [
        lambda work: work.tiers.create(approver.id, "silver"),
        lambda work: work.tiers.update(approver.id, "gold", new_name="silver"),
        lambda work: work.tiers.delete(approver.id, "gold"),
        lambda work: work.tier_holders.assign(approver.id, approver.id, None),
        lambda work: work.tier_limits.add(approver.id, "gold", path="/api", amount=1, period=1),
        lambda work: work.tier_limits.change(approver.id, "gold", id_, {"amount": 1}),
        lambda work: work.tier_limits.remove(approver.id, "gold", id_),
    ]
    for act in acts:
        with pytest.raises(AdminRequired):
            async with unit_of_work(running.context) as work:
                await act(work)
