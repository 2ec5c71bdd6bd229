"""What each person's directory begins with: seven folders, five empty registries."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from backend.provisioners.trees import DIRECTORY

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
ALL: Final = frozenset({*FOLDERS, *FILES})
_EMPTY: Final = b"{}"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def lacking(home: Path) -> Collection[str] | None:
    """Return what a directory lacks, None if there is no directory; its entries are read once, and no file is opened.

    Raises:
        OSError: something else has its name, a link for instance.
    """
    try:
        descriptor = os.open(home, DIRECTORY)
    except FileNotFoundError:
        return None
    missing = set(ALL)
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                name = entry.name
                if name in missing and (entry.is_file() if name in FILES else entry.is_dir()):
                    missing.remove(name)
                    if not missing:
                        break
    finally:
        os.close(descriptor)
    return missing


def fill(home: Path, parts: Collection[str], *, flushed: bool) -> None:
    """Add parts to a directory, leaving alone what is there; `flushed` waits until they are on the disk.

    Raises:
        OSError: it could not be done.
    """
    directory = os.open(home, DIRECTORY)
    try:
        for name in FOLDERS:
            if name in parts:
                with suppress(FileExistsError):
                    os.mkdir(name, _FOLDER_MODE, dir_fd=directory)
        for name in FILES:
            if name in parts:
                with suppress(FileExistsError):
                    _write(name, directory, flushed=flushed)
        if flushed:
            os.fsync(directory)
    finally:
        os.close(directory)


def _write(name: str, directory: int, *, flushed: bool) -> None:
    file = os.open(name, _NEW, _FILE_MODE, dir_fd=directory)
    try:
        os.write(file, _EMPTY)
        if flushed:
            os.fsync(file)
    finally:
        os.close(file)
