"""Rules about the code that no tool knows: where a status changes, what a route may do, which words are kept back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from fastapi.routing import iter_route_contexts

from backend import errors
from backend.identifiers import RESERVED
from backend.routes.routers import ROUTERS

BACKEND: Final = Path(__file__).parents[2] / "backend"
ROUTES: Final = sorted((BACKEND / "routes").rglob("*.py"))
WORDS_OF_THE_CONTRACT: Final = [
    "me",
    "stats",
    "bulk",
    "db",
    "register",
    "signin",
    "signout",
    "signout-sessions",
    "info",
    "sessions",
    "reset-password",
    "active-and-inactive",
    "export",
    "import",
]
MAKERS: Final = {"services/lifecycle.py", "services/admission.py"}
"""The one function that changes a status, and the one that makes an account with its first."""
COPIES: Final = {"stores/listings.py"}
"""What lists look through holds the status once more."""


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(BACKEND.rglob("*.py")):
        yield path.relative_to(BACKEND).as_posix(), ast.parse(path.read_text())


def _sets_status(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Attribute) and target.attr == "status" for target in node.targets)
    if isinstance(node, ast.Dict):
        return any(isinstance(key, ast.Constant) and key.value == "status" for key in node.keys)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"values", "update"}:
        return any(keyword.arg == "status" for keyword in node.keywords)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "setattr"
        and any(isinstance(argument, ast.Constant) and argument.value == "status" for argument in node.args)
    )


def test_a_status_changes_in_one_place() -> None:
    found = {
        name
        for name, tree in _trees()
        if not name.startswith(("routes/", "cli/", "migrations/"))
        for node in ast.walk(tree)
        if _sets_status(node)
    }

    assert found - COPIES == MAKERS


@pytest.mark.parametrize("path", ROUTES, ids=lambda path: path.relative_to(BACKEND).as_posix())
def test_a_route_never_catches_what_a_service_refuses(path: Path) -> None:
    tree = ast.parse(path.read_text())
    routes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef)
        and any(
            isinstance(mark, ast.Call) and ast.unparse(mark.func).startswith("router.") for mark in node.decorator_list
        )
    ]
    catching = [route.name for route in routes for node in ast.walk(route) if isinstance(node, ast.Try)]

    assert [name for name in catching if name != "ready"] == []  # `ready` turns the database's silence into its answer


def test_nobody_but_the_database_commits() -> None:
    committing = {
        name
        for name, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    }

    assert committing == {"stores/database.py"}


def test_only_one_module_reads_the_environment() -> None:
    readers = {
        name
        for name, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }

    assert readers == {"environment.py"}


def test_time_comes_from_the_clock() -> None:
    asks = re.compile(r"datetime\.now\(|datetime\.utcnow\(|date\.today\(")
    # Names, stamps and ages are no rules.
    own = {"clock.py", "key_directory.py", "routes/errors.py"}

    assert {name for name, _ in _trees() if asks.search((BACKEND / name).read_text())} <= own


def test_words_that_are_paths_are_no_usernames() -> None:
    below = re.compile(r"/api/v1/users/([^/{]+)")
    found = [below.match(str(context.path)) for router in ROUTERS for context in iter_route_contexts(router.routes)]
    words = {match[1] for match in found if match}

    assert {"me", "bulk", "signin", "export"} <= words <= RESERVED
    assert RESERVED.issuperset(WORDS_OF_THE_CONTRACT)
    assert "admin" not in RESERVED


def test_every_code_of_an_error_is_its_own() -> None:
    def below(family: type[errors.VestibuleError]) -> Iterator[type[errors.VestibuleError]]:
        for child in family.__subclasses__():
            yield child
            yield from below(child)

    ours = [child for child in set(below(errors.VestibuleError)) if child.__module__.startswith("backend.errors.")]
    codes = [child.code for child in ours if "code" in vars(child)]

    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", code) for code in codes)
