"""Statistics: what happened over days and weeks, as pictures with their tables, and as files."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentAdmin, InContext, Look
from backend.routes.pages.chart_words import CHARTS, PERIODS, Words, below, column, in_full, summary
from backend.routes.pages.charts import BASE, Column, Picture, draw
from backend.routes.pages.rendering import at_the_desk, page
from backend.routes.statistics import csv_of
from backend.schemas.statistics import StatisticsQuery
from backend.services.counted import Chart, Period
from backend.services.statistics import Row, Series

router = APIRouter(include_in_schema=False)

_USUAL = Period.DAYS_30


@dataclass(frozen=True)
class Asked:
    """The period that was asked for, or the usual one where that could not be `understood`."""

    period: Period
    understood: bool = True


@dataclass(frozen=True)
class Line:
    """A line of a table: when, the numbers in the order of the columns, whether they are final, and known at all."""

    name: str
    counts: Sequence[int]
    complete: bool
    known: bool


@dataclass(frozen=True)
class Figure:
    """A chart as the page shows it: words, a picture if there is anything to see, and the table beneath."""

    chart: Chart
    words: Words
    summary: str
    picture: Picture | None
    titles: Sequence[str]
    """What is said of each bar when somebody points at it."""
    legend: Sequence[tuple[str, int]]
    columns: Sequence[str]
    lines: Sequence[Line]
    address: str
    """Of the file."""
    timed: bool
    """Whether its lines are days or weeks."""

    @classmethod
    def of(cls, series: Series, period: Period) -> "Figure":
        """Put a series into words and a picture."""
        words, rows = CHARTS[series.chart], series.rows
        parts = [[_part(row, columns) for _, columns in words.parts] for row in rows]
        shown = [
            Column(below(row, series.period), counts, row.complete, row.known)
            for row, counts in zip(rows, parts, strict=True)
        ]
        labels = [label for label, _ in words.parts]
        lines = [
            Line(in_full(row, series.period), [row.values[name] for name in series.columns], row.complete, row.known)
            for row in rows
        ]
        return cls(
            chart=series.chart,
            words=words,
            summary=summary(series),
            picture=draw(shown, every=series.period is None, joined=words.line),
            titles=[_title(line, labels, counts) for line, counts in zip(lines, parts, strict=True)],
            legend=[(label, sum(counts[place] for counts in parts)) for place, label in enumerate(labels)],
            columns=[column(series.chart, name) for name in series.columns],
            lines=lines if series.period is None else lines[::-1],
            address=f"/statistics/{series.chart}.csv?period={period}",
            timed=series.period is not None,
        )


async def read_period(request: Request, caller: CurrentAdmin) -> Asked:
    """Read the period from the address; one that there is not is told, and the usual one shown."""
    asked = request.query_params.get("period", _USUAL)
    return Asked(Period(asked)) if asked in set(Period) else Asked(_USUAL, understood=False)


@router.get("/statistics")
async def show_statistics(
    request: Request,
    caller: CurrentAdmin,
    look: Look,
    context: InContext,
    asked: Annotated[Asked, Depends(read_period)],
) -> Response:
    """Show every chart of a period."""
    found = await look.statistics.all(asked.period)
    about = {"now": context.clock.now(), **await at_the_desk(look, "statistics")}
    # Hundreds of bars take the time of many requests: these go on meanwhile.
    return await asyncio.to_thread(_drawn, request, asked, found, about)


@router.get("/statistics/{chart}.csv")
async def take_away(
    chart: str, caller: CurrentAdmin, look: Look, query: Annotated[StatisticsQuery, Query()]
) -> Response:
    """Hand over a chart as a file."""
    period = Period(query.period)
    return csv_of(await look.statistics.one(chart, period), period)


def _drawn(request: Request, asked: Asked, found: Sequence[Series], about: Mapping[str, Any]) -> Response:
    return page(
        request,
        "statistics.html",
        status=200 if asked.understood else 422,
        asked=asked,
        periods=PERIODS,
        figures=[Figure.of(series, asked.period) for series in found],
        base=BASE,
        **about,
    )


def _part(row: Row, columns: Sequence[str]) -> int:
    return sum(row.values[name] for name in columns)


def _title(line: Line, labels: Sequence[str], counts: Sequence[int]) -> str:
    when = line.name if line.complete else f"{line.name}, so far"
    if not line.known:
        return f"{when}: not counted yet"
    if len(labels) == 1:
        return f"{when}: {counts[0]:,}"
    return f"{when}: " + ", ".join(f"{label} {count:,}" for label, count in zip(labels, counts, strict=True))
