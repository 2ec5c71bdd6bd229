"""`demo`: two accounts to try things out and, where nobody else is, nine weeks of people around them."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final

import typer

from backend.cli.accounts import described
from backend.cli.options import JsonOption
from backend.cli.printing import print_json, progress
from backend.cli.running import run
from backend.context import Context
from backend.services import COMMAND_LINE
from backend.services.demo.accounts import Made
from backend.services.demo.filling import Filled, Play
from backend.services.demo.furnishing import Furnished, Why, furnish
from backend.services.demo.lives import FEWEST, USUAL
from backend.services.demo.staff import AFTERNOON, MORNING, PASSWORD

_SENTENCES: Final[Mapping[Why, str]] = {
    Why.ASKED: "",
    Why.BEFORE: "This installation already has demo data. Nothing was added.",
    Why.OTHERS: (
        "This installation already has other accounts, so no demo data was added. To add it anyway, "
        "run: python -m backend demo --fill"
    ),
}
_PAGES: Final = (
    ("/overview", "what needs attention"),
    ("/approvals", "pending requests and their reasons"),
    ("/users", "all accounts, in thirty languages; search for part of a name"),
    ("/organizations", "groups with owners, members and invitations"),
    ("/tiers", "API limits"),
    ("/statistics", "charts of the last weeks"),
    ("/messages", "all mails and their status"),
)
_MOST: Final = 2000


def demo(
    people: Annotated[int, typer.Option(min=FEWEST, max=_MOST, help="The number of demo people.")] = USUAL,
    only_accounts: Annotated[bool, typer.Option("--only-accounts", help="Create only the two accounts.")] = False,
    fill: Annotated[bool, typer.Option("--fill", help="Add demo data even if there are other accounts.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Create two accounts with known passwords, admin / admin123 and user / user123, and demo data around them.

    All people are invented, and no mail is sent. Production refuses to start with them.

    Example: python -m backend demo
    """
    if only_accounts and fill:
        raise typer.BadParameter("cannot be together with --only-accounts", param_hint="--fill")

    async def work(context: Context) -> tuple[Furnished, str]:
        watch = _unseen if as_json else _bar
        made = await furnish(
            context, COMMAND_LINE, watch, people=people, only_accounts=only_accounts, among_others=fill
        )
        return made, context.settings.public_url

    made, url = run(work, as_json=as_json)
    if as_json:
        print_json(
            {
                "accounts": [
                    {
                        "created": one.new,
                        "password": one.account.password if one.new else None,
                        "user": described(one.user),
                    }
                    for one in made.accounts
                ],
                "filled": {**asdict(made.filled), "password": PASSWORD} if made.filled else None,
                "why_not": _SENTENCES[made.why] or None if made.why else None,
            }
        )
        return
    if made.filled is None:
        _print_accounts(made.accounts)
        if made.why and _SENTENCES[made.why]:
            typer.echo(_SENTENCES[made.why])
        return
    _print_filled(made.accounts, made.filled, url)


def _unseen(_: Play) -> AbstractContextManager[Callable[[datetime], None]]:
    return nullcontext(lambda _: None)


@contextmanager
def _bar(play: Play) -> Iterator[Callable[[datetime], None]]:
    """Show on standard error how far the past has come: a bar on a terminal, else a line for each month."""
    months: set[str] = set()
    with progress("Nine weeks of people", len(play.scenes)) as advance:

        def played(at: datetime) -> None:
            advance(1)
            month = f"{at:%B %Y}"
            if month not in months and not sys.stderr.isatty():
                typer.echo(f"Filling: {month}", err=True)
            months.add(month)

        yield played


def _print_accounts(accounts: Sequence[Made]) -> None:
    for one in accounts:
        who = f"{one.user.display_name} ({one.user.role}), {one.user.username}, {one.user.email}"
        what = f"password {one.account.password}" if one.new else f"already exists ({one.user.status}), not changed"
        typer.echo(f"{who}: {what}")


def _print_filled(accounts: Sequence[Made], filled: Filled, url: str) -> None:
    typer.echo(
        f"Created {filled.people:,} people, {filled.waiting:,} of them pending, {filled.organizations:,} "
        f"organizations, {filled.sign_ins:,} sign-ins and {filled.mails:,} mails of the last weeks. No mail was sent."
    )
    if filled.left_out:
        typer.echo(f"{filled.left_out:,} were skipped because their names are already taken.")
    typer.echo()
    _print_accounts(accounts)
    typer.echo(f"{MORNING} and {AFTERNOON} are approvers, {filled.applicant} is pending.")
    typer.echo(f"The password of all other accounts is {PASSWORD}. Production refuses to start with demo accounts.")
    typer.echo()
    typer.echo(f"Start the service (make run), sign in at {url}/login, and open:")
    for path, what in _PAGES:
        typer.echo(f"  {path:<16}{what}")
