"""The result in three dresses: tables for a terminal, JSON for programs, ratios in Markdown for docs/benchmarks.md."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.rows import Measured, Row
from bench.targets import Verdict

_NAME_WIDTH: Final = 26
_WIDTH: Final = 12
_SMALL: Final = 100
_RATIOS: Final = ("Vestibule ÷", "p99 busy ÷ idle", "busy p99", "of raw argon2")
"""The figures that mean something on another machine too; `busy p99`, in milliseconds, because it is promised."""


def facts_text(facts: Mapping[str, str]) -> str:
    """Return machine and versions in a few lines."""
    machine = ("processor", "system", "python", "postgresql", "load")
    first = f"{facts['processor']}; {facts['system']}; Python {facts['python']}; PostgreSQL {facts['postgresql']}"
    first += f"; load before the start {facts['load']}"
    return f"{first}\n{', '.join(f'{name} {version}' for name, version in facts.items() if name not in machine)}"


def row_text(row: Row) -> str:
    """Return one row's table."""
    head = " " * (_NAME_WIDTH + 3) + "".join(f"{column:>{max(_WIDTH, len(column) + 2)}}" for column in row.columns)
    return "\n".join(["", row.title, head, *(_line_text(line, row.columns) for line in row.lines)])


def verdicts_text(verdicts: Sequence[Verdict]) -> str:
    """Return what was promised and whether it was kept."""
    lines = [
        f"   {'met   ' if verdict.met else 'MISSED'}  {_figure(verdict.value) or 'void':>8}  {verdict.target.bound:<6}"
        f"  {verdict.target.words}"
        for verdict in verdicts
    ]
    return "\n".join(["", "Targets", *lines])


def markdown(rows: Sequence[Row], verdicts: Sequence[Verdict], facts: Mapping[str, str]) -> str:
    """Return the ratios, which mean something on another machine too."""
    lines = ["| | figure | value | target |", "|---|---|---|---|"]
    for row in rows:
        title = row.title
        if row.void:
            lines.append(f"| {title} | void | | |")
            continue
        for line in row.lines:
            for figure in _RATIOS:
                if line.figures.get(figure) is not None:
                    shown = _figure(line.figures[figure])
                    words = f"{figure} {line.name}" if figure.endswith("÷") else f"{line.name}: {figure}"
                    lines.append(f"| {title} | {words} | {shown} | {_target_text(row, line.name, figure, verdicts)} |")
                    title = ""
    return "\n".join([*lines, "", facts_text(facts)])


def _target_text(row: Row, name: str, figure: str, verdicts: Sequence[Verdict]) -> str:
    for verdict in verdicts:
        target = verdict.target
        if row.title.startswith(target.row) and (target.of, target.figure) == (name, figure):
            return target.bound if verdict.met else f"{target.bound}, missed"
    return ""


def as_json(rows: Sequence[Row], verdicts: Sequence[Verdict], facts: Mapping[str, str]) -> dict[str, Any]:
    """Return everything, for `json.dump`."""
    return {
        "facts": dict(facts),
        "rows": [
            {
                "title": row.title,
                "void": row.void,
                "lines": [{"name": line.name, **line.figures, "wrong": dict(line.wrong)} for line in row.lines],
            }
            for row in rows
        ],
        "targets": [
            {"target": v.target.words, "bound": v.target.bound, "value": v.value, "met": v.met} for v in verdicts
        ],
    }


def _line_text(line: Measured, columns: Sequence[str]) -> str:
    if line.wrong:
        told = ", ".join(f"{number} × {what}" for what, number in line.wrong.items())
        return f"   {line.name:<{_NAME_WIDTH}}  VOID: {told}"
    figures = "".join(f"{_figure(line.figures.get(column)):>{max(_WIDTH, len(column) + 2)}}" for column in columns)
    return f"   {line.name:<{_NAME_WIDTH}}{figures}"


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= _SMALL else f"{value:.2f}"
