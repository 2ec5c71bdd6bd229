"""`sessions`: ending them from outside."""

from typing import Annotated

import typer

from backend.cli.accounts import Done, for_each
from backend.cli.options import JsonOption
from backend.models import User
from backend.services import Services

app = typer.Typer(help="End sessions.", no_args_is_help=True)


@app.callback()
def _sessions() -> None:
    pass


@app.command()
def revoke(
    users: Annotated[list[str], typer.Option("--user", metavar="NAME", help="Whose; may be given several times.")],
    as_json: JsonOption = False,
) -> None:
    """End all sessions of a person; the account stays as it is.

    Example: python -m backend sessions revoke --user ana
    """

    async def act(services: Services, user: User) -> Done:
        return Done(await services.administration.end_sessions(None, user.id), "all sessions ended")

    for_each(users, "revoke-sessions", act, as_json=as_json)
