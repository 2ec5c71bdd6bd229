"""`mail list` and `mail again`: what became of mails, and another try."""

from typing import Annotated, Any
from uuid import UUID

import typer

from backend.cli.options import JsonOption
from backend.cli.printing import print_json, print_table
from backend.cli.running import run
from backend.context import Context
from backend.models import Mail, MailState, User
from backend.services import COMMAND_LINE, reading, unit_of_work
from backend.stores.mails import WantedMails


def list_(
    state: Annotated[MailState | None, typer.Option(help="Only mails with this status.")] = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Only mails to this person.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The maximum number of mails.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List mails and their status, newest first.

    Example: python -m backend mail list --state failed
    """

    async def work(context: Context) -> list[dict[str, Any]]:
        async with reading(context) as look:
            wanted = WantedMails(state, user_id=(await look.people.called(user)).id if user else None)
            found = await look.messages.ledger(wanted, None, limit)
            return [_described(mail, found.people[mail.user_id]) for mail in found.page.rows]

    rows = run(work, as_json=as_json)
    if as_json:
        print_json({"messages": rows})
    elif rows:
        headings = ("Id", "Type", "To", "Status", "Attempts", "Created", "Next attempt", "Sent", "Reason")
        print_table(headings, [list(row.values()) for row in rows])
    else:
        typer.echo("No mails found.", err=True)


def again(
    id_: Annotated[UUID, typer.Argument(metavar="ID", help="The id of the mail; see `mail list`.")],
    as_json: JsonOption = False,
) -> None:
    """Send a mail again: a queued mail is sent now, any other is sent as a new one.

    A running service sends it within 15 seconds.

    Example: python -m backend mail again 01a1ff2c-de6a-71c7-ba48-51f9f979b062
    """

    async def work(context: Context) -> dict[str, Any]:
        async with unit_of_work(context, COMMAND_LINE) as services:
            mail = await services.messages.again(None, id_)
            return _described(mail, await services.people.one(mail.user_id))

    row = run(work, as_json=as_json)
    if as_json:
        print_json({"message": row})
    else:
        typer.echo(f"{row['purpose']} to {row['to']} is now {row['state']}.")


def _described(mail: Mail, user: User) -> dict[str, Any]:
    return {
        "id": mail.id,
        "purpose": mail.purpose,
        "to": user.username,
        "state": mail.state,
        "attempts": mail.attempts,
        "created_at": mail.created_at,
        "due_at": mail.due_at if mail.state is MailState.DUE else None,
        "sent_at": mail.sent_at,
        "why": mail.why,
    }
