"""Files of accounts, imported and exported, as CSV that is safe from formula injection, or as JSON Lines."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO, Final
from uuid import UUID

from backend.clock import rfc3339
from backend.errors import TooManyRows
from backend.models import User
from backend.services.account_rows import COLUMNS, EXPORTED, NEEDED, SECRET, AccountRow, RefusedRow, read
from backend.services.records import Format, Record, from_csv, from_jsonl

_BEGINNINGS: Final = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA: Final = re.compile(rf"^'*(?=[{_BEGINNINGS}\t\r\n])|(?<=[;\t\r\n])'*(?=[{_BEGINNINGS}])")
"""Where a spreadsheet could begin to read a formula, with the apostrophes before it: at the beginning of a cell, and
after what a spreadsheet of another locale takes for the end of one (OWASP, CSV Injection)."""


@dataclass(frozen=True)
class AccountFile:
    """A file of accounts: its bytes, which are read more than once, and how they are to be read."""

    data: BinaryIO
    format: Format


def survey(file: AccountFile, most: int | None = None) -> int:
    """Read a whole file and count its rows, before any of them is imported.

    Raises:
        InvalidFile: it cannot be read as a whole.
        TooManyRows: it has more rows than `most`.
    """
    count = 0
    for count, _ in enumerate(_records(file), 1):
        if most is not None and count > most:
            raise TooManyRows(
                f"The file has more than {most:,} rows. Split it into several files, or use the command line."
            )
    return count


def rows(file: AccountFile) -> Iterator[AccountRow | RefusedRow]:
    """Read the rows of a file, in its order.

    Raises:
        InvalidFile: it cannot be read as a whole.
    """
    return map(read, _records(file))


def head(format: Format) -> str:  # noqa: A002
    """Write what stands before the first account."""
    return _csv([EXPORTED]) if format is Format.CSV else ""


def written(users: Iterable[User], format: Format) -> str:  # noqa: A002
    """Write accounts, one row each; never anything about their passwords."""
    if format is Format.CSV:
        return _csv([_cell(getattr(user, name)) for name in EXPORTED] for user in users)
    lines = ({name: _value(getattr(user, name)) for name in EXPORTED} for user in users)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def defused(cell: str) -> str:
    """Escape a cell, so that no spreadsheet reads it as a formula; `restored` undoes it."""
    return _FORMULA.sub(lambda found: f"'{found[0]}", cell)


def restored(cell: str) -> str:
    """Undo `defused`."""
    return _FORMULA.sub(lambda found: found[0][1:], cell)


def _records(file: AccountFile) -> Iterator[Record]:
    if file.format is Format.JSONL:
        return from_jsonl(file.data)
    return map(_restored, from_csv(file.data, COLUMNS, NEEDED))


def _restored(record: Record) -> Record:
    """Undo the escaping of an export, but for passwords, which are never exported."""
    values = {
        name: restored(value) if isinstance(value, str) and name not in SECRET else value
        for name, value in record.values.items()
    }
    return replace(record, values=values)


def _csv(lines: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _cell(value: object) -> str:
    found = _value(value)
    if found is None:
        return ""
    return str(found).lower() if isinstance(found, bool) else defused(str(found))


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, UUID) else value
