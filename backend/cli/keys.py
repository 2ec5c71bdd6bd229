"""`keys`: what signs the tokens."""

import typer

from backend.cli.options import JsonOption
from backend.cli.printing import print_json, print_table
from backend.cli.running import run
from backend.context import Context
from backend.keys import KeyRing

app = typer.Typer(help="See the keys that sign tokens.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    pass


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the keys whose tokens are believed; the active one signs. Secrets are not shown.

    Example: python -m backend keys list
    """

    async def work(context: Context) -> KeyRing:
        return context.signer.ring

    ring = run(work, as_json=as_json, prepare_database=False)
    keys = [
        {
            "kid": key.kid,
            "algorithm": key.algorithm,
            "created_at": key.created_at if key.public_jwk else None,
            "active": key is ring.active,
        }
        for key in ring.keys
    ]
    if as_json:
        print_json({"keys": keys})
    else:
        print_table(("Kid", "Algorithm", "Created", "Active"), [list(key.values()) for key in keys])
