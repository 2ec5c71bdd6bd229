"""The servers of the tests are real, separate and closed to the rest of the world."""

import socket
import subprocess
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis as RedisClient

from tests.machines.network import NetworkClosedError
from tests.machines.postgres import Postgres
from tests.machines.redis import Redis


async def test_a_database_is_copied_from_a_template_and_dropped(postgres_server: Postgres, testrun_uid: str) -> None:
    template, copy = f"template_{testrun_uid}", f"copy_{testrun_uid}"
    original_url = await postgres_server.create_database(template)
    await _execute(original_url, "CREATE TABLE doors (name text)")
    copy_url = await postgres_server.create_database_from_template(copy, template)
    await _execute(copy_url, "INSERT INTO doors VALUES ('front')")
    await postgres_server.drop_database(copy)
    await postgres_server.drop_database(template)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await _execute(postgres_server.url(copy), "SELECT 1")


async def test_postgres_asks_for_the_password(postgres_server: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _execute(Postgres(postgres_server.port, "wrong").url(), "SELECT 1")


async def test_redis_can_be_taken_away_and_brought_back_empty(redis_server: Redis) -> None:
    async with RedisClient.from_url(redis_server.url) as client:
        await client.set("visitor", "waiting")
    redis_server.stop()
    redis_server.start()
    async with RedisClient.from_url(redis_server.url) as client:
        assert await client.get("visitor") is None


def test_chromium_runs(chromium_path: Path) -> None:
    answer = subprocess.run([chromium_path, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    assert "Chrom" in answer.stdout


def test_the_network_is_closed(network_guard: list[str]) -> None:
    with socket.socket() as stranger, pytest.raises(NetworkClosedError):
        stranger.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkClosedError):
        socket.getaddrinfo("example.com", 443)
    assert len(network_guard) == 2
    network_guard.clear()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
