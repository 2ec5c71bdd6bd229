"""`mail test`: tries whether the mail server takes a mail."""

from typing import Annotated, Final
from uuid import uuid4

import typer

from backend.cli.options import JsonOption
from backend.cli.printing import print_json, shown
from backend.cli.running import run
from backend.context import Context
from backend.errors import InvalidEmail
from backend.identifiers import email_as_typed
from backend.notifiers import Message, TryLater, Undeliverable

_SUBJECT: Final = "Test mail"
_BODY: Final = """Hello,

This is a test mail from {public_url}.
If you can read it, your mail server works. You do not have to do anything.
"""
_NO_SERVER: Final = "No mail server is set (VESTIBULE_SMTP_URL)."


def _address(text: str) -> str:
    try:
        return email_as_typed(text)
    except InvalidEmail as error:
        raise typer.BadParameter(error.detail) from None


def try_server(
    to: Annotated[
        str, typer.Option("--to", metavar="ADDRESS", callback=_address, help="The recipient, for example yourself.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Send a test mail and print the answer of the mail server. Exits with 1 if the server did not accept it.

    The mail is sent once, immediately. It does not go through the outbox and is not stored.

    Example: python -m backend mail test --to ana@example.org
    """

    async def work(context: Context) -> str | None:
        if not context.settings.mail_enabled or context.notifier is None:
            return _NO_SERVER
        body = _BODY.format(public_url=context.settings.public_url)
        try:
            await context.notifier.send(Message(to, _SUBJECT, body, id=str(uuid4())))
        except (Undeliverable, TryLater) as refusal:
            return str(refusal)
        finally:
            await context.notifier.rest()
        return None

    why = run(work, as_json=as_json, prepare_database=False)
    if as_json:
        print_json({"to": to, "accepted": why is None, "why": why})
    elif why is None:
        typer.echo(f"The mail server accepted the mail to {shown(to)}.")
    else:
        typer.echo(f"The mail to {shown(to)} was not sent. {why}", err=True)
    if why is not None:
        raise typer.Exit(1)
