"""`sessions`: seeing and ending them from outside."""

from typing import Annotated

import typer

from backend.cli.accounts import Done, for_each
from backend.cli.options import JsonOption, YesOption, confirm
from backend.cli.printing import print_json, print_table
from backend.cli.running import ORIGIN, run
from backend.context import Context
from backend.models import User
from backend.services import Services, reading, unit_of_work
from backend.services.sessions import Listed

app = typer.Typer(help="See and end sessions.", no_args_is_help=True)


@app.callback()
def _sessions() -> None:
    pass


@app.command("list")
def list_(
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Whose: a username, email address or id.")],
    ended: Annotated[bool, typer.Option("--ended", help="Show those that are over as well.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List a person's sessions, the last used first. A running service may know of activity up to a minute younger.

    Example: python -m backend sessions list --user ana
    """

    async def work(context: Context) -> list[Listed]:
        async with reading(context) as look:
            return list(await look.sessions.listed((await look.people.called(user)).id, ended=ended))

    rows = [
        {
            "id": one.id,
            "device": one.name,
            "carrier": one.session.carrier,
            "ip_address": one.session.ip_address,
            "created_at": one.session.created_at,
            "last_activity": one.last_activity,
            "expires_at": one.session.expires_at,
            "ended_because": one.over,
        }
        for one in run(work, as_json=as_json)
    ]
    if as_json:
        print_json({"sessions": rows})
    else:
        headings = ("Id", "Device", "Carrier", "From", "Since", "Last seen", "Ends", "Over")
        print_table(headings, [list(row.values()) for row in rows])


@app.command()
def revoke(
    users: Annotated[
        list[str] | None, typer.Option("--user", metavar="NAME", help="Whose; may be given several times.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's, and what a backup brought back.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """End all sessions of a person, or of everybody; accounts stay as they are.

    Example: python -m backend sessions revoke --user ana
    """
    if everybody is bool(users):
        raise typer.BadParameter("Say whose: --user NAME, or --all.")
    if everybody:
        _revoke_everybodys(yes=yes, as_json=as_json)
        return

    async def act(services: Services, user: User) -> Done:
        return Done(await services.administration.end_sessions(None, user.id), "all sessions ended")

    for_each(users or [], "revoke-sessions", act, as_json=as_json)


def _revoke_everybodys(*, yes: bool, as_json: bool) -> None:
    confirm("Everybody has to sign in again, you too.", "End all sessions?", yes=yes)

    async def work(context: Context) -> int:
        async with unit_of_work(context, ORIGIN) as services:
            return await services.administration.end_everybodys_sessions(None)

    ended = run(work, as_json=as_json)
    if as_json:
        print_json({"ended": ended})
    else:
        typer.echo(f"{ended} session{'' if ended == 1 else 's'} ended; every token of before is worthless.")
