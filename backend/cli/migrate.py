"""`migrate`: bringing a database to this version."""

import typer

from backend.cli.options import JsonOption
from backend.cli.printing import print_json
from backend.cli.running import run
from backend.context import Context
from backend.services import startup


def migrate(as_json: JsonOption = False) -> None:
    """Migrate the database to this version. Safe to run at any time, also by several processes at once.

    Example: python -m backend migrate
    """

    async def work(context: Context) -> tuple[str | None, str]:
        return await startup.migrate(context)

    before, after = run(work, as_json=as_json, prepare_database=False)
    if as_json:
        print_json({"from": before, "to": after, "changed": before != after})
    elif before == after:
        typer.echo(f"The database is already at {after}.")
    else:
        typer.echo(f"The database was migrated from {before or 'empty'} to {after}.")
