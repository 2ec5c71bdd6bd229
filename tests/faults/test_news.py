"""What one process ends, another refuses: at once while the news is carried, within a second whatever carries it.

Who hears the news believes what it knows for five minutes, so a refusal before then shows that news came. How late it
is without news is measured by the moment at which a request *was sent* that was still let in: no load on the machine
that runs the tests can make it look later than it was.
"""

import asyncio
import os
import shutil
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis as RedisClient
from sqlmodel import select

from backend.models import UserSession
from backend.stores.database import Database
from backend.stores.news import Changes
from backend.stores.redis_channel import RedisChannel
from tests.application import PATIENCE, _now
from tests.factories import PASSWORD
from tests.faults.conftest import swept
from tests.faults.house import Built, House, opened
from tests.machines.postgres import Postgres
from tests.machines.redis import Redis

WHO, SESSIONS, STATS = "/api/auth/whoami", "/api/v1/auth/sessions", "/api/auth/admin/stats"
UNHEARD: Final = 1.0
"""Seconds within which a change is known elsewhere though no news comes."""
CARRIED: Final = 0.4
"""Seconds; who is refused earlier has not been refused for want of news."""
_LISTENERS: Final = "datname = current_database() AND application_name = 'vestibule news'"


class Signed:
    """An administrator with sessions, whom other doors know by heart."""

    def __init__(self, house: House, name: str, id_: str, token: str) -> None:
        self.house, self.name, self.id, self.token = house, name, id_, token
        self.here, self.there = house.doors

    async def new_session(self) -> tuple[str, dict[str, str]]:
        """Sign in: the id of the session and the header that carries it, warm at both doors, freshest at the other."""
        bearer = {"Authorization": f"Bearer {await self.house.token(self.name, PASSWORD)}", "X-Background": "1"}
        for door in (self.here, self.there):
            assert (await door.get(WHO, headers=bearer)).status_code == 200
        listed = (await self.here.get(SESSIONS, headers=bearer)).json()["data"]
        return next(one["id"] for one in listed if one["is_current"]), bearer

    async def ended(self) -> float:
        """End a session at one door, and tell for how many seconds the other let it in."""
        id_, bearer = await self.new_session()
        ended = await self.here.delete(f"{SESSIONS}/{id_}", headers={"Authorization": f"Bearer {self.token}"})
        assert ended.status_code == 200, ended.text
        return await accepted(self.there, bearer)


async def accepted(door: httpx.AsyncClient, bearer: dict[str, str], path: str = WHO) -> float:
    """Ask until it is refused, and tell how long after the call the last accepted request was sent."""
    begun = last = time.monotonic()
    while (sent := time.monotonic()) < begun + PATIENCE:
        if (await door.get(path, headers=bearer)).status_code != 200:
            return last - begun
        last = sent
    return float("inf")


async def administrator(house: House, name: str = "first") -> Signed:
    """The first account of the house."""
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    made = await house.post("/api/auth/register", body)
    assert made.status_code == 201, made.text
    return Signed(house, name, made.json()["id"], await house.token(name, PASSWORD))


async def second_administrator(first: Signed, name: str = "second") -> Signed:
    """Another administrator."""
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "is_superuser": True}
    made = await first.house.post("/api/auth/admin/users", body, first.token)
    assert made.status_code == 200, made.text
    return Signed(first.house, name, made.json()["user"]["id"], await first.house.token(name, PASSWORD))


async def eventually_carried(who: Signed) -> None:
    """Wait until news is carried again."""
    async with asyncio.timeout(PATIENCE):
        while await who.ended() >= CARRIED:
            pass


async def test_what_is_taken_away_at_one_door_is_gone_at_the_other(house: House) -> None:
    first = await administrator(house)
    second = await second_administrator(first)
    bearer = {"Authorization": f"Bearer {first.token}"}
    path = f"/api/auth/admin/users/{second.id}"
    assert await second.ended() < PATIENCE

    for name, change, asked in (("demoted", {"is_superuser": False}, STATS), ("suspended", {"is_active": False}, WHO)):
        _, known = await second.new_session()
        assert (await house.doors[1].get(asked, headers=known)).status_code == 200
        changed = await house.doors[0].put(path, json=change, headers=bearer)
        assert changed.status_code == 200, changed.text
        assert await accepted(house.doors[1], known, asked) < PATIENCE, name

    _, known = await first.new_session()
    body = {"current_password": PASSWORD, "new_password": "another horse entirely"}
    changed = await house.doors[0].post("/api/auth/change-password", json=body, headers=bearer)
    assert changed.status_code == 200, changed.text
    assert await accepted(house.doors[1], known) < PATIENCE


async def test_a_changed_name_is_the_name_at_the_other_door(house: House) -> None:
    first = await administrator(house)
    second = await second_administrator(first)
    _, known = await second.new_session()
    await house.doors[0].put(
        f"/api/auth/admin/users/{second.id}",
        json={"username": "renamed"},
        headers={"Authorization": f"Bearer {first.token}"},
    )
    async with asyncio.timeout(PATIENCE):
        while (await house.doors[1].get(WHO, headers=known)).json()["username"] != "renamed":
            pass


@pytest.mark.parametrize("built", ["postgresql"], indirect=True)
async def test_postgresql_may_hang_up_on_the_listeners(house: House, built: Built) -> None:
    first = await administrator(house)
    connection = await asyncpg.connect(built.database_url.replace("+asyncpg", ""))
    try:
        id_, bearer = await first.new_session()
        hung_up = await connection.fetch(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_LISTENERS}")  # noqa: S608
        await first.here.delete(f"{SESSIONS}/{id_}", headers=bearer)
        unheard = await accepted(first.there, bearer)
        async with asyncio.timeout(PATIENCE):
            while await connection.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {_LISTENERS}") != 2:  # noqa: S608, ASYNC110
                await asyncio.sleep(0.05)
        await connection.execute("NOTIFY vestibule, 'no news of ours'")
    finally:
        await connection.close()

    assert len(hung_up) == 2
    assert unheard < UNHEARD
    await eventually_carried(first)


@pytest.fixture(scope="module")
def built_with_redis(
    postgres_server: Postgres,
    migrated_postgres: str,
    redis_server: Redis,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Built]:
    """Two real servers on PostgreSQL that tell each other the news by Redis."""
    place, name = tmp_path_factory.mktemp("redis"), f"redis_{uuid.uuid4().hex}"
    _now(postgres_server.create_database_from_template(name, migrated_postgres))
    with opened(postgres_server.url(name), place, REDIS_URL=redis_server.url, RATE_LIMITS="on") as built:
        yield built
    _now(postgres_server.drop_database(name))


@pytest.fixture
def redis(redis_server: Redis) -> Iterator[Redis]:
    """The Redis in between, awake again after the test."""
    yield redis_server
    redis_server.stop()
    redis_server.start()


@pytest.fixture
async def at_redis(built_with_redis: Built, redis: Redis) -> AsyncIterator[Signed]:
    """An administrator of the house with a Redis, where news is carried."""
    async with swept(built_with_redis), built_with_redis.visited() as house:
        first = await administrator(house)
        await eventually_carried(first)
        yield first


async def _served(who: Signed, bearer: dict[str, str]) -> None:
    """Ask and sign in at both doors, which wait for nobody who is away."""
    for door in who.house.doors:
        assert (await door.get(WHO, headers=bearer)).status_code == 200
        body = {"username_or_email": who.name, "password": PASSWORD}
        assert (await door.post("/api/auth/login", json=body)).status_code == 200


async def test_redis_carries_the_news(at_redis: Signed, redis: Redis) -> None:
    late = [await at_redis.ended() for _ in range(3)]
    async with RedisClient.from_url(redis.url) as client:
        await client.flushall()
        flushed = await at_redis.ended()
        await client.publish("vestibule", b"\xffno news of ours")
        await client.publish("vestibule", "no;news of ours")
    poisoned = await at_redis.ended()

    assert max(*late, flushed, poisoned) < PATIENCE
    await eventually_carried(at_redis)


@pytest.mark.parametrize("fault", ["stopped", "hung"])
async def test_without_redis_nothing_ended_is_let_in_for_longer_than_a_second(
    at_redis: Signed, redis: Redis, fault: str
) -> None:
    (before, bearer), (early, known) = await at_redis.new_session(), await at_redis.new_session()
    if fault == "stopped":
        redis.stop()
    else:
        os.kill(redis.pid, signal.SIGSTOP)
    try:
        own = {"Authorization": f"Bearer {at_redis.token}"}
        ended = await at_redis.here.delete(f"{SESSIONS}/{early}", headers=own)
        unheard = [await accepted(at_redis.there, known), await at_redis.ended(), await at_redis.ended()]
        await _served(at_redis, bearer)
        late = await at_redis.here.delete(f"{SESSIONS}/{before}", headers=own)
        gone = await accepted(at_redis.here, bearer)
    finally:
        if fault == "stopped":
            redis.start()
        else:
            os.kill(redis.pid, signal.SIGCONT)

    assert (ended.status_code, late.status_code, gone) == (200, 200, 0.0)
    assert max(unheard) < UNHEARD
    await eventually_carried(at_redis)


async def test_a_command_says_its_word_before_it_ends(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.stores.redis_channel._PERSISTENCE_SECONDS", PATIENCE)
    channel, session = RedisChannel(redis.url), uuid.uuid4()
    async with RedisClient.from_url(redis.url, decode_responses=True) as client, client.pubsub() as subscription:
        await subscription.subscribe("vestibule")
        os.kill(redis.pid, signal.SIGSTOP)
        try:
            saying = asyncio.create_task(channel.after(Changes(sessions={session})))
            await asyncio.sleep(0.5)
            hung = saying.done()
        finally:
            os.kill(redis.pid, signal.SIGCONT)
        await saying
        async with asyncio.timeout(PATIENCE):
            async for message in subscription.listen():
                if message["data"] == f"{session.hex};":
                    break
    await channel._redis.aclose()

    assert not hung


async def test_a_server_that_is_ended_in_order_writes_the_last_activity(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = shutil.copy(migrated_sqlite, tmp_path / "vestibule.db")
    database = Database(f"sqlite+aiosqlite:///{path}")
    with opened(f"sqlite+aiosqlite:///{path}", tmp_path / "house", doors=1) as built:
        async with built.visited() as house:
            token = (await _first(house))["access_token"]
            await asyncio.sleep(0.05)
            answer = await house.doors[0].get(WHO, headers={"Authorization": f"Bearer {token}"})
    after = await _session(database)
    await database.close()

    assert answer.status_code == 200
    assert timedelta(seconds=0.05) <= after.last_activity - after.created_at < timedelta(seconds=PATIENCE)


async def _first(house: House) -> dict[str, str]:
    body = {"username": "first", "email": "first@example.org", "password": PASSWORD}
    await house.post("/api/auth/register", body)
    answer = await house.post("/api/auth/login", {"username_or_email": "first", "password": PASSWORD})
    found: dict[str, str] = answer.json()
    return found


async def _session(database: Database) -> UserSession:
    async with database.reading() as session:
        return (await session.exec(select(UserSession))).one()
