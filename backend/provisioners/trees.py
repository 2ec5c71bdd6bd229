"""Trees of directories that somebody may change meanwhile: whatever is swapped for a link, no link is followed.

Everything is done relative to an open directory, so that no path is looked up twice.
"""

import errno
import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Final, NamedTuple

from backend.provisioners.base import Kept, Usage

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
"""How a directory is opened that has to be one."""
DEEPEST: Final = 64
"""Levels that are gone into. Each holds two descriptors open while it is."""
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""Without blocking: a pipe may have taken the file's place, and nobody may ever write to it."""
_NO_DIRECTORY: Final = frozenset({errno.ENOTDIR, errno.ELOOP})
_OURS: Final = 0o700


class _Found(NamedTuple):
    """An entry that is not gone into, good until the next one is asked for."""

    path: str
    entry: "os.DirEntry[str]"
    directory: int


class _Level:
    """A directory while it is being looked through."""

    def __init__(self, descriptor: int, prefix: str) -> None:
        self.descriptor = descriptor
        self.prefix = prefix
        try:
            self.entries = os.scandir(descriptor)
        except OSError:
            os.close(descriptor)
            raise

    def close(self) -> None:
        self.entries.close()
        os.close(self.descriptor)


def measure(top: Path) -> Usage:
    """Count the regular files below a directory, and their bytes; what vanishes or cannot be read does not count."""
    files = size = 0
    for found in _through(top):
        try:
            status = found.entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if S_ISREG(status.st_mode):
            size += status.st_size
            files += 1
    return Usage(files, size)


def walk(top: Path) -> Generator[Kept, None, None]:
    """Go through everything below a directory but directories themselves."""
    for found in _through(top):
        try:
            file = _opened(found)
        except FileNotFoundError:
            continue
        except OSError:
            yield Kept(found.path, None)
            continue
        with file:
            status = os.fstat(file.fileno())
            yield Kept(found.path, file, status.st_size, status.st_mtime)


def remove(top: Path) -> None:
    """Remove a directory with all that is in it, however deep, or whatever else has its name; a link as a link.

    What lies deeper than the first level is moved up to it, so that neither depth nor a path's length is a limit.

    Raises:
        OSError: something is still there; it can be tried again.
    """
    try:
        root = _ours(str(top))
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in _NO_DIRECTORY:
            raise
        top.unlink(missing_ok=True)
        return
    try:
        while _emptied_a_little(root):
            pass
    finally:
        os.close(root)
    with suppress(FileNotFoundError):
        top.rmdir()


def _through(top: Path) -> Iterator[_Found]:
    levels: list[_Level] = []
    try:
        with suppress(OSError):
            levels.append(_Level(os.open(top, DIRECTORY), ""))
        while levels:
            level = levels[-1]
            entry = _next(level)
            if entry is None:
                levels.pop().close()
                continue
            path = level.prefix + entry.name
            deeper = None
            if len(levels) < DEEPEST and entry.is_dir(follow_symlinks=False):
                deeper = _below(level, entry.name, path)
            if deeper:
                levels.append(deeper)
            else:
                yield _Found(path, entry, level.descriptor)
    finally:
        for level in levels:
            level.close()


def _next(level: _Level) -> "os.DirEntry[str] | None":
    try:
        return next(level.entries, None)
    except OSError:
        return None


def _below(level: _Level, name: str, path: str) -> _Level | None:
    try:
        return _Level(os.open(name, DIRECTORY, dir_fd=level.descriptor), f"{path}/")
    except OSError:
        return None


def _opened(found: _Found) -> BinaryIO:
    descriptor = os.open(found.entry.name, _FILE, dir_fd=found.directory)
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _emptied_a_little(root: int) -> bool:
    """Remove what lies at the first level, moving up what lies below; False if there is nothing left."""
    some = False
    with os.scandir(root) as entries:
        for entry in entries:
            some = True
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    _dissolve(entry.name, root)
                else:
                    os.unlink(entry.name, dir_fd=root)
    return some


def _dissolve(name: str, root: int) -> None:
    descriptor = _ours(name, root)
    try:
        while _moved_up_a_little(descriptor, root):
            pass
    finally:
        os.close(descriptor)
    os.rmdir(name, dir_fd=root)


def _moved_up_a_little(descriptor: int, root: int) -> bool:
    some = False
    with os.scandir(descriptor) as entries:
        for entry in entries:
            some = True
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    os.close(_ours(entry.name, descriptor))
                    os.rename(entry.name, secrets.token_hex(16), src_dir_fd=descriptor, dst_dir_fd=root)
                else:
                    os.unlink(entry.name, dir_fd=descriptor)
    return some


def _ours(name: str, directory: int | None = None) -> int:
    """Open a directory that is to be removed, writable: a person may have protected it against themselves."""
    descriptor = os.open(name, DIRECTORY, dir_fd=directory)
    with suppress(PermissionError):
        os.fchmod(descriptor, _OURS)
    return descriptor
