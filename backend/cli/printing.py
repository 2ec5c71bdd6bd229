"""What commands print: tables for people, tab-separated lines for pipes, JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from backend.clock import rfc3339

_MANY: Final = 20
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def print_json(values: Mapping[str, object]) -> None:
    """Print one JSON object; times are ISO 8601 in UTC with a Z."""
    typer.echo(json.dumps(encoded(values), ensure_ascii=False, indent=2))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows: as a table on a terminal, else as tab-separated lines under a line of headings."""
    cells = [[shown(value) for value in row] for row in rows]
    console = Console()
    if not console.is_terminal:
        for line in ([heading.lower() for heading in headings], *cells):
            typer.echo("\t".join(line))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def shown(value: object) -> str:
    """Write a value for people; what could steer a terminal is replaced."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return "".join(
        character if character.isprintable() else " " if character.isspace() else _REPLACEMENT
        for character in str(value)
    )


def encoded(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Turn a value into what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): encoded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(inner) for inner in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, UUID | str) else value


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while many things are done, if somebody is looking; call with how many more are."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = total < _MANY or not sys.stderr.isatty()
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False, disable=hidden
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
