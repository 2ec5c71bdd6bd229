"""A house with two doors: real server processes on one database, and what one needs to knock at both."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.machines import forks
from tests.machines.forks import Forked, Fresh
from tests.machines.processes import answers, free_port

_ROOT: Final = Path(__file__).parents[2]
_PATIENCE: Final = 120.0


@dataclass(frozen=True)
class Built:
    """Servers that run: where they listen, the folder with their logs and data, and their process ids."""

    ports: Sequence[int]
    place: Path
    database_url: str
    pids: Sequence[int]

    @asynccontextmanager
    async def visited(self) -> AsyncIterator["House"]:
        """Stand before its doors; they close behind you, the servers stay."""
        limits, timeout = httpx.Limits(max_connections=100), httpx.Timeout(_PATIENCE)
        async with AsyncExitStack() as stack:
            doors = [
                await stack.enter_async_context(
                    httpx.AsyncClient(
                        base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=timeout, trust_env=False
                    )
                )
                for port in self.ports
            ]
            yield House(doors, self.place)


@dataclass
class House:
    """Doors to knock at; `post` takes them in turn."""

    doors: list[httpx.AsyncClient]
    place: Path

    def __post_init__(self) -> None:
        self._turn = itertools.cycle(self.doors)

    async def request(
        self, method: str, path: str, token: str, json: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """Ask at the next door, in any way."""
        headers = {"Authorization": f"Bearer {token}"}
        return await next(self._turn).request(method, path, json=json, headers=headers)

    async def post(
        self, path: str, json: Mapping[str, object] | None = None, token: str | None = None
    ) -> httpx.Response:
        """Ask at the next door."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await next(self._turn).post(path, json=json, headers=headers)

    async def token(self, name: str, password: str) -> str:
        """Sign in and return the access token."""
        answer = await self.post("/api/auth/login", {"username_or_email": name, "password": password})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


async def at_once(*asks: Callable[[], Awaitable[httpx.Response]]) -> list[httpx.Response]:
    """Ask everything at the same moment."""
    barrier = asyncio.Barrier(len(asks))

    async def one(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        await barrier.wait()
        return await ask()

    return await asyncio.gather(*(one(ask) for ask in asks))


@contextmanager
def opened(
    database_url: str, place: Path, doors: int = 2, environment: Mapping[str, str] | None = None, **settings: str
) -> Iterator[Built]:
    """Start real servers over one database and data directory, and end them by their ids."""
    values = {"DATABASE_URL": database_url, "DATA_DIR": str(place / "data"), "ARGON2": "8,1,1", "RATE_LIMITS": "off"}
    values |= {"PUBLIC_URL": "http://127.0.0.1:8000", "HASH_QUEUE_SECONDS": str(_PATIENCE)}
    values |= {"SEND_VERIFICATION_EMAILS": "false", **settings}
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("VESTIBULE_")}
    theirs = {**kept, "PYTHONPATH": str(_ROOT), **{f"VESTIBULE_{name}": value for name, value in values.items()}}
    theirs |= environment or {}
    place.mkdir(parents=True, exist_ok=True)
    ports = [free_port() for _ in range(doors)]
    processes = [_start(port, place, theirs) for port in ports]
    try:
        for port, process in zip(ports, processes, strict=True):
            _wait(port, process, place / f"log-{port}")
        yield Built(ports, place, database_url, [process.pid for process in processes])
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.stop()


def _start(port: int, place: Path, environment: dict[str, str]) -> Forked | Fresh:
    arguments = ("uvicorn", "backend.main:app", "--port", str(port), "--log-level", "warning")
    with (place / f"log-{port}").open("wb") as log, Path(os.devnull).open("rb") as nothing:
        return forks.start(*arguments, cwd=place, env=environment, streams=(nothing, log, log))


def _wait(port: int, process: Forked | Fresh, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the server did not open its door:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)
