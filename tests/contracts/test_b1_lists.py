"""`GET /api/v1/users`: filters, sort orders and pages, by number and by cursor."""

import base64
import itertools
import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from backend.models import GONE, Role, Status, User
from backend.stores import listings
from tests.application import Application
from tests.contracts.answers import TIME, code
from tests.contracts.dialect_b import USER, USERS, accounts, body_of, found, rows, walked
from tests.factories import People, Person

NAMES: Final = ["Anna", "anna", "Zoe", "", None, "anna b", "Bob", "bob", "_", "Émile", "Zoé"]
ORDERS: Final = ["created_at", "username", "email", "full_name", "name", "last_login"]
WAYS: Final[dict[str, dict[str, int]]] = {
    "as it is": {},
    "gathering": {"_GATHERING": 0, "_HANDFUL": 0},
    "walking": {"_GATHERING": 10**9, "_HANDFUL": 0},
    "walking in vain": {"_GATHERING": 10**9, "_LONG": 0, "_HANDFUL": 0},
    "picking": {"_GATHERING": 0, "_HANDFUL": 10**9, "_PART": 1},
}
"""How a list is read depends on its size; what it shows does not."""
PAGING: Final = ["total_count", "total_is_exact", "has_more", "page", "items_per_page", "next_cursor"]
BAD_LISTS: Final = [
    *("sort_by=hashed_password", "sort=id", "sort_by=(select 1)", "sort_by=created_at desc", "sort_order=up"),
    *("sort_order=DESC", "hashed_password=x", "fields=hashed_password", "is_superuser=true", "filter[role]=admin"),
    *("_=1", "rol=admin"),
    *("page=0", "page=-1", f"page={2**63}", f"page={10**400}", "page=1.5", "page=x", "page=%00", "page=1e3"),
    *("items_per_page=0", "items_per_page=101", "items_per_page=-1", f"size={2**63}", "size=x"),
    *("role=root", "role=ADMIN", "status=gone", "is_active=perhaps", "created_after=yesterday"),
    *("created_before=2026-02-30", f"query={'x' * 201}", f"cursor={'x' * 2001}", "query=%00"),
]


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


ID: Final = "01900000-0000-7000-8000-000000000000"
AT: Final = "2026-01-01T00:00:00+00:00"
NO_TEXTS: Final[list[object]] = [None, 7, "", "no id", [ID], {}]
BAD_CURSORS: Final = [
    *("garbage", "=", "%00", "A" * 1999, "é", "null", "W10", _cursor(), _cursor("created_at desc", ID, AT)),
    *(_cursor("created_at desc", ID, at, None) for at in (None, 7, "", "2026", "0001-01-01T00:00:00+14:00")),
    *(_cursor("created_at desc", id_, AT, None) for id_ in NO_TEXTS),
    *(_cursor(order, ID, AT, None) for order in ("created_at asc", "username desc", "hashed_password", *NO_TEXTS)),
    _cursor("created_at desc", ID, None, "text"),
    base64.urlsafe_b64encode(f"{AT} {ID}".encode()).decode(),
    base64.urlsafe_b64encode(b"[" * 1000).decode(),
]


@pytest.fixture
async def admin(people: People) -> Person:
    """Somebody who may look at lists."""
    return await people.admin()


async def crowd(people: People, size: int) -> list[User]:
    """Accounts of every kind, many of them alike in what lists are sorted by; the sort keys are plain enough."""
    dice, now = random.Random(7), people.context.clock.now()  # noqa: S311
    made = []
    for number in range(size):
        day, seen = now - timedelta(days=dice.randrange(4)), dice.choice([None, 1, 2])
        last_login = day + timedelta(hours=seen) if seen else None
        made.append(
            {
                "username": f"{dice.choice('aAbBzZ')}-{number}",
                "email": f"{dice.choice('aAbBzZ')}.{number}@example.org",
                "full_name": dice.choice(NAMES) or None,
                "institution": dice.choice(["New School", None]),
                "role": dice.choice(list(Role)),
                "status": dice.choice(list(Status)),
                "created_at": day,
                "last_login": last_login,
                "seen_at": last_login or day,
            }
        )
    return await accounts(people, made)


def plain(name: str) -> str:
    return name.casefold().replace("é", "e")


KEYS: Final[dict[str, Callable[[User], Any]]] = {
    "created_at": lambda user: user.created_at,
    "username": lambda user: user.username.casefold(),
    "email": lambda user: user.email.casefold(),
    "full_name": lambda user: plain(user.full_name or user.username),
    "name": lambda user: plain(user.full_name or user.username),
    "last_login": lambda user: user.last_login or user.created_at,
}


async def everybody(people: People) -> list[User]:
    """Every account that there is, as the database holds it."""
    return [User(**row) for row in (await rows(people)).values()]


async def test_a_page_tells_what_it_shows_and_how_to_go_on(people: People, admin: Person) -> None:
    await accounts(people, [{}] * 12)
    first = body_of(await admin.get(USERS))
    assert first.keys() == {"data", *PAGING}
    assert [len(first["data"]), *[first[name] for name in PAGING[:-1]]] == [10, 13, True, True, 1, 10]
    assert first["data"][0].keys() >= USER
    assert TIME.fullmatch(first["data"][0]["created_at"])
    second = body_of(await admin.get(USERS, params={"page": 2}))
    assert [len(second["data"]), *[second[name] for name in PAGING]] == [3, 13, True, False, 2, 10, None]
    by_cursor = body_of(await admin.get(USERS, params={"cursor": first["next_cursor"]}))
    assert by_cursor["data"] == second["data"]


async def test_a_page_beyond_the_end_is_empty(admin: Person) -> None:
    page = body_of(await admin.get(USERS, params={"page": 1_000_000, "items_per_page": 100}))
    assert (page["data"], page["total_count"], page["has_more"], page["next_cursor"]) == ([], 1, False, None)


async def test_names_of_parameters_that_mean_the_same(people: People, admin: Person) -> None:
    await accounts(people, [{"username": name} for name in ("anna", "annb", "zoe")])
    query = {"size": 2, "q": "ann", "sort": "username", "order": "asc"}
    page = body_of(await admin.get(USERS, params=query))
    assert ([user["username"] for user in page["data"]], page["items_per_page"]) == (["anna", "annb"], 2)
    long = {"items_per_page": 2, "query": "ann", "sort_by": "username", "sort_order": "asc"}
    assert body_of(await admin.get(USERS, params=long))["data"] == page["data"]
    both = [{"size": 2, "items_per_page": 2}, {"q": "a", "query": "a"}, {"sort": "email", "sort_by": "email"}]
    assert [code(await admin.get(USERS, params=two)) for two in both] == [(422, "VALIDATION_ERROR")] * 3


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_every_order_walked_by_cursor_and_by_number_is_the_order_of_its_key(
    people: People, admin: Person, order: str
) -> None:
    await crowd(people, 60)
    shown = [user for user in await everybody(people) if user.status not in GONE]
    for by in ORDERS:
        expected = sorted(shown, key=lambda user: (KEYS[by](user), user.id), reverse=order == "desc")
        ids, query = [str(user.id) for user in expected], {"sort_by": by, "sort_order": order}
        for size in (7, 100):
            assert await walked(admin, items_per_page=size, **query) == ids, (by, size)
        pages = [await admin.get(USERS, params={**query, "page": number, "size": 9}) for number in range(1, 8)]
        assert [user["id"] for page in pages for user in body_of(page)["data"]] == ids, by


async def test_a_cursor_goes_on_where_it_was_whoever_comes_or_goes(people: People, admin: Person) -> None:
    made = await accounts(people, [{"username": f"name{number:02}"} for number in range(10)])
    query = {"sort_by": "username", "sort_order": "asc", "items_per_page": 4, "query": "name"}
    first = body_of(await admin.get(USERS, params=query))
    await accounts(people, [{"username": "name00a"}])
    await admin.delete(f"{USERS}/{made[3].id}")
    second = body_of(await admin.get(USERS, params={**query, "cursor": first["next_cursor"]}))
    assert [user["username"] for user in second["data"]] == ["name04", "name05", "name06", "name07"]


async def test_every_filter_shows_whom_it_names_and_counts_them(
    people: People, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, dice = await crowd(people, 60), random.Random(11)  # noqa: S311
    days = sorted({user.created_at for user in made})
    choices: dict[str, list[Any]] = {
        "role": [None, *Role],
        "status": [None, *Status],
        "is_active": [None, True, False],
        "created_after": [None, days[1]],
        "created_before": [None, days[2]],
        "query": [None, "new sch", "an", "-1"],
    }
    singles = [{name: value} for name, values in choices.items() for value in values[1:]]
    everyone = await everybody(people)
    for way, sizes in WAYS.items():
        mixed = [{name: dice.choice(values) for name, values in choices.items()} for _ in range(12)]
        with monkeypatch.context() as patch:
            for name, value in sizes.items():
                patch.setattr(listings, name, value)
            for query in [{}, *singles, *mixed]:
                given = {name: value for name, value in query.items() if value is not None}
                written = {name: _written(value) for name, value in given.items()}
                expected = [user for user in everyone if fits(user, given)]
                assert await found(admin, **written) == sorted(user.username for user in expected), (way, given)
                by, order = dice.choice(ORDERS), dice.choice(["asc", "desc"])
                expected.sort(key=lambda user: (KEYS[by](user), user.id), reverse=order == "desc")
                page = {"sort_by": by, "sort_order": order, "items_per_page": dice.choice([5, 11, 30])}
                ids = await walked(admin, **written, **page)
                assert ids == [str(user.id) for user in expected], (way, given, page)


def fits(user: User, query: dict[str, Any]) -> bool:
    """Whether a list that is filtered so has to show an account."""
    words = plain(f"{user.username} {user.full_name or ''} {user.email} {user.institution or ''}")
    searched = query.get("query", "")
    return (
        ("status" in query or user.status not in GONE)
        and query.get("status", user.status) is user.status
        and query.get("role", user.role) is user.role
        and query.get("is_active", user.is_active) is user.is_active
        and query.get("created_after", user.created_at) <= user.created_at
        and ("created_before" not in query or user.created_at < query["created_before"])
        and (searched in words if len(searched) > 2 else any(word.startswith(searched) for word in words.split()))
    )


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


async def test_deleted_people_are_shown_to_who_asks_for_them(people: People, admin: Person) -> None:
    await accounts(people, [{"username": str(status), "status": status} for status in Status])
    assert await found(admin, is_active=False) == ["deactivated", "expired", "pending", "rejected", "suspended"]
    for status in Status:
        names = [str(status), *([admin.username] if status is Status.ACTIVE else [])]
        assert await found(admin, status=status) == sorted(names)
    assert await found(admin, status="deleted", is_active=True) == []
    assert await found(admin, status="deleted", query="del") == ["deleted"]
    assert await found(admin, query="deleted") == []


async def test_dates_may_have_any_zone_and_none_is_utc(people: People, admin: Person) -> None:
    noon = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    moments = {f"at{n}": noon + timedelta(minutes=n) for n in (0, 1, 2)}
    await accounts(people, [{"username": name, "created_at": at, "role": "approver"} for name, at in moments.items()])
    for written in ("2026-03-01T12:01:00Z", "2026-03-01T12:01:00", "2026-03-01T14:01:00+02:00"):
        assert await found(admin, role="approver", created_after=written) == ["at1", "at2"]
        assert await found(admin, role="approver", created_before=written) == ["at0"]
    assert await found(admin, role="approver", created_after="2026-03-01T12:02:00.000001Z") == []


async def test_a_list_that_cannot_be_is_refused(admin: Person) -> None:
    told = {query: code(await admin.get(f"{USERS}?{query}")) for query in BAD_LISTS}
    assert {query: found for query, found in told.items() if found != (422, "VALIDATION_ERROR")} == {}


async def test_moments_at_the_edge_of_time_are_answered(admin: Person) -> None:
    edges = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "9999-12-31", "0", "1e300"]
    edges += ["-62135596801", "253402300800", "1e18", "inf", "nan"]
    for name, edge in itertools.product(("created_after", "created_before"), edges):
        answer = await admin.get(USERS, params={name: edge})
        assert answer.status_code in {200, 422}, (name, edge, answer.text)


async def test_a_cursor_that_no_page_handed_out_is_refused(admin: Person) -> None:
    told = {cursor: code(await admin.get(USERS, params={"cursor": cursor})) for cursor in BAD_CURSORS}
    assert {cursor: found for cursor, found in told.items() if found != (400, "INVALID_CURSOR")} == {}


async def test_a_cursor_is_good_for_its_own_order_only(people: People, admin: Person) -> None:
    await accounts(people, [{}, {}])
    orders = list(itertools.product(("created_at", "username", "email", "full_name", "last_login"), ("asc", "desc")))
    handed = {}
    for by, order in orders:
        page = body_of(await admin.get(USERS, params={"sort_by": by, "sort_order": order, "size": 1}))
        handed[by, order] = page["next_cursor"]
    for (mine, cursor), (by, order) in itertools.product(handed.items(), orders):
        answer = await admin.get(USERS, params={"sort_by": by, "sort_order": order, "cursor": cursor})
        expected = (200, None) if mine == (by, order) else (400, "INVALID_CURSOR")
        assert (answer.status_code, answer.json().get("error_code")) == expected, (mine, by, order)
    old = body_of(await admin.get("/api/auth/admin/users"))["next_cursor"]
    assert old is None


@pytest.mark.parametrize("far", [10_000, 0])
async def test_a_long_list_says_that_it_is_longer_than_counted(
    people: People, admin: Person, monkeypatch: pytest.MonkeyPatch, far: int
) -> None:
    monkeypatch.setattr(listings, "_LONG", far)
    await accounts(people, [{"username": f"name{number}"} for number in range(9)])
    whole = await walked(admin, query="name", items_per_page=4)
    monkeypatch.setattr(listings, "MOST_COUNTED", 5)
    for query in ({"query": "name"}, {"query": "na"}, {"created_after": "2020-01-01"}):
        page = body_of(await admin.get(USERS, params=query))
        assert (page["total_count"], page["total_is_exact"]) == (5, False)
    assert await walked(admin, query="name", items_per_page=4) == whole
    assert len(await walked(admin, query="na", items_per_page=4)) == 9
    exact = [body_of(await admin.get(USERS, params=query)) for query in ({}, {"query": "name3"}, {"role": "user"})]
    assert [(page["total_count"], page["total_is_exact"]) for page in exact] == [(10, True), (1, True), (9, True)]


async def test_lists_are_for_administrators(running: Application, people: People) -> None:
    assert code(await running.client.get(USERS)) == (401, "NOT_AUTHENTICATED")
    for person in (await people.active(), await people.approver()):
        assert code(await person.get(USERS)) == (403, "ADMIN_REQUIRED")
        assert code(await person.get(f"{USERS}?page=0")) == (403, "ADMIN_REQUIRED")


async def test_both_spellings_of_the_address_answer(admin: Person) -> None:
    answers: list[httpx.Response] = [await admin.get(USERS), await admin.get(f"{USERS}/")]
    assert body_of(answers[0]) == body_of(answers[1])
