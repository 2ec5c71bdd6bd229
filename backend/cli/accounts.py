"""Doing one thing to several accounts: each in a transaction of its own, each with its own outcome."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import typer

from backend.cli.printing import print_json, progress, shown
from backend.cli.running import run
from backend.context import Context
from backend.errors import VestibuleError
from backend.models import Status, User
from backend.services import COMMAND_LINE, Services, reading, unit_of_work

_DESCRIBED: Final = (
    *("id", "username", "email", "full_name", "institution", "approval_note", "profile_image_url", "role", "status"),
    *("is_active", "is_superuser", "is_verified", "is_approved", "tier_id", "must_change_password"),
    *("password_expires_at", "approved_by", "approved_at", "decision_reason", "suspended_until", "access_expires_at"),
    *("deleted_at", "created_at", "updated_at", "last_login", "login_count"),
)


@dataclass(frozen=True)
class Done:
    """What became of one account: the account, a sentence for people, further values for programs."""

    user: User
    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)


Act = Callable[[Services, User], Awaitable[Done]]


def for_each(names: Sequence[str], operation: str, act: Act, *, as_json: bool, gone: bool = False) -> None:
    """Do `act` to the account of each name and print the outcomes; exit 0 only if all succeeded.

    `gone` finds deleted accounts too.
    """
    wanted = list(dict.fromkeys(names))
    outcomes: dict[str, Done | VestibuleError] = {}

    async def work(context: Context) -> None:
        with progress(operation, len(wanted)) as advance:
            for name in wanted:
                outcomes[name] = await _one(context, name, act, gone=gone)
                advance(1)

    try:
        run(work, as_json=as_json)
    finally:  # whoever interrupts it learns what has been done
        if outcomes:
            (_print_json if as_json else _print)(operation, len(wanted), outcomes)
    if any(isinstance(outcome, VestibuleError) for outcome in outcomes.values()):
        raise typer.Exit(1)


def described(user: User) -> dict[str, Any]:
    """Return an account as JSON output shows it."""
    return {name: getattr(user, name) for name in _DESCRIBED}


async def _one(context: Context, name: str, act: Act, *, gone: bool) -> Done | VestibuleError:
    try:
        async with reading(context) as services:
            user = await services.people.called(name, gone=gone)
        async with unit_of_work(context, COMMAND_LINE) as services:
            return await act(services, user)
    except VestibuleError as error:
        return error


def _print(_: str, __: int, outcomes: Mapping[str, Done | VestibuleError]) -> None:
    for name, outcome in outcomes.items():
        if isinstance(outcome, VestibuleError):
            typer.echo(f"{shown(name)}: {outcome.detail}", err=True)
        else:
            erased = outcome.user.status is Status.ANONYMIZED
            typer.echo(f"{shown(name) if erased else outcome.user.username}: {outcome.sentence}")


def _print_json(operation: str, requested: int, outcomes: Mapping[str, Done | VestibuleError]) -> None:
    results = [_result(name, outcome) for name, outcome in outcomes.items()]
    succeeded = sum(1 for result in results if result["succeeded"])
    print_json(
        {
            "operation": operation,
            "requested": requested,
            "succeeded": succeeded,
            "failed": len(results) - succeeded,
            "results": results,
        }
    )


def _result(name: str, outcome: Done | VestibuleError) -> dict[str, Any]:
    if isinstance(outcome, VestibuleError):
        return {"name": name, "succeeded": False, "error_code": outcome.code, "detail": outcome.detail}
    return {"name": name, "succeeded": True, "user": described(outcome.user), **outcome.values}
