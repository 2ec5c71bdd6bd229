"""What the documents promise to name, they name."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from fastapi.routing import iter_route_contexts

from backend import errors
from backend.cli import app as commands
from backend.routes.routers import ROUTERS
from backend.settings import PREFIX, Settings

ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final = sorted(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)


def _read(name: str) -> str:
    path = ROOT / name
    return path.read_text() if path.exists() else ""


def _codes() -> set[str]:
    def below(family: type[errors.VestibuleError]) -> Iterator[type[errors.VestibuleError]]:
        for child in family.__subclasses__():
            yield child
            yield from below(child)

    start = {errors.SettingsError.code, errors.StartError.code}  # they end the start and reach no client
    return {child.code for child in below(errors.VestibuleError) if "code" in vars(child)} - start


def _commands(group: Any, path: str = "") -> Iterator[str]:  # Typer's own type
    inner = getattr(group, "commands", None)
    if inner is None:
        yield path.strip()
        return
    for name, one in inner.items():
        yield from _commands(one, f"{path} {name}")


def test_every_error_code_is_explained() -> None:
    text = _read("docs/errors.md")

    assert [code for code in sorted(_codes()) if f"`{code}`" not in text] == []


@pytest.mark.parametrize("document", [".env.example", "docs/settings.md"])
def test_every_setting_is_named_and_no_other(document: str) -> None:
    text = _read(document)
    named = {
        word for word in text.replace("`", " ").replace("=", " ").replace("#", " ").split() if word.startswith(PREFIX)
    }

    assert [name for name in SETTINGS if name not in text] == []
    assert {word.rstrip(".,;:)") for word in named} <= {*SETTINGS, f"{PREFIX}…"}


def test_every_command_is_named() -> None:
    pages = [_read("README.md"), *(path.read_text() for path in sorted((ROOT / "docs").rglob("*.md")))]
    text = "\n".join(pages)

    assert [name for name in _commands(typer.main.get_command(commands)) if f"backend {name}" not in text] == []


def test_every_route_says_in_a_sentence_what_it_does() -> None:
    found = [context.endpoint for router in ROUTERS for context in iter_route_contexts(router.routes)]

    assert len(found) > 30
    assert [endpoint for endpoint in found if not (endpoint.__doc__ or "").strip().endswith(".")] == []


def test_every_module_that_is_named_is_there() -> None:
    folders = [ROOT / name for name in ("backend", "bench", "tests", "tools")]
    modules = [f"/{path.relative_to(ROOT).as_posix()}" for folder in folders for path in folder.rglob("*.py")]
    pages = [_read("README.md"), *(path.read_text() for path in (ROOT / "docs").rglob("*.md"))]
    named = {name for page in pages for name in re.findall(r"`([\w/]+\.py)`", page)}

    assert len(named) > 50
    assert sorted(name for name in named if not any(module.endswith(f"/{name}") for module in modules)) == []


@pytest.mark.parametrize("document", ["docs/contracts.md", "docs/security/asvs.md", "docs/security/attack-cases.md"])
def test_every_proof_that_is_named_is_there(document: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)", _read(document))
    assert len(named) > 20
    assert [f"{module}::{test}" for module, test in named if test not in _tests(module)] == []


@cache
def _tests(module: str) -> set[str]:
    found = ast.parse(_read(module)).body
    return {one.name for one in found if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
