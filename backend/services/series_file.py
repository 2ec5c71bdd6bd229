"""Series as files: CSV (RFC 4180) that is safe from formula injection."""

import csv
import io
from typing import Final

from backend.services.account_files import defused
from backend.services.counted import Chart, Period
from backend.services.statistics import Series

MEDIA_TYPE: Final = "text/csv; charset=utf-8"


def written(series: Series) -> str:
    """Write a series, one line for each day, week or length of a wait, oldest first; the first line has the names.

    `complete` is false on the line of a day or week that is not over yet.
    """
    weekly = series.period is not None and series.period.weekly
    first = ["waits_less_than"] if series.chart is Chart.WAITING else ["week", "begins"] if weekly else ["day"]
    timed = ["complete"] if series.period else []
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([*first, *series.columns, *timed])
    for row in series.rows:
        begins = [str(row.begins)] if weekly else []
        complete = [str(row.complete).lower()] if series.period else []
        counts = [str(row.values[column]) for column in series.columns]
        lines.writerow(defused(cell) for cell in [row.name, *begins, *counts, *complete])
    return text.getvalue()


def name_of(chart: Chart, period: Period | None) -> str:
    """Name the file: `sign-ins-30d.csv`."""
    return f"{chart}-{period}.csv" if period else f"{chart}.csv"
