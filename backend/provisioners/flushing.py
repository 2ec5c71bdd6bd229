"""Making sure that what was written is on the disk."""

import ctypes
import os
from pathlib import Path
from typing import Final

_libc: Final = ctypes.CDLL(None, use_errno=True)


def flush(directory: Path) -> None:
    """Make the names in a directory last."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_everything(directory: Path) -> None:
    """Make everything last that was written to the file system of a directory, by whomever: one wait for thousands.

    Raises:
        OSError: it could not be written.
    """
    if not hasattr(_libc, "syncfs"):  # Linux alone has it
        os.sync()
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        if _libc.syncfs(descriptor):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(descriptor)
