"""Writes a zip as a stream: piece by piece, from front to end, never whole in memory or on disk.

Python's own writer keeps a record of every entry in memory until the end; a person may have a million files.
(PKWARE APPNOTE 6.3.10; everything is deflated, names are UTF-8, sizes follow each entry.)
"""

import hashlib
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any, Final

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_DIRECTORY: Final = struct.Struct("<4s4B4H3L5H2L")
_SIZES: Final = struct.Struct("<4s3L")
_LARGE_SIZES: Final = struct.Struct("<4sL2Q")
_END: Final = struct.Struct("<4s4H2LH")
_LARGE_END: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_UNIX: Final = 3
_MODE: Final = 0o100600 << 16
_FLAGS: Final = 0x0808
"""Sizes follow the data; names are UTF-8."""
_DEFLATED: Final = 8
_LEVEL: Final = 1
_PLAIN, _LARGE = 20, 45
"""Versions of the format a reader needs."""
_FULL, _MANY = 0xFFFFFFFF, 0xFFFF
LARGE: Final = 2**31
"""Bytes from which an entry has to be declared as large beforehand (ZIP64)."""
_ON_DISK: Final = 2**20
_PIECE: Final = 2**16
_EARLIEST, _LATEST = 315532800, 4354819198
"""From 1980 to 2107, as the format has it."""


@dataclass
class _Entry:
    name: bytes
    moment: tuple[int, int]
    offset: int
    large: bool
    checksum: int = 0
    size: int = 0
    packed: int = 0


class Archive:
    """Each method returns the bytes that come next. Between `begin` and `finish` stand the pieces of one entry."""

    def __init__(self) -> None:
        """Begin an empty one."""
        self._directory: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(max_size=_ON_DISK)  # noqa: SIM115  # `close`
        self._written = self._count = 0
        self._entry: _Entry | None = None
        self._packer: Any = None  # zlib does not name its type

    def whole(self, name: str, content: bytes, modified: float) -> bytes:
        """Write a small entry."""
        return self.begin(name, modified) + self.add(content) + self.finish()

    def begin(self, name: str, modified: float, *, large: bool = False) -> bytes:
        """Begin an entry; `modified` is seconds since 1970, `large` whether it may have 2 GiB or more."""
        entry = self._entry = _Entry(name.encode(), _moment(modified), self._written, large)
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        extra = struct.pack("<2H2Q", 1, 16, 0, 0) if large else b""
        sizes = (_FULL, _FULL) if large else (0, 0)
        version = _LARGE if large else _PLAIN
        clock, day = entry.moment
        lengths = (len(entry.name), len(extra))
        head = _LOCAL.pack(b"PK\3\4", version, _FLAGS, _DEFLATED, clock, day, 0, *sizes, *lengths)
        return self._sent(head + entry.name + extra)

    def add(self, data: bytes) -> bytes:
        """Add data to the current entry; what is compressed may come out later only."""
        entry = self._present()
        entry.checksum = zlib.crc32(data, entry.checksum)
        entry.size += len(data)
        return self._sent(self._pack(self._packer.compress(data)))

    def finish(self) -> bytes:
        """End the current entry."""
        entry = self._present()
        rest = self._pack(self._packer.flush())
        sizes = _LARGE_SIZES if entry.large else _SIZES
        self._list(entry)
        self._entry = None
        return self._sent(rest + sizes.pack(b"PK\7\10", entry.checksum, entry.packed, entry.size))

    def end(self) -> Iterator[bytes]:
        """End the archive: write its central directory."""
        start, size = self._written, self._directory.tell()
        self._directory.seek(0)
        while piece := self._directory.read(_PIECE):
            yield piece
        count = min(self._count, _MANY)
        if count == _MANY or start + size >= _FULL:
            numbers = (self._count, self._count, size, start)
            yield _LARGE_END.pack(b"PK\6\6", 44, _LARGE, _LARGE, 0, 0, *numbers)
            yield _LOCATOR.pack(b"PK\6\7", 0, start + size, 1)
        yield _END.pack(b"PK\5\6", 0, 0, count, count, min(size, _FULL), min(start, _FULL), 0)

    def close(self) -> None:
        """Release what it holds, ended or not."""
        self._directory.close()

    def _present(self) -> _Entry:
        if self._entry is None:
            raise ValueError("no entry has begun")
        return self._entry

    def _pack(self, packed: bytes) -> bytes:
        self._present().packed += len(packed)
        return packed

    def _sent(self, data: bytes) -> bytes:
        self._written += len(data)
        return data

    def _list(self, entry: _Entry) -> None:
        """Note an entry for the central directory."""
        large = [number for number in (entry.size, entry.packed, entry.offset) if number >= _FULL]
        extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
        version = _LARGE if large or entry.large else _PLAIN
        numbers = (entry.checksum, min(entry.packed, _FULL), min(entry.size, _FULL))
        head = (b"PK\1\2", version, _UNIX, version, 0, _FLAGS, _DEFLATED, *entry.moment, *numbers)
        lengths = (len(entry.name), len(extra), 0, 0, 0)
        self._directory.write(_DIRECTORY.pack(*head, *lengths, _MODE, min(entry.offset, _FULL)) + entry.name + extra)
        self._count += 1


def safe_name(path: str) -> str:
    """Return a path that is safe in a zip, whatever it is made of, and on every system.

    Ordinary names are kept. Characters that are unprintable, no text, or special on some system are replaced, and part
    of a digest is added, so that no two names become the same.
    """
    return "/".join(_safe_part(part) for part in path.split("/") if part)


def _safe_part(part: str) -> str:
    text = "".join(character if character.isprintable() and character not in "\\:" else "_" for character in part)
    if not text.strip(". "):  # Windows drops dots and blanks at the end: `.. ` would lead upwards
        text = "_" * len(text)
    if text == part:
        return text
    stem, dot, ending = text.rpartition(".")
    mark = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{stem}~{mark}.{ending}" if dot and stem else f"{text}~{mark}"


def _moment(seconds: float) -> tuple[int, int]:
    """Return a time in DOS format: time of day, and date; in UTC."""
    at = time.gmtime(min(max(seconds, _EARLIEST), _LATEST))
    return at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec // 2, (at.tm_year - 1980) << 9 | at.tm_mon << 5 | at.tm_mday
