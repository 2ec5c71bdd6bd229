"""Statistics over days and weeks, `/api/v1/statistics`: every chart, or one, as JSON or as CSV."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentAdmin, Look
from backend.schemas.statistics import ChartAnswer, RowAnswer, StatisticsAnswer, StatisticsQuery
from backend.services import series_file
from backend.services.counted import Period
from backend.services.statistics import Series

router = APIRouter(prefix="/api/v1/statistics", tags=["Statistics"])

_CSV: Final = "text/csv"
_OR_CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The chart.", "content": {_CSV: {"schema": {"type": "string"}}}}
}


@router.get("")
async def show_all(caller: CurrentAdmin, look: Look, query: Annotated[StatisticsQuery, Query()]) -> StatisticsAnswer:
    """Show every chart of a period."""
    found = await look.statistics.all(Period(query.period))
    return StatisticsAnswer(period=query.period, charts=[_answer(series) for series in found])


@router.get("/{chart}", response_model=ChartAnswer, responses=_OR_CSV)
async def show_one(
    request: Request, chart: str, caller: CurrentAdmin, look: Look, query: Annotated[StatisticsQuery, Query()]
) -> Response | ChartAnswer:
    """Show one chart; as a file where `Accept` asks for CSV."""
    period = Period(query.period)
    series = await look.statistics.one(chart, period)
    return csv_of(series, period) if _CSV in request.headers.get("accept", "") else _answer(series)


def csv_of(series: Series, period: Period) -> Response:
    """Return a chart as a file to keep."""
    name = series_file.name_of(series.chart, period if series.period else None)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
    return Response(series_file.written(series), media_type=series_file.MEDIA_TYPE, headers=headers)


def _answer(series: Series) -> ChartAnswer:
    return ChartAnswer(
        chart=series.chart,
        period=series.period.value if series.period else None,
        since=series.since,
        columns=list(series.columns),
        rows=[
            RowAnswer(name=row.name, begins=row.begins, complete=row.complete, values=dict(row.values))
            for row in series.rows
        ],
    )
