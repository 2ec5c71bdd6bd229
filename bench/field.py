"""Everything a run needs, started and filled: one PostgreSQL server, this service, its peers, people and tokens."""

import asyncio
import contextlib
import dataclasses
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from bench import load, machine, seeding
from bench.servers import Program, Service, UnexpectedAnswerError
from tests.machines.postgres import Cluster

COST: Final = (19456, 2, 1)
"""Argon2id's memory in KiB, passes and lanes: this service's own, and given to the peers it is compared with."""
LOGIN_CLIENTS: Final = 16
_PREPARATION_SECONDS: Final = 180

_PASSWORD: Final = "correct horse battery"  # noqa: S105  # of accounts that live for minutes
_ARGON2: Final = ",".join(str(number) for number in COST)
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Contestant:
    """A service with people in it: how they ask who they are, with one token or with many, and how they sign in."""

    name: str
    service: Service
    path: str
    token: str | None = None
    tokens: tuple[str, ...] = ()
    logins: tuple[bytes, ...] = ()

    @property
    def get(self) -> bytes:
        """The request whose answer tells who carries the one token."""
        return load.get(self.path, self.token)

    @property
    def gets(self) -> list[bytes]:
        """The same request for each of the many tokens, in turn."""
        return [load.get(self.path, token) for token in self.tokens]


@dataclass(frozen=True)
class Field:
    """All contestants of a run."""

    ours: Contestant
    ordinary: Contestant
    """Ours again, asked by a route that the doorman knows nothing of."""
    jwt: Contestant
    database: Contestant
    own_argon2: Contestant
    fastapi: Contestant
    starlette: Contestant

    def keep_on(self, cores: list[int]) -> None:
        """Let all services use these cores and no others."""
        for contestant in (self.ours, self.jwt, self.database, self.own_argon2, self.fastapi, self.starlette):
            contestant.service.keep_on(cores)


@contextlib.contextmanager
def prepared(people: int, sessions_each: int) -> Iterator[Field]:
    """Start and fill everything, with so many people of so many sessions; all of it is gone at the end."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vestibule-bench-")))
        cluster = _off_the_first_core()
        stack.callback(cluster.stop)
        ground = _Ground(folder, cluster, stack)
        ours = _this_service(ground, people, sessions_each)
        yield Field(
            ours=ours,
            ordinary=dataclasses.replace(ours, name="Vestibule, by a route", path="/api/v1/auth/check-auth"),
            jwt=_fastapi_users(ground, "fastapi-users JWT", "jwt", _ARGON2),
            database=_with_crowd(
                ground, _fastapi_users(ground, "fastapi-users database", "database", _ARGON2), people, sessions_each
            ),
            own_argon2=_fastapi_users(ground, "fastapi-users own argon2", "jwt", ""),
            fastapi=_bare(ground, "FastAPI alone", "bench.peers.bare_fastapi:app", "/whoami"),
            starlette=_bare(ground, "Starlette alone", "bench.peers.bare_starlette:app", "/verify"),
        )


def _off_the_first_core() -> Cluster:
    """Start PostgreSQL where services whose speed is measured are not: its processes stay where their parent was."""
    cores, own = machine.cores(), os.getpid()
    machine.pin(own, cores[1:] or cores)
    try:
        return Cluster()
    finally:
        machine.pin(own, cores)


@dataclass(frozen=True)
class _Ground:
    folder: Path
    cluster: Cluster
    stack: contextlib.ExitStack

    def database(self, name: str) -> str:
        return asyncio.run(self.cluster.address.create_database(name))

    def driver_url(self, name: str) -> str:
        return self.cluster.address.url(name, "postgresql")

    def start(self, name: str, program: Program) -> Service:
        service = Service(name, program, self.folder / name.replace(" ", "-"))
        self.stack.callback(service.stop)
        return service


def _this_service(ground: _Ground, people: int, sessions_each: int) -> Contestant:
    program = Program(
        "backend.main:app",
        {
            "VESTIBULE_DATABASE_URL": ground.database("vestibule"),
            "VESTIBULE_DATA_DIR": str(ground.folder / "data"),
            "VESTIBULE_RATE_LIMITS": "off",
            "VESTIBULE_REGISTRATION": "open",
            "VESTIBULE_ARGON2": _ARGON2,
            "VESTIBULE_SEND_VERIFICATION_EMAILS": "false",
        },
    )
    _run(program, ground.folder, "-m", "backend", "migrate")
    tokens = _opened_sessions(program, ground.folder, people, sessions_each)
    asyncio.run(seeding.analyze(ground.driver_url("vestibule")))
    service = ground.start("Vestibule", program)

    def register(name: str) -> None:
        body = {"username": name, "email": f"{name}@example.org", "password": _PASSWORD}
        service.post_json("/api/auth/register", body, status=201)

    def login(name: str) -> dict[str, str]:
        return {"username_or_email": name, "password": _PASSWORD}

    register("first")  # becomes the superuser; the others are like everybody
    register("reader")
    token = service.post_json("/api/auth/login", login("reader"))["access_token"]
    path = "/api/auth/whoami"
    _check(service, path, token, "username", "reader")
    other = service.post_json("/api/auth/login", login("reader"))["access_token"]
    service.get(path, other)
    service.post("/api/auth/jwt/logout", other, status=204)
    service.get(path, other, status=401)  # what is remembered about a session is forgotten with it
    names = [f"client{number}" for number in range(LOGIN_CLIENTS)]
    for name in names:
        register(name)
    logins = tuple(load.post("/api/auth/login", json.dumps(login(name)).encode(), _JSON) for name in names)
    return Contestant(service.name, service, path, token, tuple(seeding.in_turn(tokens)), logins)


def _fastapi_users(ground: _Ground, name: str, strategy: str, argon2: str) -> Contestant:
    url = ground.database(name)
    environment = {"PEER_DATABASE_URL": url, "PEER_STRATEGY": strategy, "PEER_ARGON2": argon2}
    service = ground.start(name, Program("bench.peers.fastapi_users_app:app", environment))

    def address(name: str) -> str:
        return f"{name}@example.org"

    names = [f"client{number}" for number in range(LOGIN_CLIENTS)]
    for person in ("reader", *names):
        service.post_json("/auth/register", {"email": address(person), "password": _PASSWORD}, status=201)
    forms = {person: {"username": address(person), "password": _PASSWORD} for person in ("reader", *names)}
    token = service.post_form("/auth/jwt/login", forms["reader"])["access_token"]
    path = "/users/me"
    _check(service, path, token, "email", address("reader"))
    logins = tuple(load.post("/auth/jwt/login", urlencode(forms[person]).encode(), _FORM) for person in names)
    return Contestant(name, service, path, token, (), logins)


def _with_crowd(ground: _Ground, contestant: Contestant, people: int, sessions_each: int) -> Contestant:
    url = ground.driver_url(contestant.name)
    tokens = asyncio.run(seeding.write_peer_sessions(url, people, sessions_each))
    asyncio.run(seeding.analyze(url))
    _check(contestant.service, contestant.path, tokens[0][0], "email", "crowd0@example.org")
    return dataclasses.replace(contestant, tokens=tuple(seeding.in_turn(tokens)))


def _bare(ground: _Ground, name: str, app: str, path: str) -> Contestant:
    service = ground.start(name, Program(app, {}))
    service.get(path)
    return Contestant(name, service, path)


def _check(service: Service, path: str, token: str, key: str, value: str) -> None:
    """Make sure that the answer is about the one who asks, and that nobody gets one without asking rightly."""
    service.get(path, status=401)
    service.get(path, token[:-2], status=401)
    answer = json.loads(service.get(path, token))
    if answer[key] != value:
        raise UnexpectedAnswerError(f"{service.name}: {path} told {answer[key]!r} and not {value!r}")


def _opened_sessions(program: Program, folder: Path, people: int, sessions_each: int) -> list[list[str]]:
    """Let two processes open the sessions: it is the longest part of the preparations."""
    half = people // 2

    def open_half(first: int) -> list[list[str]]:
        told = _run(program, folder, "-m", "bench.seeding", str(first), str(half), str(sessions_each))
        tokens: list[list[str]] = json.loads(told.splitlines()[-1])
        return tokens

    with ThreadPoolExecutor() as pool:
        return [tokens for part in pool.map(open_half, (0, half)) for tokens in part]


def _run(program: Program, folder: Path, *arguments: str) -> str:
    ended = subprocess.run(
        program.run(*arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
        timeout=_PREPARATION_SECONDS,
        check=False,
    )
    if ended.returncode:
        raise UnexpectedAnswerError(
            f"{' '.join(arguments)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
        )
    return ended.stdout
