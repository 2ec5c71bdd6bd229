"""Where a run keeps its files: in memory, where there is room: thousands of tests would wait for a disk to be sure."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a file system, in which folders with random names are made
_ROOM: Final = 2 * 2**30
"""Bytes; a run takes some hundred megabytes. Containers that were told nothing have 64 MB there."""


def prefer() -> None:
    """Keep temporary files of this process and of those it starts in memory, unless `TMPDIR` says where they belong."""
    if "TMPDIR" not in os.environ and _has_room(_IN_MEMORY):
        os.environ["TMPDIR"] = str(_IN_MEMORY)
        tempfile.tempdir = None  # it is looked up again


def _has_room(folder: Path) -> bool:
    return (
        os.access(folder, os.W_OK)
        and shutil.disk_usage(folder).free >= _ROOM
        and not os.statvfs(folder).f_flag & os.ST_NOEXEC  # a wheel's PostgreSQL may have to be copied there
    )
