"""The trash: `trash/<day>/<id>-…`, where directories of deleted accounts wait until somebody wants them back."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from backend.provisioners.trees import remove

_MODE: Final = 0o700
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_COPY: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(?:(\d{12})-)?[0-9a-f]+")
"""The id, the time of day where it was noted, and what makes it unlike any other."""


class Trash:
    """The copies in one directory of days; whatever else lies there is not ours and is left alone."""

    def __init__(self, place: Path) -> None:
        """Name the place; nothing is made yet."""
        self._place = place

    def put(self, home: Path, now: datetime) -> None:
        """Move a directory that bears an id to the day of `now`; nothing happens if another process was faster."""
        day = self._place / f"{now:%Y-%m-%d}"
        for directory in (self._place, day):
            directory.mkdir(mode=_MODE, exist_ok=True)
        with suppress(FileNotFoundError):
            home.rename(day / f"{home.name}-{now:%H%M%S%f}-{secrets.token_hex(4)}")

    def newest(self, user_id: UUID) -> Path | None:
        """Return the directory of somebody that was put here last; planted links and files do not count."""
        found = []
        for day, copy, id_, time in self._copies():
            if id_ == str(user_id) and copy.is_dir(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    found.append((day, time, os.lstat(copy.path).st_ctime_ns, copy.path))
        return Path(max(found)[-1]) if found else None

    def erase(self, user_id: UUID) -> None:
        """Destroy everything here that bears an id.

        Raises:
            OSError: something is still there.
        """
        for path in [copy.path for _, copy, id_, _ in self._copies() if id_ == str(user_id)]:
            remove(Path(path))

    def purge(self, before: date) -> int:
        """Destroy the days before one, with all that is in them, and tell how many directories of people that were.

        Raises:
            OSError: something is still there.
        """
        count = 0
        for day in [Path(day.path) for day in self._days() if date.fromisoformat(day.name) < before]:
            count += sum(1 for entry in _entries(day) if _COPY.fullmatch(entry.name))
            remove(day)
        return count

    def ids(self) -> Iterator[UUID]:
        """Walk through the ids that something here bears; one may come several times."""
        for _, _, id_, _ in self._copies():
            yield UUID(id_)

    def _days(self) -> Iterator["os.DirEntry[str]"]:
        return (entry for entry in _entries(self._place) if _is_day(entry.name) and entry.is_dir(follow_symlinks=False))

    def _copies(self) -> Iterator[tuple[str, "os.DirEntry[str]", str, str]]:
        for day in self._days():
            for entry in _entries(Path(day.path)):
                named = _COPY.fullmatch(entry.name)
                if named:
                    yield day.name, entry, named[1], named[2] or ""


def _entries(directory: Path) -> Iterator["os.DirEntry[str]"]:
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        yield from entries


def _is_day(name: str) -> bool:
    try:
        return _DAY.fullmatch(name) is not None and bool(date.fromisoformat(name))
    except ValueError:
        return False
