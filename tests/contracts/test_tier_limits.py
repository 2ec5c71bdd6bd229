"""Limits of tiers at work: which requests are counted, against what, and what their callers are told."""

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from backend.services import unit_of_work
from backend.services.audit import Action
from backend.services.tier_holders import id_of
from backend.stores.database import Database
from backend.stores.tier_book import TierBook
from tests.application import Application, start
from tests.contracts.answers import code, refusal
from tests.contracts.dialect_b import ME, USERS, body_of, named
from tests.factories import PASSWORD, People, Person
from tests.machines.redis import Redis

WHOAMI: Final = "/api/auth/whoami"
VERIFY: Final = "/api/v1/auth/verify"
SESSIONS: Final = "/api/v1/auth/sessions"
LONG: Final = 31 * 86400


async def limited(running: Application, *limits: tuple[str, int], to: Person | None = None, period: int = LONG) -> str:
    """Make a tier with limits, for somebody or, if for nobody, as the default one; return its name."""
    name = f"tier {uuid4().hex}"
    async with unit_of_work(running.context) as work:
        tier = await work.tiers.create(None, name, is_default=to is None)
        for path, amount in limits:
            await work.tier_limits.add(None, name, path=path, amount=amount, period=period)
        if to:
            await work.tier_holders.assign(None, to.id, id_of(tier))
    return name


async def statuses(person: Person, path: str, times: int) -> list[int]:
    """What somebody is answered who asks so many times."""
    return [(await person.get(path)).status_code for _ in range(times)]


def left(answer: httpx.Response) -> tuple[str, int]:
    """What the headers say: the policy, and how many are left."""
    told, policy = answer.headers["ratelimit"], answer.headers["ratelimit-policy"]
    rest, seconds = (int(part.partition("=")[2]) for part in told.split(";")[1:])
    assert told.startswith('"default";r=')
    assert 0 < seconds <= LONG
    return policy, rest


async def test_so_many_requests_are_answered_and_the_next_hears_when_to_come_back(
    running: Application, people: People
) -> None:
    person = await people.active()
    await limited(running, (WHOAMI, 2), to=person)
    policy = f'"default";q=2;w={LONG}'
    assert [left(await person.get(WHOAMI)) for _ in range(2)] == [(policy, 1), (policy, 0)]
    refused = await person.get(WHOAMI)
    assert refusal(refused) == (429, "RATE_LIMITED", "Too many requests")
    body = refused.json()
    assert (body["limit"], body["window"], left(refused)) == (2, LONG, (policy, 0))
    assert refused.headers["retry-after"] == str(body["retry_after"])
    assert not {"ratelimit", "retry-after"} & (await person.get(VERIFY)).headers.keys()
    assert await people.audit(Action.REFUSED) == []


async def test_what_is_known_by_heart_is_counted_too(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    assert await statuses(person, WHOAMI, 3) == await statuses(other, WHOAMI, 3) == [200] * 3
    await limited(running, ("/api", 2), to=person)
    assert await statuses(person, WHOAMI, 1) + await statuses(person, VERIFY, 2) == [200, 200, 429]
    assert await statuses(other, VERIFY, 3) == [200] * 3


async def test_every_carrier_of_an_account_spends_from_one_counter(running: Application, people: People) -> None:
    person = await people.active()
    await limited(running, ("/api", 5), to=person)
    cookie = {"Cookie": f"session_id={(await people.at_a_page(person)).cookie}"}
    signed = {"login": person.username, "password": PASSWORD}
    opaque = body_of(await running.client.post(f"{USERS}/signin", json=signed))["session"]
    asks: list[Any] = [
        lambda: person.get(ME),
        lambda: running.client.get(ME, headers=cookie),
        lambda: running.client.get(WHOAMI, headers=cookie),
        lambda: running.client.post(f"{USERS}/info", json={"session": opaque}),
        lambda: running.client.post(f"{USERS}/sessions", json={"session": opaque}),
    ]
    assert [left(await ask())[1] for ask in asks] == [4, 3, 2, 1, 0]
    assert [code(await ask()) for ask in asks] == [(429, "RATE_LIMITED")] * 5


async def test_the_closest_path_decides_and_counts_alone(running: Application, people: People) -> None:
    person = await people.active()
    limits = [("/api", 1), ("/api/v1/users", 9), ("/api/v1/users/{user}", 7), (ME, 8), ("/api/v1/users/{who}/tier", 6)]
    await limited(running, *limits, to=person)
    paths = {
        WHOAMI: 1,
        ME: 8,
        named(person): 7,
        f"{named(person)}/rate-limits": 7,
        f"{named(person)}/tier/": 6,
        USERS: 9,
    }
    told = {path: left(await person.get(path))[0] for path in paths}
    assert told == {path: f'"default";q={amount};w={LONG}' for path, amount in paths.items()}
    assert (await person.get(SESSIONS)).status_code == 429
    assert left(await person.client.head(ME, headers=person.bearer))[1] == 6


async def test_whoever_has_no_tier_has_the_default_ones_limits(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    default = await limited(running, (WHOAMI, 1))
    await limited(running, (WHOAMI, 3), to=other)
    assert await statuses(person, WHOAMI, 2) == [200, 429]
    assert await statuses(other, WHOAMI, 4) == [200] * 3 + [429]
    async with unit_of_work(running.context) as work:
        await work.tiers.update(None, default, is_default=False)
    assert await statuses(person, WHOAMI, 2) == [200, 200]


async def test_a_change_is_seen_by_the_next_request(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    name = await limited(running, (WHOAMI, 1), to=person)
    where = f"/api/v1/tiers/{name}/rate-limits"
    id_ = body_of(await admin.get(where))["data"][0]["id"]
    assert await statuses(person, WHOAMI, 2) == [200, 429]
    body_of(await admin.patch(f"{where}/{id_}", {"limit": 2}))
    assert await statuses(person, WHOAMI, 3) == [200, 200, 429]
    body_of(await admin.delete(f"{where}/{id_}"))
    assert await statuses(person, WHOAMI, 2) == [200, 200]
    body_of(await admin.post(where, {"path": "/api/auth", "limit": 1, "period": 60}), 201)
    assert await statuses(person, WHOAMI, 2) == [200, 429]
    body_of(await admin.patch(f"{named(person)}/tier", {"tier_id": None}))
    assert await statuses(person, WHOAMI, 2) == [200, 200]


async def test_what_many_are_given_counts_for_their_next_requests(running: Application, people: People) -> None:
    admin, cast = await people.admin(), [await people.active() for _ in range(3)]
    name = await limited(running, (WHOAMI, 1), to=cast[0])
    tier_id = body_of(await admin.get(f"/api/v1/tiers/{name}"))["id"]
    before = [await statuses(person, WHOAMI, 2) for person in cast]
    ids = [str(person.id) for person in cast]
    for given in (tier_id, None):
        body = {"user_ids": ids, "operation": "update_tier", "data": {"tier_id": given}}
        assert body_of(await admin.post(f"{USERS}/bulk", body))["succeeded"] == 3
        after = [await statuses(person, WHOAMI, 2) for person in cast]
        assert after == [[429, 429], *[[200, 429]] * 2] if given else after == [[200, 200]] * 3

    assert before == [[200, 429], *[[200, 200]] * 2]


async def test_a_new_window_begins_when_the_old_one_ends(running: Application, people: People) -> None:
    person = await people.active()
    await limited(running, (WHOAMI, 1), to=person, period=1)
    answered = await statuses(person, WHOAMI, 1)
    while 429 not in answered or answered[-1] == 429:  # a second at most: counters go by the machine's own clock
        answered += await statuses(person, WHOAMI, 1)
    assert answered[-1] == 200


async def test_who_wants_to_leave_or_to_be_safe_is_never_refused(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await limited(running, ("/api", 1))
    assert await statuses(person, ME, 2) == [200, 429]
    check = body_of(await person.get("/api/v1/auth/check-auth"))
    assert (check["authenticated"], check["user"]["username"]) == (True, person.username)
    for path in ("/health/live", "/account", "/.well-known/jwks.json", "/api/auth/config"):
        assert await statuses(person, path, 2) == [200, 200]
    signed = {"login": person.username, "password": PASSWORD}
    opaque = body_of(await running.client.post(f"{USERS}/signin", json=signed))["session"]
    for path, more in (("signout-sessions", {"ids": str(uuid4())}), ("signout", {})):
        body_of(await running.client.post(f"{USERS}/{path}", json={"session": opaque, **more}))
    new = {"current_password": PASSWORD, "new_password": "another one, long enough"}
    assert (await person.post("/api/auth/change-password", new)).status_code == 200
    assert (await person.post("/api/v1/auth/logout", {})).status_code == 200
    assert code(await person.get(ME)) == (401, "SESSION_REVOKED")
    assert await statuses(admin, USERS, 2) == [200, 429]


async def test_what_is_no_request_of_an_account_is_not_counted(running: Application, people: People) -> None:
    person = await people.active()
    await limited(running, ("/api", 1), to=person)
    for token in ("garbage", f"{person.token}x"):
        answer = await running.client.get(ME, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, "ratelimit" in answer.headers) == (401, False)
    cookie = {"Cookie": f"session_id={(await people.at_a_page(person)).cookie}"}
    assert code(await running.client.patch(ME, json={}, headers=cookie)) == (403, "CSRF_FAILED")
    preflight = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "GET"}
    assert "ratelimit" not in (await running.client.options(ME, headers=preflight)).headers
    assert await statuses(person, ME, 2) == [200, 429]


async def test_refusals_are_counted_like_answers(running: Application, people: People) -> None:
    person = await people.active()
    await limited(running, ("/api", 3), to=person)
    assert [left(await person.get(path))[1] for path in (USERS, "/api/v1/users/nobody/tier")] == [2, 1]
    assert left(await person.patch(ME, {"email": 7}))[1] == 0


@pytest.mark.settings(rate_limits=False)
async def test_where_limits_are_off_nothing_is_counted(running: Application, people: People) -> None:
    person = await people.active()
    await limited(running, ("/api", 1), to=person)
    assert await statuses(person, WHOAMI, 3) + await statuses(person, ME, 3) == [200] * 6


@pytest.fixture
async def neighbour(running: Application, redis_server: Redis) -> AsyncIterator[tuple[Application, Application]]:
    """Two processes that share counters through Redis."""
    settings = running.context.settings.model_copy(update={"redis_url": SecretStr(redis_server.url)})
    async with start(settings) as one, start(settings) as other:
        yield one, other


async def test_processes_that_share_redis_share_a_counter(
    neighbour: tuple[Application, Application], people: People
) -> None:
    one, other = neighbour
    person = await people.active()
    await limited(one, (ME, 3), to=person)
    clients = [one.client, other.client, one.client, other.client]
    answers = [await client.get(ME, headers=person.bearer) for client in clients]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_limits_go_on_as_they_were_while_the_database_is_away(running: Application, people: People) -> None:
    await people.admin()
    await limited(running, (WHOAMI, 1))
    book, nowhere = TierBook(enabled=True), Database("sqlite+aiosqlite:////nowhere/vestibule.db")
    assert not book.passes(None, ME)  # nothing is known yet
    known = await book.deciding(running.context.database, None, WHOAMI)
    await book.forget()
    assert [await book.deciding(nowhere, None, path) for path in (WHOAMI, ME)] == [known, None]
    assert known is not None
    assert [book.passes(None, path) for path in (WHOAMI, ME)] == [False, True]
    await nowhere.close()


async def test_a_new_limit_begins_anew_where_another_one_was_used_up(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    name = await limited(running, (WHOAMI, 1), to=person)
    used_up = await statuses(person, WHOAMI, 2)
    place = f"/api/v1/tiers/{name}/rate-limits"
    (former,) = (await admin.get(place)).json()["data"]
    await admin.delete(f"{place}/{former['id']}")
    await admin.post(place, {"path": SESSIONS, "limit": 1, "period": LONG})

    assert used_up == [200, 429]
    assert await statuses(person, SESSIONS, 2) == [200, 429]
