"""`users export` and `users import`: accounts into files and out of them."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from backend.cli.files import written
from backend.cli.options import JsonOption
from backend.cli.printing import print_json, progress, shown
from backend.cli.running import run
from backend.context import Context
from backend.models import Status
from backend.services import COMMAND_LINE, exporting, importing
from backend.services.account_files import AccountFile
from backend.services.importing import Outcome, Result
from backend.services.records import Format
from backend.stores.listings import Wanted

_SUFFIXES: Final = {".csv": Format.CSV, ".jsonl": Format.JSONL, ".ndjson": Format.JSONL}
_STANDARD: Final = Path("-")

FormatOption = Annotated[
    Format | None, typer.Option("--format", help="The file format; by default from the file name.")
]


def export(
    format_: FormatOption = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write; - is standard output.")
    ] = _STANDARD,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    status: Annotated[
        Status | None, typer.Option(help="Only accounts with this status; by default all but deleted ones.")
    ] = None,
) -> None:
    """Export accounts to a file, newest first, without passwords.

    Example: python -m backend users export --output accounts.csv
    """
    format_ = format_ or _SUFFIXES.get(output.suffix.lower(), Format.CSV)

    async def work(context: Context) -> int:
        with _standard_output() if output == _STANDARD else written(output, force=force) as file:
            found = await exporting.begin(context, COMMAND_LINE, format_, Wanted(status=status), admin=None)
            async for page in found.pages:
                file.write(page.encode())
            return found.total.count

    exported = run(work)
    typer.echo(f"{exported} account{'' if exported == 1 else 's'} exported", err=True)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to read; - is standard input.")],
    format_: FormatOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file without changing anything.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Create accounts from a CSV or JSON Lines file. Invalid rows are skipped and listed.

    Example: python -m backend users import accounts.csv --dry-run
    """
    format_ = format_ or _SUFFIXES.get(file.suffix.lower())
    if format_ is None:
        raise typer.BadParameter("needed where the name does not end in .csv or .jsonl", param_hint="--format")
    course = _Course(dry_run)

    async def work(context: Context) -> None:
        with _read(file) as data:
            await _follow(context, AccountFile(data, format_), course)

    try:
        run(work, as_json=as_json)
    finally:  # whoever interrupts it learns what has been done
        if course.begun:
            (course.print_json if as_json else course.print)()
    if course.failed:
        raise typer.Exit(1)


@dataclass
class _Course:
    """How far an import has come."""

    dry_run: bool
    begun: bool = False
    requested: int = 0
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many rows were refused."""
        return sum(1 for one in self.outcomes if one.outcome is Result.REFUSED)

    def print(self) -> None:
        """Print the outcomes for people."""
        for one in self.outcomes:
            refused = one.outcome is Result.REFUSED
            said = [] if refused else [one.outcome.replace("_", " ")]
            line = (
                f"line {one.line}, {shown(one.username)}: {': '.join([*said, *([one.detail] if one.detail else [])])}"
            )
            typer.echo(line, err=refused)
        would = " would be" if self.dry_run else ""
        done = f"{len(self.outcomes) - self.failed}{would} created, {self.failed}{would} refused"
        typer.echo(f"{done}, of {self.requested} row{'' if self.requested == 1 else 's'}", err=True)

    def print_json(self) -> None:
        """Print the outcomes for programs."""
        print_json(
            {
                "dry_run": self.dry_run,
                "requested": self.requested,
                "succeeded": len(self.outcomes) - self.failed,
                "failed": self.failed,
                "rows": [vars(one) for one in self.outcomes],
            }
        )


async def _follow(context: Context, file: AccountFile, course: _Course) -> None:
    if course.dry_run:
        begun = await importing.forecast(context, file)
    else:
        begun = await importing.begin(context, COMMAND_LINE, file, admin=None)
    course.begun, course.requested = True, begun.requested
    with progress("import", begun.requested) as advance:
        async for outcome in begun.outcomes:
            course.outcomes.append(outcome)
            advance(1)


@contextmanager
def _read(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is read more than once; what comes by standard input is kept for that long."""
    if path == _STANDARD:
        with tempfile.TemporaryFile() as kept:
            shutil.copyfileobj(sys.stdin.buffer, kept)
            yield kept
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="FILE") from None
    with file:
        yield file


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()
