"""What is known by heart is bounded, and forgotten the moment it may be wrong."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from backend.models import Carrier, Role
from backend.services.identity import Kind, recall
from backend.stores.identities import Entry, Identity, IdentityCache
from backend.stores.news import Changes
from backend.stores.touches import Pulse
from tests.application import PATIENCE, Application
from tests.factories import People, Person

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
WHO, VERIFY = "/api/auth/whoami", "/api/v1/auth/verify"


def _entry(session: UUID | None = None, user: UUID | None = None) -> Entry:
    session = session or uuid4()
    identity = Identity(
        id=user or uuid4(),
        username="ada",
        email="ada@example.org",
        full_name=None,
        role=Role.USER,
        is_verified=False,
        must_change_password=False,
        tier_id=None,
        session_id=session,
        carrier=Carrier.BEARER,
        remembered=False,
    )
    return Entry(identity, Pulse(session, NOW), NOW + timedelta(hours=1), None, time.monotonic(), {None})


def _kept(cache: IdentityCache, *entries: Entry) -> list[bytes]:
    keys = [uuid4().bytes for _ in entries]
    for key, entry in zip(keys, entries, strict=True):
        cache.keep(key, entry, cache.generation)
    return keys


def _known(cache: IdentityCache, keys: list[bytes]) -> list[bool]:
    return [cache.find(key) is not None for key in keys]


def test_the_least_used_is_forgotten_first() -> None:
    cache = IdentityCache(3)
    first, second, third = _kept(cache, _entry(), _entry(), _entry())
    cache.find(first)
    (fourth,) = _kept(cache, _entry())

    assert _known(cache, [first, second, third, fourth]) == [True, False, True, True]
    assert len(cache) == 3


def test_a_thousand_strangers_leave_no_more_than_it_holds() -> None:
    cache = IdentityCache(3)
    _kept(cache, *(_entry() for _ in range(1000)))

    assert (len(cache), len(cache._by_session), len(cache._by_user)) == (3, 3, 3)


def test_nothing_is_kept_where_nothing_may_be() -> None:
    cache = IdentityCache(0)
    keys = _kept(cache, _entry(), _entry())

    assert (_known(cache, keys), len(cache), len(cache._by_user)) == ([False, False], 0, 0)


def test_what_changed_while_it_was_read_is_not_kept() -> None:
    cache, entry = IdentityCache(3), _entry()
    changes: list[Callable[[], None]] = [
        lambda: cache.drop(sessions=[entry.identity.session_id]),
        lambda: cache.drop(users=[entry.identity.id]),
        lambda: cache.drop(users=[uuid4()]),
        cache.clear,
    ]
    for change in changes:
        read_in = cache.generation
        change()
        cache.keep(b"key", entry, read_in)
        assert cache.find(b"key") is None


def test_a_session_is_dropped_alone_and_a_person_with_all_of_theirs() -> None:
    cache, user, session = IdentityCache(10), uuid4(), uuid4()
    one, other, another, stranger = _kept(
        cache, _entry(session, user), _entry(session, user), _entry(None, user), _entry()
    )
    cache.drop(sessions=[session, uuid4()])
    after_session = _known(cache, [one, other, another, stranger])
    cache.drop(users=[user, uuid4()])

    assert after_session == [False, False, True, True]
    assert _known(cache, [one, other, another, stranger]) == [False, False, False, True]
    cache.clear()
    assert (len(cache), cache._by_session, cache._by_user) == (0, {}, {})


def test_the_same_key_again_replaces_what_was_known() -> None:
    cache, old, new = IdentityCache(3), _entry(), _entry()
    cache.keep(b"key", old, cache.generation)
    cache.keep(b"key", new, cache.generation)
    cache.drop(users=[old.identity.id])

    assert (cache.find(b"key"), len(cache)) == (new, 1)


async def _asked(person: Person, path: str = WHO, **headers: str) -> httpx.Response:
    return await person.client.get(path, headers={**person.bearer, **headers})


async def _heard_out(running: Application) -> None:
    """Wait until all news so far was heard, our own too: what comes late makes a process forget what it knows."""
    context, entry = running.context, _entry()
    changes = Changes(sessions={entry.identity.session_id})
    async with asyncio.timeout(PATIENCE):
        while not context.news.hearing:  # noqa: ASYNC110  # nobody announces it
            await asyncio.sleep(0.001)
        context.cache.keep(b"marker", entry, context.cache.generation)
        async with context.database.writing() as session:
            await context.news._channel.within(session, changes)
        while context.cache.find(b"marker"):  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.001)


async def test_the_first_question_goes_to_the_database_and_no_other(running: Application, people: People) -> None:
    person, cache = await people.active(), running.context.cache
    await _heard_out(running)
    hits, misses = cache.hits, cache.misses
    for path in (WHO, VERIFY, WHO, VERIFY):
        assert (await _asked(person, path)).status_code == 200

    assert (cache.hits - hits, cache.misses - misses) == (3, 1)


@pytest.mark.settings(session_cache=3)
async def test_a_small_cache_is_right_about_everybody(running: Application, people: People) -> None:
    persons = [await people.active() for _ in range(5)]
    await _heard_out(running)
    for person in persons * 2:
        assert (await _asked(person)).json()["username"] == person.username

    assert len(running.context.cache) == 3


@pytest.mark.settings(session_cache=0)
async def test_without_a_cache_every_question_is_answered_all_the_same(running: Application, people: People) -> None:
    person, cache = await people.active(), running.context.cache
    for _ in range(3):
        assert (await _asked(person)).status_code == 200
    await person.post("/api/auth/jwt/logout")

    assert (await _asked(person)).status_code == 401
    assert (cache.hits, len(cache)) == (0, 0)


async def test_the_same_bytes_as_another_kind_of_credential_are_another_credential(
    running: Application, people: People
) -> None:
    person, client = await people.active(), running.browser()
    page = await people.at_a_page(person)
    signed_in = await client.post("/api/v1/users/signin", json={"login": person.username, "password": person.password})
    opaque, token = signed_in.json()["session"], str(person.token)

    async def told(kind: Kind, value: str) -> int:
        if kind is Kind.OPAQUE:
            return (await client.post("/api/v1/users/info", json={"session": value})).status_code
        header = (
            {"Authorization": f"Bearer {value}"} if kind is Kind.ACCESS_TOKEN else {"Cookie": f"session_id={value}"}
        )
        answers = [await client.get(path, headers=header) for path in (WHO, VERIFY)]
        assert len({answer.status_code for answer in answers}) == 1
        return answers[0].status_code

    values = {Kind.ACCESS_TOKEN: token, Kind.COOKIE: page.cookie, Kind.OPAQUE: opaque}
    for own, value in values.items():  # each is known by heart as what it is before it is shown as what it is not
        assert await told(own, value) == 200
        assert {kind: await told(kind, value) for kind in Kind} == {kind: 200 if kind is own else 401 for kind in Kind}


async def test_what_is_known_by_heart_is_not_believed_past_its_time(running: Application, people: People) -> None:
    person, context = await people.active(), running.context
    agent = running.client.headers["user-agent"]
    await _heard_out(running)
    await _asked(person)

    def known() -> bool:
        return recall(context, Kind.ACCESS_TOKEN, str(person.token), agent, activity=False) is not None

    here = known()
    running.clock.move(minutes=20)
    at_the_edge = known()
    running.clock.move(seconds=1)
    idle = known()
    running.clock.move(minutes=-20, seconds=-1)
    assert (here, at_the_edge, idle, known()) == (True, True, False, True)
    for _ in range(4):
        running.clock.move(minutes=14)
        assert (await _asked(person)).status_code == 200
    running.clock.move(minutes=4)
    assert known() is False


async def test_as_many_user_agents_as_anybody_likes_are_not_all_remembered(
    running: Application, people: People
) -> None:
    person, cache = await people.active(), running.context.cache
    for number in range(60):
        assert (await _asked(person, **{"User-Agent": f"agent{chr(97 + number % 26)}{number}/1"})).status_code == 200
        assert max(len(entry.agents) for entry in cache._entries.values()) <= 16
        assert max(len(entry.pulse.families) for entry in cache._entries.values()) <= 16


async def test_a_change_in_the_middle_of_a_question_is_in_the_next_answer(running: Application, people: People) -> None:
    admin = await people.admin()
    person = await people.admin()
    path = f"/api/auth/admin/users/{person.id}"
    for superuser in (False, True) * 6:
        running.context.cache.clear()
        asking = [asyncio.create_task(_asked(person, **{"X-Background": "1"})) for _ in range(4)]
        changed = await admin.put(path, {"is_superuser": superuser})
        after = await _asked(person, **{"X-Background": "1"})
        await asyncio.gather(*asking)
        assert changed.status_code == 200
        assert after.json()["is_superuser"] is superuser
        assert (await _asked(person, **{"X-Background": "1"})).json()["is_superuser"] is superuser
