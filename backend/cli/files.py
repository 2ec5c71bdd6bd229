"""Files that commands write: personal data, so nobody else may read them, and nothing is overwritten by mistake."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import typer

_PRIVATE: Final = 0o600
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_OVERWRITTEN: Final = os.O_WRONLY | os.O_TRUNC


@contextmanager
def written(path: Path, *, force: bool | None = None) -> Iterator[BinaryIO]:
    """Open a file that nobody else may read; one that is new is gone again if it could not be written to its end.

    One that is there is overwritten with `force`, else refused; None: the command has no such option.

    Raises:
        BadParameter: the file is there, or cannot be written.
    """
    new = True
    try:
        try:
            descriptor = os.open(path, _NEW, _PRIVATE)
        except FileExistsError:
            if not force:
                raise
            descriptor, new = os.open(path, _OVERWRITTEN), False
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
        except BaseException:
            if new:
                path.unlink(missing_ok=True)
            raise
    except OSError as error:
        way_out = " (--force overwrites it)" if force is False and isinstance(error, FileExistsError) else ""
        raise typer.BadParameter(f"{path}: {error.strerror or error}{way_out}", param_hint="--output") from None
