"""How every command runs: with settings and a context of its own, and with refusals as one sentence."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import typer

from backend import logs
from backend.cli.printing import encoded
from backend.context import Context
from backend.environment import load
from backend.errors import VestibuleError
from backend.services import startup
from backend.settings import Settings

T = TypeVar("T")


def run(work: Callable[[Context], Awaitable[T]], *, as_json: bool = False, prepare_database: bool = True) -> T:
    """Do `work` with a context of its own and return what it returns; end the command where it is refused.

    `prepare_database` brings the embedded database to this version's schema first, and insists that a server's is.
    """
    settings = loaded(as_json=as_json)
    try:
        logs.configure(settings, level=logging.WARNING)
        return asyncio.run(_within(settings, work, prepare_database=prepare_database))
    except VestibuleError as error:
        refuse(error, as_json=as_json)


def loaded(*, as_json: bool = False) -> Settings:
    """Return the settings; end the command where they are invalid."""
    try:
        return load()
    except VestibuleError as error:
        refuse(error, as_json=as_json)


def refuse(error: VestibuleError, *, as_json: bool = False) -> NoReturn:
    """End the command with the reason on standard error."""
    line = error.detail
    if as_json:
        line = json.dumps(encoded({"error_code": error.code, "detail": error.detail}), ensure_ascii=False)
    typer.echo(line, err=True)
    raise typer.Exit(1) from None


async def _within(settings: Settings, work: Callable[[Context], Awaitable[T]], *, prepare_database: bool) -> T:
    context = Context.build(settings)
    try:
        if prepare_database:
            await startup.prepare_database(context)
        return await work(context)
    finally:
        await context.close()
