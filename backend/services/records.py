"""The rows of CSV and JSONL files, one after the other, in little memory however long a line or a cell is."""

import csv
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, BinaryIO, Final

from backend.errors import InvalidFile, InvalidRow

LONGEST_CELL: Final = 10_000
"""Characters of one value; more than any column holds."""
LONGEST_RECORD: Final = 100_000
"""Bytes of one row, line breaks within it included."""
_PIECE: Final = 64 * 1024
_DELIMITERS: Final = (",", ";", "\t")
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_SHOWN: Final = 50


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True)
class Record:
    """What one row holds, or why it cannot be read; `line` is where it begins."""

    line: int
    values: Mapping[str, object] = field(default_factory=dict, repr=False)
    problem: InvalidRow | None = None


@dataclass(frozen=True)
class _Line:
    """One row as it stands in the file; the text of one that is too long was not kept."""

    number: int
    text: str | None
    unfinished: bool = False
    """Whether the file ends within quotation marks."""


def from_jsonl(file: BinaryIO) -> Iterator[Record]:
    """Read a file with one JSON object a line; blank lines are passed over.

    Raises:
        InvalidFile: it is not UTF-8 text.
    """
    for line in _lines(file, quoting=False):
        if line.text is None:
            yield Record(line.number, problem=_too_long())
        elif line.text.strip():
            yield _read(line.number, line.text)


def from_csv(file: BinaryIO, columns: Mapping[str, str], needed: Collection[str]) -> Iterator[Record]:
    """Read a file of comma, semicolon or tab separated values (RFC 4180); blank lines are passed over.

    The first line names the columns, in any case: `columns` tells by which name each of them is read. An empty cell
    says nothing.

    Raises:
        InvalidFile: it is not UTF-8 text, or its first line names other columns, or one twice, or not all `needed`.
    """
    lines = (line for line in _lines(file, quoting=True) if line.text is None or line.text.strip())
    head = next(lines, None)
    if head is None:
        raise InvalidFile("The file is empty.")
    delimiter = max(_DELIMITERS, key=(head.text or "").count)
    names = _names(head, delimiter, columns)
    for missing in needed:
        if missing not in names:
            raise InvalidFile(f"The first line does not name the column {missing}.")
    for line in lines:
        cells = _cells(line, delimiter)
        if isinstance(cells, InvalidRow):
            yield Record(line.number, problem=cells)
        elif len(cells) != len(names) and any(cells):
            wrong = InvalidRow(f"The row has {len(cells)} cells, the first line of the file {len(names)}.")
            yield Record(line.number, dict(zip(names, cells, strict=False)), wrong)
        elif any(cells):
            yield Record(line.number, {name: cell or None for name, cell in zip(names, cells, strict=True)})


def shown(text: str) -> str:
    """Return the beginning of a text somebody sent, fit to be repeated in a sentence."""
    begun = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in begun)


def _lines(file: BinaryIO, *, quoting: bool) -> Iterator[_Line]:
    """Split a file at its line ends; where `quoting`, those between quotation marks do not end a row."""
    file.seek(0)
    kept: list[bytes] = []
    number, begun, size, offset, open_quote = 1, 1, 0, 0, False
    while piece := file.readline(_PIECE):
        if size <= LONGEST_RECORD:
            kept.append(piece)
        size += len(piece)
        if quoting and piece.count(b'"') % 2:
            open_quote = not open_quote
        if not piece.endswith(b"\n"):
            continue
        number += 1
        if not open_quote:
            yield _line(begun, kept, size, offset)
            offset += size
            kept, begun, size = [], number, 0
    if size:
        yield replace(_line(begun, kept, size, offset), unfinished=open_quote)


def _line(number: int, kept: list[bytes], size: int, offset: int) -> _Line:
    if size > LONGEST_RECORD:
        return _Line(number, None)
    raw = b"".join(kept)
    if offset == 0 and raw.startswith(_UTF_16_MARKS):
        raise InvalidFile("The file is UTF-16. Save it as UTF-8.")
    try:
        text = raw.decode()
        wrong = raw.find(b"\0")
    except UnicodeDecodeError as error:
        text, wrong = "", error.start
    if wrong >= 0:
        at = number + raw.count(b"\n", 0, wrong)
        raise InvalidFile(f"The file is not UTF-8 text: see line {at}, byte {offset + wrong + 1}. Save it as UTF-8.")
    return _Line(number, text.removeprefix("\ufeff") if offset == 0 else text)


def _names(head: _Line, delimiter: str, columns: Mapping[str, str]) -> list[str]:
    cells = _cells(head, delimiter)
    if isinstance(cells, InvalidRow):
        raise InvalidFile(f"The first line, which names the columns, cannot be read. {cells.detail}")
    names: list[str] = []
    for cell in cells:
        name = columns.get(cell.strip().lower())
        if name is None:
            raise InvalidFile(f"The first line names a column that is not known: “{shown(cell)}”.")
        if name in names:
            raise InvalidFile(f"The first line names the column {name} twice.")
        names.append(name)
    return names


def _cells(line: _Line, delimiter: str) -> list[str] | InvalidRow:
    if line.text is None:
        return _too_long()
    wrong = InvalidRow("The row is not well-formed: look at its quotation marks.")
    try:
        rows = list(csv.reader([line.text], delimiter=delimiter, strict=True))
    except csv.Error:
        return wrong
    if line.unfinished:
        return wrong
    if any(len(cell) > LONGEST_CELL for cell in rows[0]):
        return InvalidRow(f"A cell has more than {LONGEST_CELL:,} characters.")
    return rows[0]


def _read(number: int, text: str) -> Record:
    try:
        values = json.loads(text, object_pairs_hook=_once)
    except InvalidRow as problem:
        return Record(number, problem=problem)
    except (ValueError, RecursionError):
        return Record(number, problem=InvalidRow("The line is not JSON."))
    if not isinstance(values, dict):
        return Record(number, problem=InvalidRow("The line is not a JSON object."))
    return Record(number, values)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise InvalidRow("The line names a key twice.")
    return values


def _too_long() -> InvalidRow:
    return InvalidRow(f"The row has more than {LONGEST_RECORD:,} bytes.")
