"""The audit, `/api/v1/audit`: who did what to whom, a page at a time or as a file."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from backend.routes.audit_filters import Filters
from backend.routes.deps import CurrentAdmin, FromOrigin, InContext, Look
from backend.schemas.audit import AuditPage, AuditRecord
from backend.services import audit_export, reading
from backend.services.records import Format

router = APIRouter(prefix="/api/v1/audit", tags=["Audit"])

_MEDIA_TYPES: Final = {Format.CSV: "text/csv; charset=utf-8", Format.JSONL: "application/x-ndjson"}
_TEXT: Final = {"schema": {"type": "string"}}
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file.", "content": {"text/csv": _TEXT, "application/x-ndjson": _TEXT}}
}


class AuditQuery(Filters):
    """Which records, and which page of them."""

    cursor: str | None = Field(default=None, max_length=500)
    items_per_page: int = Field(default=10, ge=1, le=100)


class AuditExportQuery(Filters):
    """Which records, written how."""

    format: Literal["csv", "jsonl"] = "csv"
    bom: bool = False
    """Whether a CSV begins with the mark by which spreadsheets know UTF-8."""


@router.get("")
async def list_records(caller: CurrentAdmin, look: Look, query: Annotated[AuditQuery, Query()]) -> AuditPage:
    """List audit records, the newest first."""
    search = await query.search(look.audit_trail)
    found = await look.audit_trail.page(search, query.cursor, query.items_per_page)
    return AuditPage(
        data=[AuditRecord.model_validate(audit_export.row(record)) for record in found.records],
        has_more=found.next_cursor is not None,
        items_per_page=query.items_per_page,
        next_cursor=found.next_cursor,
        searched_to=found.searched_to,
    )


@router.get("/export", response_class=StreamingResponse, responses=_FILE)
async def export(
    caller: CurrentAdmin, context: InContext, origin: FromOrigin, query: Annotated[AuditExportQuery, Query()]
) -> StreamingResponse:
    """Write audit records into a file, the newest first, 100,000 at most; that is on record itself."""
    async with reading(context) as look:
        search = await query.search(look.audit_trail)
    format_ = Format(query.format)
    pages = await audit_export.begin(
        context, origin, format_, search, admin=caller.id, bom=query.bom and format_ is Format.CSV
    )
    headers = {"Content-Disposition": f'attachment; filename="audit-{context.clock.now():%Y-%m-%d}.{format_}"'}
    return StreamingResponse(pages, media_type=_MEDIA_TYPES[format_], headers=headers)
