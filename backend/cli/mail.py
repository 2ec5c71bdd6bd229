"""`mail`: shows what a mail says."""

from typing import Annotated

import typer

from backend.cli.options import JsonOption
from backend.cli.printing import print_json
from backend.cli.running import loaded, refuse
from backend.errors import TemplateBroken
from backend.models import MailPurpose
from backend.services.example_letters import example, examples
from backend.services.letters import FOLDER, Letters

app = typer.Typer(help="Show, test and resend mail.", no_args_is_help=True)


@app.command()
def show(
    purpose: Annotated[
        MailPurpose, typer.Argument(metavar="PURPOSE", help="The type of mail, for example reset_password.")
    ],
    html: Annotated[bool, typer.Option("--html", help="Print its HTML instead of its text.")] = False,
    unproven: Annotated[
        bool, typer.Option("--unproven", help="The version for an email address that is not confirmed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print a mail with example values. It uses your own template in DATA_DIR/mail, if there is one.

    Your template is tested with and without each optional value. If it has an error, the command prints the error and
    exits with 1. Until you fix it, the built-in template is used.

    Example: python -m backend mail show reset_password --html
    """
    settings = loaded(as_json=as_json)
    letters = Letters(settings.data_dir / FOLDER)
    try:
        for letter in examples(purpose, settings.public_url):
            letters.examine(purpose, letter)
        written = letters.examine(purpose, example(purpose, settings.public_url, unproven=unproven))
    except TemplateBroken as error:
        refuse(error, as_json=as_json)
    if as_json:
        print_json({"purpose": purpose, "subject": written.subject, "text": written.text, "html": written.html})
    elif not html:
        typer.echo(f"Subject: {written.subject}\n\n{written.text}")
    elif written.html is None:
        raise typer.BadParameter(f"this mail has no HTML version: there is a {purpose}.txt but no {purpose}.html")
    else:
        typer.echo(written.html)
