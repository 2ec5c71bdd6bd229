"""Statistics: what happened over days and weeks."""

from datetime import date
from typing import Literal

from pydantic import BaseModel

from backend.schemas.types import Strict

Period = Literal["7d", "30d", "90d", "12w", "52w"]


class StatisticsQuery(Strict):
    """How far back the statistics go."""

    period: Period = "30d"


class RowAnswer(BaseModel):
    """A day, a week, or a length of a wait, with what was counted; one that is not over yet is not `complete`."""

    name: str
    begins: date | None
    """Its first day; None for a length of a wait."""
    complete: bool
    values: dict[str, int]


class ChartAnswer(BaseModel):
    """One series, the oldest row first. Days and weeks (ISO 8601) are those of UTC."""

    chart: str
    period: Period | None
    """None for those who wait now."""
    since: date | None
    """From which day on this is counted, where it is not known of the days before."""
    columns: list[str]
    rows: list[RowAnswer]


class StatisticsAnswer(BaseModel):
    """Every chart of a period."""

    period: Period
    charts: list[ChartAnswer]
