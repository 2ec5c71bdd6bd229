"""`provision`: compares accounts with their directories, and repairs the differences."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import typer

from backend.cli.options import JsonOption
from backend.cli.printing import print_json, print_table, progress
from backend.cli.running import run
from backend.context import Context
from backend.services import provisioning, reading
from backend.services.provisioning import Findings

app = typer.Typer(help="Compare people's directories with the database.", no_args_is_help=True)

_COMMAND: Final = "python -m backend provision repair"

SettledOption = Annotated[
    float,
    typer.Option(
        "--settled",
        min=0,
        metavar="SECONDS",
        help="Ignore directories younger than this, which may still be in progress.",
    ),
]


@app.command()
def check(settled: SettledOption = 60, as_json: JsonOption = False) -> None:
    """Report differences between database and disk without changing anything. Exits with 1 if there are any.

    Example: python -m backend provision check
    """
    findings = _with_progress("Comparing", provisioning.check, settled, as_json=as_json)
    _print(findings, as_json=as_json)
    if not findings.agree:
        if not as_json:
            typer.echo(f"Database and disk do not match. Run: {_COMMAND}", err=True)
        raise typer.Exit(1)


@app.command()
def repair(settled: SettledOption = 60, as_json: JsonOption = False) -> None:
    """Create missing directories, move stray ones to the trash, and delete remains of erased accounts.

    Example: python -m backend provision repair
    """
    findings = _with_progress("Repairing", provisioning.repair, settled, as_json=as_json)
    _print(findings, as_json=as_json)
    if not as_json and not findings.agree:
        typer.echo("Everything was repaired.")


def _with_progress(what: str, look: Callable[..., Awaitable[Findings]], settled: float, *, as_json: bool) -> Findings:
    async def work(context: Context) -> Findings:
        async with reading(context) as services:
            counts = await services.people.counts()
        with progress(what, sum(counts.by_status.values())) as advance:
            return await look(context, settled=settled, progress=advance)

    return run(work, as_json=as_json)


def _print(findings: Findings, *, as_json: bool) -> None:
    if as_json:
        values: dict[str, Any] = {
            "agree": findings.agree,
            "checked": findings.checked,
            "missing": findings.missing,
            "stray": findings.stray,
            "remains": findings.remains,
            "unfinished": findings.unfinished,
        }
        print_json(values)
        return
    rows = [("missing or incomplete", id_) for id_ in findings.missing]
    rows += [("without account", id_) for id_ in findings.stray]
    rows += [("to be erased", id_) for id_ in findings.remains]
    if rows:
        print_table(("Directory", "Id"), rows)
    if findings.unfinished:
        typer.echo(f"Unfinished directories after a crash: {findings.unfinished}")
    typer.echo(f"Accounts checked: {findings.checked}")
    if findings.agree:
        typer.echo("Database and disk match.")
