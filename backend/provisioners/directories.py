"""A directory for each person: `users/<id>/` below the data directory.

It appears whole or not at all: made under a temporary name, flushed to disk, then renamed. Its name comes from the id
alone, so that nothing a person types ever becomes a path (ASVS 5.3.2).
"""

import itertools
import os
import secrets
import shutil
import time
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from backend.errors import ErasingFailed, ProvisioningFailed
from backend.provisioners import trees
from backend.provisioners.base import Kept, Usage
from backend.provisioners.flushing import flush, flush_everything
from backend.provisioners.skeleton import ALL, fill, lacking
from backend.provisioners.trash import Trash

_MODE: Final = 0o700
_UNFINISHED: Final = ".unfinished-"
_BATCH: Final = 1000


class DirectoryProvisioner:
    """Keeps `users/` and `trash/` below one data directory, and touches nothing else."""

    def __init__(self, data_dir: Path) -> None:
        """Name the places; nothing is made yet."""
        self._users = data_dir / "users"
        self._trash = Trash(data_dir / "trash")

    def provision(self, user_id: UUID) -> None:
        """Make or complete the person's directory; see `Provisioner.provision`."""
        home = self._home(user_id)
        with _or_else(ProvisioningFailed):
            missing = lacking(home)
            if missing:
                fill(home, missing, flushed=True)
            elif missing is None:
                self._finish(self._begin(user_id, flushed=True), home)
                flush(self._users)

    def provision_all(self, user_ids: Collection[UUID]) -> Collection[UUID]:
        """Make or complete many, waiting for the disk once; see `Provisioner.provision_all`."""
        failed: list[UUID] = []
        begun: dict[UUID, Path] = {}
        filled = False
        try:
            for user_id in dict.fromkeys(user_ids):
                home = self._home(user_id)
                try:
                    missing = lacking(home)
                    if missing:
                        fill(home, missing, flushed=False)
                        filled = True
                    elif missing is None:
                        begun[user_id] = self._begin(user_id, flushed=False)
                except OSError:
                    failed.append(user_id)
            if begun or filled:
                with _or_else(ProvisioningFailed):
                    flush_everything(self._users)
                    failed += self._finish_all(begun)
                    flush(self._users)
        finally:
            for unfinished in begun.values():
                shutil.rmtree(unfinished, ignore_errors=True)
        return failed

    def withdraw(self, user_id: UUID, now: datetime) -> None:
        """Move the person's directory to today's trash; the disk is not waited for: after a crash it is done again."""
        home = self._home(user_id)
        if os.path.lexists(home):
            self._trash.put(home, now)

    def restore(self, user_id: UUID) -> bool:
        """Move the newest copy in the trash back; see `Provisioner.restore`."""
        home = self._home(user_id)
        with _or_else(ProvisioningFailed):
            while lacking(home) is None:
                copy = self._trash.newest(user_id)
                if copy is None:
                    return False
                self._users.mkdir(mode=_MODE, exist_ok=True)
                with suppress(FileNotFoundError):  # another process was faster
                    os.utime(copy, follow_symlinks=False)  # as if made now: what restores it is yet to be committed
                    copy.rename(home)
                    flush(copy.parent)
                    flush(self._users)
        return True

    def erase(self, user_id: UUID) -> None:
        """Destroy the person's directory and its copies in the trash; see `Provisioner.erase`."""
        with _or_else(ErasingFailed):
            trees.remove(self._home(user_id))
            self._trash.erase(user_id)  # after the home, which somebody may have put there meanwhile

    def purge(self, before: date) -> int:
        """Destroy the trash of the days before; see `Provisioner.purge`."""
        with _or_else(ErasingFailed):
            return self._trash.purge(before)

    def measure(self, user_id: UUID) -> Usage:
        """Count the regular files of the person's directory, and their bytes."""
        return trees.measure(self._home(user_id))

    def walk(self, user_id: UUID) -> Generator[Kept, None, None]:
        """Go through the person's directory, or else its newest copy in the trash."""
        home = self._home(user_id)
        top = home if os.path.lexists(home) else self._trash.newest(user_id)
        if top:
            yield from trees.walk(top)

    def complete(self, user_id: UUID) -> bool:
        """Tell whether the directory has all its folders and files."""
        try:
            missing = lacking(self._home(user_id))
        except OSError:
            return False
        return missing is not None and not missing

    def existing(self, older_than_seconds: float) -> Iterator[Collection[UUID]]:
        """Walk through the directories that bear an id, in batches."""
        yield from _batches(
            UUID(entry.name) for entry in self._entries() if _is_id(entry.name) and _age(entry) > older_than_seconds
        )

    def withdrawn(self) -> Iterator[Collection[UUID]]:
        """Walk through the ids in the trash, in batches."""
        yield from _batches(self._trash.ids())

    def leftovers(self, older_than_seconds: float) -> int:
        """Count unfinished directories."""
        return sum(1 for _ in self._unfinished(older_than_seconds))

    def sweep(self, older_than_seconds: float) -> int:
        """Remove unfinished directories: they never held anything but empty registries."""
        swept = list(self._unfinished(older_than_seconds))
        for path in swept:
            shutil.rmtree(path, ignore_errors=True)
        return len(swept)

    def _home(self, user_id: UUID) -> Path:
        return self._users / str(user_id)

    def _begin(self, user_id: UUID, *, flushed: bool) -> Path:
        """Make a directory under a temporary name."""
        unfinished = self._users / f"{_UNFINISHED}{user_id}-{secrets.token_hex(4)}"
        try:
            self._users.mkdir(mode=_MODE, exist_ok=True)
            unfinished.mkdir(mode=_MODE)
            fill(unfinished, ALL, flushed=flushed)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return unfinished

    def _finish(self, unfinished: Path, home: Path) -> None:
        """Give a directory its name."""
        try:
            unfinished.rename(home)
        except OSError:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not home.is_dir() or home.is_symlink():  # else another process made it in the meantime
                raise

    def _finish_all(self, begun: dict[UUID, Path]) -> list[UUID]:
        failed = []
        for user_id in list(begun):
            try:
                self._finish(begun.pop(user_id), self._home(user_id))
            except OSError:
                failed.append(user_id)
        return failed

    def _entries(self) -> Iterator["os.DirEntry[str]"]:
        if self._users.is_dir():
            with os.scandir(self._users) as entries:
                yield from entries

    def _unfinished(self, older_than_seconds: float) -> Iterator[Path]:
        for entry in self._entries():
            if entry.name.startswith(_UNFINISHED) and _age(entry) > older_than_seconds:
                yield Path(entry.path)


@contextmanager
def _or_else(error: type[ProvisioningFailed | ErasingFailed]) -> Iterator[None]:
    """Say in a word of the domain what the disk refused."""
    try:
        yield
    except OSError as refusal:
        raise error from refusal


def _batches(found: Iterator[UUID]) -> Iterator[Collection[UUID]]:
    while batch := list(itertools.islice(found, _BATCH)):
        yield batch


def _age(entry: "os.DirEntry[str]") -> float:
    try:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return 0


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
