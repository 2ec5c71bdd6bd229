"""The clock of the machine jumps under a real server process (libfaketime): times are kept, nothing dead revives."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.factories import PASSWORD
from tests.faults.house import opened
from tests.machines.forks import Clock

WHO, VERIFY, REFRESH, LOGIN = "/api/auth/whoami", "/api/v1/auth/verify", "/api/v1/auth/refresh", "/api/v1/auth/login"
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
BACKGROUND: Final = {"X-Background": "1"}
Jump = Callable[[float], None]


@pytest.fixture(scope="module")
def server(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Jump]]:
    """A real server with its first account, and the way to set its clock so many seconds from the machine's."""
    place = tmp_path_factory.mktemp("clock")
    with _server(migrated_sqlite, place) as (url, jump), httpx.Client(base_url=url, trust_env=False) as client:
        body = {"username": "first", "email": "first@example.org", "password": PASSWORD}
        assert client.post("/api/auth/register", json=body).status_code == 201
        yield client, jump


@pytest.fixture
def visited(server: tuple[httpx.Client, Jump]) -> tuple[httpx.Client, Jump]:
    """The same at the machine's own time."""
    server[1](0)
    return server


@contextmanager
def _server(migrated: Path, place: Path) -> Iterator[tuple[str, Jump]]:
    clock = Clock(place / "time")
    shutil.copy(migrated, place / "vestibule.db")
    with opened(f"sqlite+aiosqlite:///{place / 'vestibule.db'}", place / "house", 1, clock.environment) as built:
        yield f"http://127.0.0.1:{built.ports[0]}", clock.set


def _given(client: httpx.Client) -> dict[str, Any]:
    answer = client.post(LOGIN, json={"username": "first", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    token: dict[str, Any] = answer.json()["data"]["token"]
    return token


def _verdict(client: httpx.Client, given: dict[str, Any], path: str = WHO, **headers: str) -> str:
    answer = client.get(path, headers={"Authorization": f"Bearer {given['access_token']}", **headers})
    return "fine" if answer.status_code == 200 else str(answer.json()["error_code"])


def test_a_real_server_ends_sessions_by_the_clock_of_its_machine(visited: tuple[httpx.Client, Jump]) -> None:
    client, jump = visited
    given = _given(client)
    told = []
    for seconds in (17 * MINUTE, 34 * MINUTE, 51 * MINUTE):
        jump(seconds)
        told += [_verdict(client, given, path) for path in (WHO, VERIFY)]
    jump(HOUR + 1)
    told.append(_verdict(client, given))
    refreshed = client.post(REFRESH, json={"refresh_token": given["refresh_token"]})
    assert refreshed.status_code == 200, refreshed.text
    next_ = refreshed.json()["data"]
    jump(HOUR + 21 * MINUTE + 5)
    idle = [_verdict(client, next_, path) for path in (VERIFY, WHO)]
    jump(HOUR + 10)
    revived = _verdict(client, next_)

    assert told == ["fine"] * 6 + ["TOKEN_EXPIRED"]
    assert (idle, revived) == (["SESSION_INACTIVE"] * 2, "SESSION_INACTIVE")


def test_a_clock_that_is_put_back_makes_no_session_longer(visited: tuple[httpx.Client, Jump]) -> None:
    client, jump = visited
    jump(HOUR)
    ahead = _given(client)
    jump(HOUR - 30)
    a_little_back = _verdict(client, ahead)
    jump(0)  # no cached answer depends on it: what was verified an hour ahead stays verified
    known, fresh = _verdict(client, ahead, **BACKGROUND), _given(client)
    jump(HOUR + 19 * MINUTE)
    lively = _verdict(client, ahead, **BACKGROUND)
    jump(HOUR + 21 * MINUTE)

    assert (a_little_back, lively) == ("fine", "fine")
    assert known in {"fine", "INVALID_TOKEN"}
    assert _verdict(client, ahead, **BACKGROUND) == "SESSION_INACTIVE"
    assert _verdict(client, fresh, **BACKGROUND) == "TOKEN_EXPIRED"


def test_a_server_whose_clock_is_far_ahead_gives_tokens_that_are_refused_until_their_time(
    visited: tuple[httpx.Client, Jump],
) -> None:
    client, jump = visited
    jump(25 * MINUTE)
    early = _given(client)
    jump(0)

    assert _verdict(client, early) == "INVALID_TOKEN"
    jump(24 * MINUTE + 30)
    assert _verdict(client, early) == "fine"
    jump(25 * MINUTE + DAY)
    assert _verdict(client, early) == "TOKEN_EXPIRED"
    answer = client.post(REFRESH, json={"refresh_token": early["refresh_token"]})
    assert (answer.status_code, answer.json()["error_code"]) == (401, "INVALID_TOKEN")
