"""What happened over days and weeks, from counts that are kept: series for charts, and what is unusual today.

Days and weeks are those of UTC; weeks begin on Monday (ISO 8601).
"""

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from backend import errors
from backend.clock import Clock
from backend.models import TallyKind
from backend.services.audit import Action
from backend.services.counted import COLUMNS, HAPPENED, NAMED, OTHER, WATCHED, Chart, Period
from backend.services.waits import LIMITS
from backend.stores.tallies import Wait, week
from backend.stores.users import UserStore

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_USUAL_DAYS: Final = 28
_TIMES: Final = 3
_MORE: Final = 10


@dataclass(frozen=True)
class Row:
    """One day, one week, or one length of a wait, with what was counted in it, by column.

    `begins` is its first day, None where it is no time; what has not ended yet is not `complete`.
    """

    name: str
    begins: date | None
    complete: bool
    values: Mapping[str, int]
    known: bool = True
    """False where it was not counted yet, so that its zeros say nothing."""

    @property
    def total(self) -> int:
        """All of its columns together."""
        return sum(self.values.values())


@dataclass(frozen=True)
class Series:
    """What a chart shows: every day or week of its period, those in which nothing happened too, oldest first.

    What waits now has no period. `since` is the first day on which this was counted at all, where it is not known of
    the days before.
    """

    chart: Chart
    period: Period | None
    rows: Sequence[Row]
    since: date | None = None

    @property
    def columns(self) -> Sequence[str]:
        """What is counted."""
        return COLUMNS[self.chart]

    @property
    def total(self) -> int:
        """Everything counted together."""
        return sum(row.total for row in self.rows)


@dataclass(frozen=True)
class Unusual:
    """Something that happens more often than it usually does: `today` so far, and in the middle of the last days.

    `what` begins a line; `chart` is the one that shows it.
    """

    what: str
    today: int
    usual: float
    chart: str


@dataclass(frozen=True)
class _Span:
    """A day or a week of a period, and its days so far."""

    name: str
    begins: date
    complete: bool
    days: Sequence[str]


@dataclass(frozen=True)
class Statistics:
    """Reads what is counted: as many questions to the database at a million accounts as at ten."""

    users: UserStore
    clock: Clock

    async def all(self, period: Period) -> Sequence[Series]:
        """Return every chart, in the order of `Chart`; none of them looks at anybody's row but those who wait."""
        spans = _spans(period, self.clock.now().date())
        happened = await self._by_day(TallyKind.HAPPENED, spans)
        return [await self._series(chart, period, spans, happened) for chart in Chart]

    async def one(self, name: str, period: Period) -> Series:
        """Return one chart by its name.

        Raises:
            ChartNotFound: there is none of this name.
        """
        if name not in set(Chart):
            raise errors.ChartNotFound
        spans = _spans(period, self.clock.now().date())
        happened = await self._by_day(TallyKind.HAPPENED, spans) if Chart(name) in HAPPENED else {}
        return await self._series(Chart(name), period, spans, happened)

    async def unusual(self, now: datetime) -> Sequence[Unusual]:
        """Tell what happened today (UTC) more than three times as often as usual, and at least ten times more often.

        Usual is the median of the 28 days before, each of them whole: half of these days had no more than that.
        """
        today = now.date()
        before = [str(today - ago * _DAY) for ago in range(1, _USUAL_DAYS + 1)]
        counts = await self.users.tallies.by_day(TallyKind.HAPPENED, today - _USUAL_DAYS * _DAY)
        found = []
        for (chart, column), what in WATCHED.items():
            counted = HAPPENED[chart][column]
            so_far = counts.get((str(today), counted), 0)
            usual = statistics.median(counts.get((day, counted), 0) for day in before)
            if so_far > _TIMES * usual and so_far >= usual + _MORE:
                found.append(Unusual(what, so_far, usual, chart))
        return found

    async def active_today(self, now: datetime) -> int:
        """Count the people who have used their account today (UTC), as far as that is written: within a minute."""
        return (await self.users.tallies.active_on([now.date()])).get(now.date(), 0)

    async def _by_day(self, kind: TallyKind, spans: Sequence[_Span]) -> Mapping[tuple[str, str], int]:
        return await self.users.tallies.by_day(kind, spans[0].begins)

    async def _series(
        self, chart: Chart, period: Period, spans: Sequence[_Span], happened: Mapping[tuple[str, str], int]
    ) -> Series:
        tallies = self.users.tallies
        if chart is Chart.WAITING:
            return Series(chart, None, await self._waiting())
        if chart is Chart.WAITED:
            columns = {str(wait): str(wait) for wait in Wait}
            rows = list(_rows(spans, columns, await self._by_day(TallyKind.WAITED, spans)))
            return _since(Series(chart, period, rows), await tallies.first_day(TallyKind.WAITED))
        if chart is Chart.ACTIVE:
            active = await tallies.active_on([span.begins for span in spans], weekly=period.weekly)
            counted = [{"people": active.get(span.begins, 0)} for span in spans]
            rows = [
                Row(span.name, span.begins, span.complete, values) for span, values in zip(spans, counted, strict=True)
            ]
            return _since(Series(chart, period, rows), await tallies.first_day(TallyKind.ACTIVE))
        return Series(chart, period, list(_rows(spans, HAPPENED[chart], happened)))

    async def _waiting(self) -> list[Row]:
        """Count those who wait; the many who wait for long are known from the total and need no looking at."""
        now, total = self.clock.now(), await self.users.pending()
        shorter = await self.users.waiting_since([now - limit for limit in LIMITS.values()])
        rows, before = [], 0
        for wait, within in zip(Wait, (*shorter, total), strict=True):
            rows.append(Row(wait, None, complete=True, values={"people": max(0, within - before)}))
            before = within
        return rows


def _spans(period: Period, today: date) -> list[_Span]:
    """Return the days or weeks of a period, oldest first; the last one is not over yet."""
    if not period.weekly:
        days = [today - ago * _DAY for ago in reversed(range(period.length))]
        return [_Span(str(day), day, day < today, [str(day)]) for day in days]
    monday = today - today.weekday() * _DAY
    mondays = [monday - ago * _WEEK for ago in reversed(range(period.length))]
    return [
        _Span(week(first), first, first < monday, [str(first + more * _DAY) for more in range(7)]) for first in mondays
    ]


def _since(series: Series, first: date | None) -> Series:
    """Note from which day on something was counted at all; the week of that day counts as known."""
    length = _WEEK if series.period and series.period.weekly else _DAY
    rows = [
        replace(row, known=first is None or row.begins is None or row.begins + length > first) for row in series.rows
    ]
    return replace(series, rows=rows, since=first)


def _rows(spans: Sequence[_Span], columns: Mapping[str, str], counts: Mapping[tuple[str, str], int]) -> Iterator[Row]:
    """Sort counts of days into the rows of a chart; a refused sign-in that has no column of its own goes to `OTHER`."""
    place = {day: span.name for span in spans for day in span.days}
    names = {what: column for column, what in columns.items()}
    found: dict[str, Counter[str]] = {span.name: Counter() for span in spans}
    for (day, what), count in counts.items():
        column = names.get(what)
        if column is None and OTHER in columns and what not in NAMED and what.startswith(Action.SIGNIN_FAILED):
            column = OTHER
        if column is not None and day in place:
            found[place[day]][column] += count
    for span in spans:
        values = {column: found[span.name][column] for column in columns}
        yield Row(span.name, span.begins, span.complete, values)
