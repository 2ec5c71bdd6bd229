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
    from backend.routes import (  # noqa: PLC0415
        account_files,
        approval_service,
        approval_service_admin,
        operations,
        own_data,
        users_by_name,
    )
    from backend.routes import users as users_by_id  # noqa: PLC0415
    from backend.routes.pages import (  # noqa: PLC0415
        account,
        approvals,
        approvals_at_once,
        devices,
        editing,
        entrance,
        exchange,
        invitation,
        inviting,
        ledger,
        listing,
        members,
        organization_acts,
        organizations,
        profile,
        recovery,
        strength,
        tier_acts,
        tier_limits,
        tier_moves,
        tier_of_person,
        tiers,
        users,
        users_at_once,
    )

    groups = (invitation, inviting, members, organization_acts, organizations)
    limits = (tier_acts, tier_limits, tier_moves, tier_of_person, tiers)
    at_once = (approvals_at_once, users_at_once)
    pages = (account, approvals, devices, editing, entrance, exchange, ledger, listing, profile, recovery, users)
    people = (users_by_id, users_by_name, account_files, own_data)
    modules = (
        approval_service,
        approval_service_admin,
        operations,
        strength,
        *people,
        *groups,
        *limits,
        *at_once,
        *pages,
    )
    found = [context.endpoint for module in modules for context in iter_route_contexts(module.router.routes)]

    assert len(found) > 30
    assert [endpoint for endpoint in found if not (endpoint.__doc__ or "").strip().endswith(".")] == []


@pytest.mark.parametrize("document", ["docs/contracts.md", "docs/security/asvs.md", "docs/security/attack-cases.md"])
def test_every_proof_that_is_named_is_there(document: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)", _read(document))
    assert len(named) > 20
    assert [f"{module}::{test}" for module, test in named if test not in _tests(module)] == []


@cache
def _tests(module: str) -> set[str]:
    found = ast.parse(_read(module)).body
    return {one.name for one in found if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
