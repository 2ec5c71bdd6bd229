"""What is asked at every size: lists, searches, statistics, decisions and sign-ins, as requests over HTTP.

Every answer has to be a 200, and lists have to count what they find, or the run ends.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from backend.provisioners import PROVISIONERS
from backend.stores.list_queries import SortBy
from backend.stores.pages import ListPosition
from bench.filling import PASSWORD
from bench.population import ADMIN, COMMON, RARE
from bench.servers import Service, UnexpectedAnswerError

SLOW_AT: Final = 100_000
"""The size at which lists and searches have a limit of their own."""
_PATIENCE_SECONDS: Final = 300
_PAGE: Final = 100
_USERS: Final = "/api/v1/users"
_SOMEBODY: Final = UUID("01900000-0000-7000-8000-000000000000")
_STATISTICS: Final = {
    "statistics, 30 days": "/api/v1/statistics?period=30d",
    "statistics, 52 weeks": "/api/v1/statistics?period=52w",
    "statistics, one chart": "/api/v1/statistics/sign-ins?period=90d",
    "page of statistics, 30 days": "/statistics?period=30d",
    "page of statistics, 52 weeks": "/statistics?period=52w",
    "figures for Prometheus": "/metrics",
}
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str
    path: str
    body: str | None = None


@dataclass
class House:
    """A server over a population, and the administrator who asks it over one connection."""

    size: int
    service: Service
    data_dir: Path
    _headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the connection, and sign in."""
        self._connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=_PATIENCE_SECONDS)
        token = json.loads(self.answer(_login(ADMIN)))["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def timed(self, ask: Ask) -> float:
        """Return how long the answer took, in milliseconds.

        Raises:
            UnexpectedAnswerError: it is not a 200.
        """
        began = time.perf_counter()
        self.answer(ask)
        return (time.perf_counter() - began) * 1000

    def answer(self, ask: Ask) -> bytes:
        """Return the body of the answer.

        Raises:
            UnexpectedAnswerError: it is not a 200.
        """
        headers = self._headers | (_JSON if ask.body else {})
        self._connection.request(ask.method, ask.path, ask.body, headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise UnexpectedAnswerError(
                f"{ask.method} {ask.path} answered {response.status}: {body[:300].decode(errors='replace')}"
            )
        return body

    def some(self, number: int, **wanted: str) -> Iterator[Mapping[str, Any]]:
        """Return so many of the accounts that a list finds, from its beginning on; fewer where there are fewer."""
        cursor = ""
        while number > 0:
            query = {**wanted, "items_per_page": str(min(number, _PAGE)), "cursor": cursor}
            page = json.loads(self.answer(Ask("GET", f"{_USERS}?{urlencode(query)}")))
            yield from page["data"]
            number -= len(page["data"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def provide(self, ids: list[str]) -> None:
        """Make the directories that accounts have since they were registered."""
        PROVISIONERS["directories"](self.data_dir).provision_all([UUID(id_) for id_ in ids])
        self._connection.close()  # the server would have, meanwhile; the next request opens it again


@dataclass(frozen=True)
class Question:
    """A row: what to ask a house so many times, and how many times longer it may take where there are most accounts."""

    title: str
    asks: Callable[[House, int], Iterator[Ask]]
    at_most: float
    limited: bool = False
    """Whether it is a list or a search."""


def questions() -> list[Question]:
    """Return the rows."""
    now = datetime.now(UTC)
    middle = ListPosition.of(SortBy.CREATED_AT, now - timedelta(days=365), _SOMEBODY, descending=True).cursor()
    among_names = ListPosition.of(SortBy.USERNAME, "m", _SOMEBODY, descending=False).cursor()
    by_name = {"sort_by": "username", "sort_order": "asc"}
    lists: dict[str, dict[str, str]] = {
        "first page": {},
        "deep page, by cursor": {"cursor": middle},
        "first page by username": by_name,
        "deep page by username": {**by_name, "cursor": among_names},
        "approvers": {"role": "approver"},
        "approvers by username": {**by_name, "role": "approver"},
        "inactive": {"is_active": "false"},
        "inactive, last seen first": {"is_active": "false", "sort_by": "last_login"},
        "registered in the last 30 days": {"created_after": (now - timedelta(days=30)).isoformat()},
        "search, 5 found": {"query": RARE},
        "search, 1 % found": {"query": COMMON},
        "the same among approvers": {"query": COMMON, "role": "approver"},
        "search for a beginning, 4 % found": {"query": "an"},
        "search, all found": {"query": "example"},
    }
    return [
        *(Question(title, _list(wanted), at_most=2, limited=True) for title, wanted in lists.items()),
        Question("numbers of people", _list({}, "/stats"), at_most=2),
        *(Question(title, _repeated(path), at_most=2) for title, path in _STATISTICS.items()),
        Question("approve", _approvals, at_most=1.2),
        Question("login", _logins, at_most=1.2),
    ]


def approve_all(house: House, ids: list[str]) -> float:
    """Let many in at once, and tell how many a second that were.

    Raises:
        UnexpectedAnswerError: not all of them were let in.
    """
    ask = Ask("POST", f"{_USERS}/bulk", json.dumps({"user_ids": ids, "operation": "approve"}))
    began = time.perf_counter()
    answer = json.loads(house.answer(ask))
    took = time.perf_counter() - began
    if answer["succeeded"] != len(ids):
        raise UnexpectedAnswerError(f"Of {len(ids)} only {answer['succeeded']} were let in: {answer['errors'][:3]}")
    return len(ids) / took


def _list(wanted: Mapping[str, str], below: str = "") -> Callable[[House, int], Iterator[Ask]]:
    ask = Ask("GET", f"{_USERS}{below}" + (f"?{urlencode(wanted)}" if wanted else ""))
    return lambda _, number: repeat(ask, number)


def _repeated(path: str) -> Callable[[House, int], Iterator[Ask]]:
    return lambda _, number: repeat(Ask("GET", path), number)


def _approvals(house: House, number: int) -> Iterator[Ask]:
    ids = [person["id"] for person in house.some(number, status="pending", sort_by="username")]
    house.provide(ids)
    body = json.dumps({"approved": True})
    return (Ask("POST", f"/api/auth/admin/users/{id_}/approve", body) for id_ in ids)


def _logins(house: House, number: int) -> Iterator[Ask]:
    people = list(house.some(number, status="active", role="user", sort_by="username"))
    return (_login(person["username"]) for person in people)


def _login(username: str) -> Ask:
    return Ask("POST", "/api/auth/login", json.dumps({"username_or_email": username, "password": PASSWORD}))
