"""The audit into a file: on record before the first line leaves, read a page at a time, `MOST` records long at most."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final
from uuid import UUID

from backend.clock import rfc3339
from backend.context import Context
from backend.services.account_files import defused
from backend.services.audit import Action, Origin
from backend.services.audit_trail import Search, TrailRecord, device_of
from backend.services.records import Format
from backend.services.rights import Act
from backend.services.work import reading, unit_of_work

MOST: Final = 100_000
"""Records in one file; who wants more asks for fewer days at once."""
COLUMNS: Final = (
    *("at", "action", "by", "actor_id", "actor", "target_id", "target", "reason"),
    *("ip_address", "device", "details", "request_id", "id"),
)
_PAGE: Final = 1000


async def begin(
    context: Context,
    origin: Origin,
    format: Format,  # noqa: A002  # what it is
    search: Search,
    *,
    admin: UUID | None,
    bom: bool = False,
    most: int = MOST,
) -> AsyncIterator[str]:
    """Begin an export by `admin` (None: the command line), and record it: the newest records first.

    `bom` begins a CSV with the mark by which spreadsheets know UTF-8. The record tells which filters were set, but not
    the network address: it may belong to somebody who is erased later.

    Raises:
        AdminRequired: the admin's rights were taken away.
    """
    asked: dict[str, Any] = {
        "action": search.action,
        "actor_id": str(search.actor) if search.actor else None,
        "target_id": str(search.target) if search.target else None,
        "ip_address": True if search.ip_address else None,
        "since": str(search.since) if search.since else None,
        "until": str(search.until) if search.until else None,
    }
    async with unit_of_work(context, origin) as services:
        await services.lifecycle.check_rights(admin, Act.READ_AUDIT, oneself=False)
        filters = {name: value for name, value in asked.items() if value is not None}
        await services.audit.record(Action.AUDIT_EXPORTED, actor=admin, format=format, filters=filters)
    return _pages(context, format, search, bom=bom, most=most)


async def _pages(
    context: Context,
    format: Format,  # noqa: A002
    search: Search,
    *,
    bom: bool,
    most: int,
) -> AsyncIterator[str]:
    if format is Format.CSV:
        yield ("\ufeff" if bom else "") + _csv([COLUMNS])
    cursor, left = None, most
    while left:
        async with reading(context) as look:
            trail = await look.audit_trail.page(search, cursor, min(left, _PAGE))
        yield _written(trail.records, format)
        left, cursor = left - len(trail.records), trail.next_cursor
        if cursor is None:
            return


def row(record: TrailRecord) -> dict[str, Any]:
    """Return a record as programs get it, by the names in `COLUMNS`; of the user agent its family."""
    event = record.event
    return {
        "at": event.at,
        "action": event.action,
        "by": record.by,
        "actor_id": event.actor_id,
        "actor": record.actor,
        "target_id": event.target_id,
        "target": record.target,
        "reason": event.reason,
        "ip_address": event.ip_address,
        "device": device_of(event),
        "details": event.details,
        "request_id": event.request_id,
        "id": event.id,
    }


def _written(records: Iterable[TrailRecord], format: Format) -> str:  # noqa: A002
    rows = ({**row(record), "at": rfc3339(record.event.at)} for record in records)
    if format is Format.CSV:
        return _csv([_cell(value) for value in one.values()] for one in rows)
    return "".join(json.dumps(one, ensure_ascii=False, default=str) + "\n" for one in rows)


def _csv(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([defused(cell) for cell in cells] for cells in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return "" if value is None else str(value)
