"""`admin`: makes administrators from the command line."""

import sys
from typing import Annotated

import typer

from backend.cli.accounts import described
from backend.cli.options import JsonOption
from backend.cli.printing import print_json
from backend.cli.running import run
from backend.context import Context
from backend.models import Role, User
from backend.services import COMMAND_LINE, unit_of_work
from backend.services.registration import Registration

app = typer.Typer(help="Create administrators.", no_args_is_help=True)


@app.command()
def create(
    username: Annotated[str | None, typer.Option(help="The username; asked for if missing.")] = None,
    email: Annotated[str | None, typer.Option(help="The email address; asked for if missing.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create an administrator. Without a terminal and --password-stdin, a password is generated and printed once.

    Example: python -m backend admin create --username ana --email ana@example.org
    """
    interactive = sys.stdin.isatty() and not password_stdin
    username = username or _ask("Username", "--username", interactive=interactive)
    email = email or _ask("Email", "--email", interactive=interactive)
    password = _password(from_stdin=password_stdin, interactive=interactive)

    async def work(context: Context) -> tuple[User, str | None]:
        generated = None if password else context.hasher.generate()
        registration = Registration(username, email, password or generated or "")
        async with unit_of_work(context, COMMAND_LINE) as services:
            user = await services.admission.add_by_admin(registration, admin=None, role=Role.ADMIN)
        return user, generated

    user, generated = run(work, as_json=as_json)
    if as_json:
        print_json({"user": described(user), "generated_password": generated})
        return
    typer.echo(f"{user.username} <{user.email}> is now an administrator.")
    if generated:
        typer.echo(f"Password (copy it now, it will not be shown again): {generated}")


def _ask(what: str, option: str, *, interactive: bool) -> str:
    if not interactive:
        raise typer.BadParameter("required without a terminal", param_hint=option)
    return str(typer.prompt(what, err=True))


def _password(*, from_stdin: bool, interactive: bool) -> str | None:
    """Return the password that was given, or None where one has to be made."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise typer.BadParameter("standard input contains no password", param_hint="--password-stdin")
        return password
    if interactive:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return None
