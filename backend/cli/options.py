"""Options and arguments that several commands share."""

import sys
from typing import Annotated, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError

from backend.schemas.types import Reason

T = TypeVar("T")


def _reason(text: str | None) -> str | None:
    try:
        return TypeAdapter[str | None](Reason).validate_python(text)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from None


def confirm(warning: str, question: str, *, yes: bool) -> None:
    """Ask before something that cannot be taken back, unless `yes`; where nobody can be asked, `--yes` is needed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("required without a terminal", param_hint="--yes")
    typer.echo(warning, err=True)
    typer.confirm(question, abort=True, err=True)


YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, also for errors.")]
NamesArgument = Annotated[
    list[str], typer.Argument(metavar="NAME", help="Usernames, email addresses or ids.", show_default=False)
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", callback=_reason, help="The reason; saved with the account and in the audit.")
]
