"""The command line: it unpacks, calls a service and prints; the rules are elsewhere."""

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from backend import __version__
from backend.cli import (
    account_files,
    admin,
    audit,
    cleanup,
    closing,
    demo,
    keys,
    mail,
    mail_ledger,
    mail_server,
    migrate,
    own_data,
    provision,
    serve,
    sessions,
    tiers,
    users,
)

_PROGRAM: Final = "python -m backend"
_OF_PYDANTIC: Final = "Value error, "


class _Commands(TyperGroup):
    """The commands; a refused option is told without the words that pydantic puts before the reason."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # Typer's own
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(_OF_PYDANTIC)
            raise


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (serve.serve, migrate.migrate, demo.demo, cleanup.cleanup):
    app.command()(command)
for act in (
    closing.suspend,
    closing.activate,
    closing.expire,
    closing.role,
    closing.delete,
    closing.restore,
    closing.anonymize,
):
    users.app.command()(act)
users.app.command("tier")(tiers.give)
users.app.command("export")(account_files.export)
users.app.command("import")(account_files.import_)
users.app.command("data")(own_data.data)
mail.app.command("test")(mail_server.try_server)
mail.app.command("list")(mail_ledger.list_)
mail.app.command()(mail_ledger.again)
for name, group in (
    ("admin", admin.app),
    ("users", users.app),
    ("sessions", sessions.app),
    ("provision", provision.app),
    ("keys", keys.app),
    ("mail", mail.app),
    ("tiers", tiers.app),
    ("audit", audit.app),
):
    app.add_typer(group, name=name)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"Vestibule {__version__}")
        raise typer.Exit


@app.callback()
def _vestibule(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and stop.")
    ] = False,
) -> None:
    """Vestibule: sign-up, approval and sign-in for your apps.

    Start with: python -m backend serve
    """


def main() -> None:
    """Run the command that the arguments name, and exit with its code: 0 only on success."""
    app(prog_name=_PROGRAM)
