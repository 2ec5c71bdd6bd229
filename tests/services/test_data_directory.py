"""What lies in the data directory is for nobody else's eyes, even where the directory was there before."""

import os
import stat
from pathlib import Path

from pydantic import SecretStr

from backend.context import Context
from backend.services import startup
from backend.settings import Settings


async def test_the_embedded_database_cannot_be_read_by_others(tmp_path: Path) -> None:
    place, umask = tmp_path / "graph_data", os.umask(0o022)
    place.mkdir(mode=0o755)  # as `git clone` makes it
    context = Context.build(Settings(database_url=SecretStr(""), data_dir=place, argon2=(8, 1, 1)))
    try:
        await startup.prepare_database(context)
    finally:
        await context.close()
        os.umask(umask)
    closed = stat.S_IMODE(place.stat().st_mode) & 0o077 == 0
    readable = [path.name for path in place.glob("vestibule.db*") if path.stat().st_mode & 0o077]

    assert closed or readable == []
