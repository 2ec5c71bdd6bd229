"""A directory for each person: `users/<id>/` below the data directory.

It appears whole or not at all: made under a temporary name, flushed to disk, then renamed. Its name comes from the id
alone, so that nothing a person types ever becomes a path (ASVS 5.3.2).
"""

import contextlib
import itertools
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from backend.errors import ProvisioningFailed

FOLDERS: Final = (
    "nodes",
    "attributeNodes",
    "relationNodes",
    "transitions",
    "functions",
    "graphs",
    "schemas",
)
FILES: Final = (
    "node_registry.json",
    "attribute_registry.json",
    "relation_registry.json",
    "transition_registry.json",
    "function_registry.json",
)
_EMPTY: Final = b"{}"
_DIRECTORY_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_UNFINISHED: Final = ".unfinished-"
_BATCH: Final = 1000


class DirectoryProvisioner:
    """Keeps `users/` and `trash/` below one data directory, and touches nothing else."""

    def __init__(self, data_dir: Path) -> None:
        """Name the places; nothing is made yet."""
        self._users = data_dir / "users"
        self._trash = data_dir / "trash"

    def provision(self, user_id: UUID) -> None:
        """Make or complete the person's directory; see `Provisioner.provision`."""
        home = self._home(user_id)
        try:
            self._users.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
            if home.is_symlink():
                raise ProvisioningFailed
            if home.is_dir():
                _fill(home)
            else:
                self._make(home)
        except OSError as error:
            raise ProvisioningFailed from error

    def withdraw(self, user_id: UUID, now: datetime) -> None:
        """Move the person's directory to today's trash."""
        home = self._home(user_id)
        if not home.exists() and not home.is_symlink():
            return
        day = self._trash / f"{now:%Y-%m-%d}"
        for directory in (self._trash, day):
            directory.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            home.rename(day / f"{user_id}-{secrets.token_hex(4)}")
        _flush(day)
        _flush(self._users)

    def complete(self, user_id: UUID) -> bool:
        """Tell whether the directory has all its folders and files."""
        home = self._home(user_id)
        return (
            not home.is_symlink()
            and all((home / name).is_dir() for name in FOLDERS)
            and all((home / name).is_file() for name in FILES)
        )

    def existing(self, older_than_seconds: float) -> Iterator[Collection[UUID]]:
        """Walk through the directories that bear an id, in batches."""
        found = (
            UUID(entry.name) for entry in self._entries() if _is_id(entry.name) and _age(entry) > older_than_seconds
        )
        while batch := list(itertools.islice(found, _BATCH)):
            yield batch

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

    def _make(self, home: Path) -> None:
        unfinished = self._users / f"{_UNFINISHED}{home.name}-{secrets.token_hex(4)}"
        try:
            unfinished.mkdir(mode=_DIRECTORY_MODE)
            _fill(unfinished)
            try:
                unfinished.rename(home)
            except OSError:
                if not home.is_dir():
                    raise
                shutil.rmtree(unfinished)  # another process made it in the meantime
            _flush(self._users)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise

    def _entries(self) -> Iterator["os.DirEntry[str]"]:
        if self._users.is_dir():
            with os.scandir(self._users) as entries:
                yield from entries

    def _unfinished(self, older_than_seconds: float) -> Iterator[Path]:
        for entry in self._entries():
            if entry.name.startswith(_UNFINISHED) and _age(entry) > older_than_seconds:
                yield Path(entry.path)


def _fill(home: Path) -> None:
    """Add what is missing; what is there is left alone."""
    for name in FOLDERS:
        with contextlib.suppress(FileExistsError):
            (home / name).mkdir(mode=_DIRECTORY_MODE)
    for name in FILES:
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(home / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_EMPTY)
                file.flush()
                os.fsync(file.fileno())
    _flush(home)


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
