"""The page that names each promise: as many as it says, each with a test, and no route and no setting left out."""

import re
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from backend.settings import PREFIX, Settings
from tests.application import ON_SQLITE, Application
from tests.security.routes import Route, routes

PROMISES: Final = {"0": 29, "A": 24, "B0": 7, "B1": 17, "B3": 20, "C": 14, "O": 18, "E": 3, "D": 31}
"""How many rows each section has: a promise that goes, or comes without its tests, is noticed here."""
PREFIXES: Final = ("/api/auth", *(f"/api/v1/{name}" for name in ("auth", "users", "tiers", "organizations", "audit")))
_PAGE: Final = Path(__file__).parents[2] / "docs" / "contracts.md"
_ROW: Final = re.compile(r"^\| (\w+)-(\d\d) \| (.+?) \| (.+?) \| (.*) \|$", re.MULTILINE)
_CALL: Final = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`]*)`")
_SETTING: Final = re.compile(rf"`({PREFIX}\w+)`")
_PROOF: Final = re.compile(r"`tests/[\w/]+\.py::test_\w+`")


class Promise(NamedTuple):
    """A row of the page."""

    section: str
    number: int
    what: str
    proofs: tuple[str, ...]


@pytest.fixture(scope="module")
def promises() -> list[Promise]:
    """All rows."""
    rows = _ROW.findall(_PAGE.read_text())
    return [
        Promise(section, int(number), what, tuple(_PROOF.findall(proofs))) for section, number, what, _, proofs in rows
    ]


def test_there_are_as_many_promises_as_we_know_of(promises: list[Promise]) -> None:
    assert Counter(promise.section for promise in promises) == PROMISES
    for section, count in PROMISES.items():
        numbers = [promise.number for promise in promises if promise.section == section]
        assert numbers == [*range(1, count + 1)], section
    lines = [line for line in _PAGE.read_text().splitlines() if line.startswith("| ")]
    assert len(lines) == len(promises) + len(PROMISES), "a row that cannot be read"


def test_every_promise_is_shown_by_a_test(promises: list[Promise]) -> None:
    # that the tests are there: tests/architecture/test_documents.py
    assert [promise for promise in promises if not promise.proofs] == []


@ON_SQLITE
async def test_every_call_of_the_page_is_there_and_every_route_is_on_the_page(
    running: Application, promises: list[Promise]
) -> None:
    named = {(method, path) for promise in promises for method, path in _CALL.findall(promise.what)}
    there = {_plain(route) for route in routes(running.app)}
    document = running.app.openapi()["paths"]

    assert sorted(named - there) == []
    assert sorted(route for route in there - named if route[1].startswith(PREFIXES)) == []
    shown = {(method.upper(), path) for path, methods in document.items() for method in methods}
    by_id = {(method, "/api/v1/users/{id}") for method in ("GET", "PATCH", "DELETE")}  # shown with `{user}`
    assert sorted(route for route in named - shown - by_id if route[1].startswith("/api/")) == []


def test_every_setting_of_the_page_is_one_and_every_setting_is_on_the_page(promises: list[Promise]) -> None:
    named = [name for promise in promises for name in _SETTING.findall(promise.what)]
    assert sorted(named) == sorted(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)


@ON_SQLITE
async def test_what_is_not_promised_is_not_there(running: Application) -> None:
    gone = ("/api/v1/auth/introspect", "/api/auth/introspect", "/debug/list_users")
    answers = [await running.client.request(method, path) for path in gone for method in ("GET", "POST")]
    assert {answer.status_code for answer in answers} == {404}
    schemas = running.app.openapi()["components"]["schemas"].values()
    assert [schema["title"] for schema in schemas if "otp" in schema.get("properties", {})] == []


def _plain(route: Route) -> Route:
    """Name a route as the page does."""
    return route[0], re.sub(r"{(\w+):\w+}", r"{\1}", route[1])
