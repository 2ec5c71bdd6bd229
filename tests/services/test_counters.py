"""Counters that forget, alone and shared through a real Redis that comes and goes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from backend.stores.counters import Count, Counters, Limit
from backend.stores.windows import Windows
from tests.application import PATIENCE
from tests.machines.redis import Redis

FIVE = Limit("test", 5, 60)


@pytest.fixture
async def alone() -> AsyncIterator[Counters]:
    """Counters of one process without Redis."""
    counters = Counters(None)
    yield counters
    await counters.close()


@pytest.fixture
def redis(redis_server: Redis) -> Iterator[Redis]:
    """The real Redis, empty before and running after."""
    redis_server.stop()
    redis_server.start()
    yield redis_server
    redis_server.stop()
    redis_server.start()


async def _all(counters: Counters, times: int, subject: str = "ada") -> list[bool]:
    return [(await counters.add(FIVE, subject)).within for _ in range(times)]


async def test_so_many_are_allowed_and_the_next_hears_how_long_to_wait(alone: Counters) -> None:
    assert await _all(alone, 5) == [True] * 5
    refused = await alone.add(FIVE, "ada")

    assert refused == Count(within=False, remaining=0, resets_in=refused.resets_in)
    assert 0 < refused.resets_in <= 60
    assert await _all(alone, 1, "bob") == [True]


async def test_looking_counts_nothing(alone: Counters, redis: Redis) -> None:
    shared = Counters(redis.url)
    for counters in (alone, shared):
        assert await counters.look(FIVE, "ada") == Count(within=True, remaining=4, resets_in=1)
        assert await _all(counters, 5) == [True] * 5
        assert [(await counters.look(FIVE, who)).within for who in ("ada", "bob")] == [False, True]
    await shared.close()


async def test_a_window_ends(alone: Counters) -> None:
    brief = Limit("brief", 1, 1)
    async with asyncio.timeout(PATIENCE):
        while (await alone.add(brief, "ada")).within:  # who is late enough finds the next window open
            pass
        while not (await alone.add(brief, "ada")).within:  # noqa: ASYNC110  # time itself is awaited
            await asyncio.sleep(0.1)


def test_ended_windows_are_cleared_away_and_a_full_house_forgets_those_that_end_first() -> None:
    ended, full = Windows(), Windows(most=3)
    for number in range(300):
        ended.add(f"gone-{number}", 0)
    left = []
    for _ in range(6):
        ended.add("ada", 60)
        left.append(len(ended))
    for key, seconds in (("long", 900), ("short", 5), ("middle", 60), ("new", 60)):
        full.add(key, seconds)
    full.add("long", 900)

    assert left == sorted(left, reverse=True)
    assert (left[-1], ended.add("ada", 60)[0], ended.look("gone-1")) == (1, 7, (0, 0.0))
    assert [full.look(key)[0] for key in ("long", "short", "middle", "new")] == [2, 0, 1, 1]
    assert len(full) == 3


async def test_many_at_once_cannot_slip_through(alone: Counters, redis: Redis) -> None:
    shared = Counters(redis.url)
    let_through = [
        sum(count.within for count in await asyncio.gather(*(counters.add(FIVE, "ada") for _ in range(50))))
        for counters in (alone, shared)
    ]
    await shared.close()

    assert let_through == [5, 5]


async def test_two_processes_count_together_through_redis(redis: Redis) -> None:
    one, two = Counters(redis.url), Counters(redis.url)
    mixed = [(await counters.add(FIVE, "ada")).within for counters in (one, two) * 3]
    await one.close()
    await two.close()

    assert mixed == [True] * 5 + [False]


async def test_without_redis_each_process_allows_half_and_soon_shares_again(redis: Redis) -> None:
    counters = Counters(redis.url)
    assert await counters.reachable() is True
    redis.stop()
    away = await _all(counters, 4)
    reachable = await counters.reachable()
    redis.start()
    counters._resting_until = 0
    back = await _all(counters, 6)
    await counters.close()

    assert away == [True, True, False, False]
    assert reachable is False
    assert back == [True] * 5 + [False]


async def test_a_redis_that_hangs_costs_one_short_wait(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    counters, asked = Counters(redis.url), []
    await counters.add(FIVE, "ada")
    storage = counters._shared
    assert storage is not None
    ask = storage.incr

    async def counted(key: str, expiry: int, amount: int = 1) -> int:
        asked.append(key)
        return await ask(key, expiry, amount)

    monkeypatch.setattr(storage, "incr", counted)
    monkeypatch.setattr("backend.stores.counters._REDIS_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr("backend.stores.counters._REDIS_REST_SECONDS", PATIENCE)
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(PATIENCE):
            away = await _all(counters, 20)
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    await counters.close()

    assert away == [True] * 2 + [False] * 18
    assert len(asked) == 1


async def test_a_poisoned_key_is_no_way_past_the_limit(redis: Redis) -> None:
    import redis.asyncio as client  # noqa: PLC0415

    counters = Counters(redis.url)
    await counters.add(FIVE, "ada")
    async with client.from_url(redis.url) as direct:
        (key,) = await direct.keys("*")
        await direct.set(key, "poison")
        looked = await counters.look(FIVE, "ada")
        await direct.delete(key)
        await direct.lpush(key, "poison")
    away = await _all(counters, 4)
    await counters.close()

    assert (looked.within, looked.remaining) == (True, 1)
    assert away == [True, True, False, False]
