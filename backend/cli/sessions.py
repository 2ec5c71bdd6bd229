"""`sessions`: lists and ends sessions."""

from typing import Annotated

import typer

from backend.cli.accounts import Done, for_each
from backend.cli.options import JsonOption, YesOption, confirm
from backend.cli.printing import print_json, print_table, progress
from backend.cli.running import run
from backend.context import Context
from backend.models import User
from backend.services import COMMAND_LINE, Services, reading
from backend.services.revocation import sign_everybody_out
from backend.services.sessions import Listed

app = typer.Typer(help="List and end sessions.", no_args_is_help=True)


@app.command("list")
def list_(
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Username, email address or id.")],
    ended: Annotated[bool, typer.Option("--ended", help="Include ended sessions.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List a person's sessions, last used first. The time last seen may be up to one minute old.

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
        headings = ("Id", "Device", "Type", "Address", "Signed in", "Last seen", "Expires", "Ended")
        print_table(headings, [list(row.values()) for row in rows])


@app.command()
def revoke(
    users: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="NAME", help="Username, email address or id; can be given several times."),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="The sessions of everyone, including those restored from a backup.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """End all sessions of a person, or of everyone. Accounts do not change.

    Example: python -m backend sessions revoke --user ana
    """
    if everybody is bool(users):
        raise typer.BadParameter("Use --user NAME or --all.")
    if everybody:
        _revoke_everybodys(yes=yes, as_json=as_json)
        return

    async def act(services: Services, user: User) -> Done:
        return Done(await services.administration.end_sessions(None, user.id), "all sessions ended")

    for_each(users or [], "revoke-sessions", act, as_json=as_json)


def _revoke_everybodys(*, yes: bool, as_json: bool) -> None:
    confirm("Everyone has to sign in again, including you.", "End all sessions?", yes=yes)

    async def work(context: Context) -> int:
        async with reading(context) as look:
            counts = await look.people.counts()
        with progress("Signing out", sum(counts.by_status.values())) as advance:
            return await sign_everybody_out(context, COMMAND_LINE, progress=advance)

    ended = run(work, as_json=as_json)
    if as_json:
        print_json({"ended": ended})
    else:
        typer.echo(f"{ended} session{'' if ended == 1 else 's'} ended. All earlier tokens are invalid.")
