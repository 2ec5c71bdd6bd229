"""`mail`: what is written to people."""

from typing import Annotated

import typer

from backend.cli.options import JsonOption
from backend.cli.printing import print_json
from backend.cli.running import loaded, refuse
from backend.errors import TemplateBroken
from backend.models import MailPurpose
from backend.services.example_letters import example, examples
from backend.services.letters import FOLDER, Letters

app = typer.Typer(help="See what is written to people, and whether it reaches them.", no_args_is_help=True)


@app.callback()
def _mail() -> None:
    pass


@app.command()
def show(
    purpose: Annotated[MailPurpose, typer.Argument(metavar="PURPOSE", help="Which mail, for example reset_password.")],
    html: Annotated[bool, typer.Option("--html", help="Print its HTML instead of its text.")] = False,
    unproven: Annotated[
        bool, typer.Option("--unproven", help="As it goes to an address that nobody has proven to be theirs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print a mail with example values, from your own template in DATA_DIR/mail if there is one.

    Your template is tried with everything that may be missing: a name, a reason, a sign-in. If it is broken, nothing
    is printed but the reason, and the exit code is 1; until it is mended, the mail goes out as it comes with Vestibule.

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
        raise typer.BadParameter(f"your {purpose}.txt goes out alone: there is no {purpose}.html beside it")
    else:
        typer.echo(written.html)
