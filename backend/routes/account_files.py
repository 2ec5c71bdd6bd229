"""Accounts in and out of files, for administrators: `/api/v1/users/export` and `/api/v1/users/import`."""

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile

from backend.errors import InvalidFile, UnsupportedMediaType
from backend.routes.deps import CurrentAdmin, FromOrigin, InContext
from backend.routes.request_checks import check_media_type, closing_form
from backend.schemas.account_files import ExportQuery, ImportAnswer, ImportedRow, ImportSummary
from backend.services import exporting, importing
from backend.services.account_files import AccountFile
from backend.services.importing import Import, Result
from backend.services.records import Format

router = APIRouter(prefix="/api/v1/users", tags=["B1: people"])

_CSV: Final = "text/csv"
_LINES: Final = "application/x-ndjson"
_FORM: Final = "multipart/form-data"
_MEDIA_TYPES: Final = {Format.CSV: f"{_CSV}; charset=utf-8", Format.JSONL: _LINES}
_FORMATS: Final = {_CSV: Format.CSV, _LINES: Format.JSONL}
_SUFFIXES: Final = {"csv": Format.CSV, "jsonl": Format.JSONL, "ndjson": Format.JSONL}
_TEXT: Final = {"schema": {"type": "string"}}
_FILE: Final = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
_BODIES: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {_CSV: _TEXT, _LINES: _TEXT, _FORM: {"schema": _FILE}}}
}
_TOTAL: Final = "X-Total-Count"
"""The header that tells in advance how many rows a streamed answer has."""


async def get_file(request: Request, admin: CurrentAdmin) -> AccountFile:
    """Return the file that was sent, as the body or in a form's field `file`; only an administrator's body is read.

    Raises:
        UnsupportedMediaType: it is neither CSV nor JSON lines.
        InvalidFile: the form has no file.
    """
    media_type = await check_media_type(request, _CSV, _LINES, _FORM)
    if media_type != _FORM:
        return AccountFile(BytesIO(await request.body()), _FORMATS[media_type])
    async with request.form(max_files=1, max_fields=10) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise InvalidFile("The form has no file.")
        suffix = (sent.filename or "").rpartition(".")[2].lower()
        format_ = _SUFFIXES.get(suffix) or _FORMATS.get((sent.content_type or "").partition(";")[0].strip().lower())
        if format_ is None:
            raise UnsupportedMediaType(f"a file that is {_CSV} or {_LINES}")
        return AccountFile(BytesIO(await sent.read()), format_)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"description": "The file.", "content": {_CSV: _TEXT, _LINES: _TEXT}}},
)
async def export(
    admin: CurrentAdmin,
    context: InContext,
    origin: FromOrigin,
    query: Annotated[ExportQuery, Query()],
) -> StreamingResponse:
    """Write accounts into a file, newest first; deleted ones only where `status` asks for them."""
    format_ = Format(query.format)
    found = await exporting.begin(context, origin, format_, query.wanted(), admin=admin.id)
    name = f"accounts-{context.clock.now():%Y-%m-%d}.{format_}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    marked = query.bom and format_ is Format.CSV
    pages = _marked(found.pages) if marked else found.pages
    return StreamingResponse(pages, media_type=_MEDIA_TYPES[format_], headers=headers)


@router.post("/import", openapi_extra=_BODIES, response_model=ImportAnswer, dependencies=[Depends(closing_form)])
async def import_(
    request: Request,
    admin: CurrentAdmin,
    context: InContext,
    origin: FromOrigin,
    file: Annotated[AccountFile, Depends(get_file)],
    dry_run: bool = False,
) -> ImportAnswer | StreamingResponse:
    """Make the accounts of a file, each by itself; `dry_run` only tells what would happen to each row."""
    most = importing.MOST_ROWS
    if dry_run:
        run = await importing.forecast(context, file, most=most)
    else:
        run = await importing.begin(context, origin, file, admin=admin.id, most=most)
    if _LINES in request.headers.get("accept", ""):
        headers = {_TOTAL: str(run.requested)}
        return StreamingResponse(_lines(run, dry_run=dry_run), media_type=_LINES, headers=headers)
    outcomes = [outcome async for outcome in run.outcomes]
    failed = sum(1 for outcome in outcomes if outcome.outcome is Result.REFUSED)
    rows = [ImportedRow.model_validate(outcome) for outcome in outcomes]
    return ImportAnswer(
        dry_run=dry_run, requested=run.requested, succeeded=len(rows) - failed, failed=failed, rows=rows
    )


async def _marked(pages: AsyncIterator[str]) -> AsyncIterator[str]:
    yield "\ufeff"
    async for page in pages:
        yield page


async def _lines(run: Import, *, dry_run: bool) -> AsyncIterator[str]:
    """Tell of each row as soon as it is done, and at last how many there were."""
    failed = 0
    async for outcome in run.outcomes:
        failed += int(outcome.outcome is Result.REFUSED)
        yield ImportedRow.model_validate(outcome).model_dump_json() + "\n"
    summary = ImportSummary(dry_run=dry_run, requested=run.requested, succeeded=run.requested - failed, failed=failed)
    yield summary.model_dump_json() + "\n"
