"""What happened over days and weeks, from the tallies: series for charts, and what is unusual lately.

Days and weeks are those of UTC; weeks begin on Monday (ISO 8601).
"""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from backend import errors
from backend.clock import Clock
from backend.models import TallyKind
from backend.services.audit import Action
from backend.services.counted import COLUMNS, HAPPENED, OTHER, PLACES, WATCHED, Chart, Period
from backend.services.waits import LIMITS
from backend.stores.tallies import Wait, week
from backend.stores.users import UserStore

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_USUAL_DAYS: Final = 28
_TIMES: Final = 3
_MORE: Final = 10
_OTHER: Final = (Chart.SIGN_INS, OTHER)
_KINDS: Final = {Chart.WAITED: TallyKind.WAITED, Chart.ACTIVE: TallyKind.ACTIVE}
"""Charts that begin when counting began; for the others, `migrate` has counted the audit back to its beginning."""
_Counts = Counter[tuple[str, Chart, str]]
"""Counts by day or week, chart and column."""


@dataclass(frozen=True)
class Row:
    """One day, one week, or one length of a wait, with what was counted in it, by column.

    `begins` is its first day, None for a length of a wait; a day or week that has not ended is not `complete`.
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
    """Something that happens more often than it usually does: `today` so far, or `yesterday`, or both.

    `what` begins a line; `usual` is the middle of the last days; `chart` is the one that shows it.
    """

    what: str
    today: int
    yesterday: int
    usual: float
    chart: str


@dataclass(frozen=True)
class _Span:
    """A day or a week of a period."""

    name: str
    begins: date
    complete: bool


@dataclass(frozen=True)
class Statistics:
    """Reads the tallies: as many queries at a million accounts as at ten."""

    users: UserStore
    clock: Clock

    async def all(self, period: Period) -> Sequence[Series]:
        """Return every chart, in the order of `Chart`; only that of applicants reads rows of accounts."""
        spans = _spans(period, self.clock.now().date())
        counts = await self._counts(period, spans, TallyKind.HAPPENED, TallyKind.WAITED)
        return [await self._series(chart, period, spans, counts) for chart in Chart]

    async def one(self, name: str, period: Period) -> Series:
        """Return one chart by its name.

        Raises:
            ChartNotFound: there is none of this name.
        """
        if name not in set(Chart):
            raise errors.ChartNotFound
        chart, spans = Chart(name), _spans(period, self.clock.now().date())
        kind = TallyKind.WAITED if chart is Chart.WAITED else TallyKind.HAPPENED
        counts = await self._counts(period, spans, kind)
        return await self._series(chart, period, spans, counts)

    async def unusual(self, now: datetime) -> Sequence[Unusual]:
        """Tell what happened today or yesterday (UTC) far more often than usual.

        That is more than three times as often, and at least ten times more often. Yesterday counts as well, so that
        midnight hides nothing. Usual is the median of the 28 days before today: half of them had no more than that.
        """
        today = now.date()
        before = [str(today - ago * _DAY) for ago in range(1, _USUAL_DAYS + 1)]
        rows = await self.users.tallies.by_day(TallyKind.HAPPENED, today - _USUAL_DAYS * _DAY)
        counts, found = Counter({(day, what): count for day, what, count in rows}), []
        for (chart, column), what in WATCHED.items():
            counted = HAPPENED[chart][column]
            so_far, last = counts[str(today), counted], counts[before[0], counted]
            usual, most = statistics.median(counts[day, counted] for day in before), max(so_far, last)
            if most > _TIMES * usual and most >= usual + _MORE:
                found.append(Unusual(what, so_far, last, usual, chart))
        return found

    async def active_today(self, now: datetime) -> int:
        """Count the people who have used their account today (UTC), as far as that is written: within a minute."""
        return (await self.users.tallies.active_on([now.date()])).get(now.date(), 0)

    async def _counts(self, period: Period, spans: Sequence[_Span], *kinds: TallyKind) -> _Counts:
        """Sort counts into days or weeks and columns; what has no column of its own goes to `OTHER`."""
        place, found = {str(span.begins): span.name for span in spans}, _Counts()
        counts = self.users.tallies.by_week if period.weekly else self.users.tallies.by_day
        for kind in kinds:
            for begins, what, count in await counts(kind, spans[0].begins):
                column = PLACES.get(what) or (_OTHER if what.startswith(Action.SIGNIN_FAILED) else None)
                if column and begins in place:
                    found[place[begins], *column] += count
        return found

    async def _series(self, chart: Chart, period: Period, spans: Sequence[_Span], counts: _Counts) -> Series:
        tallies = self.users.tallies
        if chart is Chart.WAITING:
            return Series(chart, None, await self._waiting())
        if chart is Chart.ACTIVE:
            active = await tallies.active_on([span.begins for span in spans], weekly=period.weekly)
            counts = _Counts({(span.name, chart, "people"): active.get(span.begins, 0) for span in spans})
        rows = [
            Row(
                span.name,
                span.begins,
                span.complete,
                {column: counts[span.name, chart, column] for column in COLUMNS[chart]},
            )
            for span in spans
        ]
        kind = _KINDS.get(chart)
        return _since(Series(chart, period, rows), await tallies.first_day(kind) if kind else None)

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
        return [_Span(str(day), day, day < today) for day in days]
    monday = today - today.weekday() * _DAY
    mondays = [monday - ago * _WEEK for ago in reversed(range(period.length))]
    return [_Span(week(first), first, first < monday) for first in mondays]


def _since(series: Series, first: date | None) -> Series:
    """Note from which day on something was counted at all; the week of that day counts as known."""
    length = _WEEK if series.period and series.period.weekly else _DAY
    rows = [
        replace(row, known=first is None or row.begins is None or row.begins + length > first) for row in series.rows
    ]
    return replace(series, rows=rows, since=first)
