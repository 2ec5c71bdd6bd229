"""`cleanup`: does now what every `serve` does by itself."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import typer

from backend.cli.options import JsonOption
from backend.cli.printing import print_json
from backend.cli.running import run
from backend.context import Context
from backend.services import retention
from backend.services.retention import Removed

_WORDS: Final[Mapping[str, str]] = {"one_time_tokens": "one-time tokens", "bulk_calls": "results of bulk calls"}


def cleanup(as_json: JsonOption = False) -> None:
    """Remove data that has been kept long enough, and end access and suspensions that are due.

    Example: python -m backend cleanup
    """

    async def work(context: Context) -> tuple[int, Removed]:
        return await retention.catch_up(context), await retention.clean_up(context)

    caught_up, removed = run(work, as_json=as_json)
    if as_json:
        print_json({"due": caught_up, **asdict(removed)})
        return
    typer.echo(f"Accounts whose access or suspension ended: {caught_up}")
    for name, count in asdict(removed).items():
        typer.echo(f"Removed {_WORDS.get(name, name)}: {count}")
