"""`migrate`: bringing a database to this version."""

import typer

from backend.cli.options import JsonOption
from backend.cli.printing import print_json
from backend.cli.running import run
from backend.context import Context
from backend.services import startup


def migrate(as_json: JsonOption = False) -> None:
    """Bring the database to the schema of this version. Safe to run at any time and by several processes at once.

    Example: python -m backend migrate
    """

    async def work(context: Context) -> tuple[str | None, str]:
        return await startup.migrate(context)

    before, after = run(work, as_json=as_json, prepare_database=False)
    if as_json:
        print_json({"from": before, "to": after, "changed": before != after})
    elif before == after:
        typer.echo(f"The database is at {after}; there is nothing to do.")
    else:
        typer.echo(f"The database was {f'at {before}' if before else 'empty'} and is at {after} now.")
