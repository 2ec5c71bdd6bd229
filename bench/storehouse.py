"""Filled databases that outlive a run: a population of each size, kept in build/scale; a run works on copies of them.

What is kept is known by the code that made it. After a change of that code it is made anew.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from backend.migrations import runner
from backend.stores.database import Database
from bench.filling import fill
from bench.servers import ROOT
from tests.machines.postgres import Cluster

FOLDER: Final = ROOT / "build" / "scale"
_MADE_BY: Final = (
    *("bench/population.py", "bench/names.toml", "bench/days.py", "bench/filling.py"),
    *("backend/stores/listing_texts.py", "backend/stores/search_index.py"),
)
_SCHEMA: Final = "backend/migrations/versions"


class SQLiteStore:
    """Databases as files."""

    name = "SQLite"

    def __init__(self, *, fresh: bool) -> None:
        """Keep what is there and still good, unless all is to be made afresh."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._mark = _mark()
        self._remove_copies()
        for path in FOLDER.glob("*.db*"):
            if fresh or self._mark not in path.name:
                path.unlink()

    def has(self, size: int) -> bool:
        """Tell whether there is a population of this size."""
        return self._kept(size).exists()

    def begin(self, size: int) -> str:
        """Return the address of an empty database, to be filled and then kept."""
        path = self._begun(size)
        path.unlink(missing_ok=True)
        return _url(path)

    def keep(self, size: int) -> None:
        """Keep what was begun."""
        self._begun(size).rename(self._kept(size))

    def copy(self, size: int) -> str:
        """Return the address of a copy."""
        path = FOLDER / f"run-{size}.db"
        shutil.copyfile(self._kept(size), path)
        return _url(path)

    def close(self) -> None:
        """Remove the copies."""
        self._remove_copies()

    def _remove_copies(self) -> None:
        for path in FOLDER.glob("run-*"):
            path.unlink()

    def _begun(self, size: int) -> Path:
        return FOLDER / f"{size}-{self._mark}.begun.db"

    def _kept(self, size: int) -> Path:
        return FOLDER / f"{size}-{self._mark}.db"


class PostgreSQLStore:
    """Databases of one private server, which runs as long as this does."""

    name = "PostgreSQL"

    def __init__(self, *, fresh: bool) -> None:
        """Start the server; keep what is there and still good, unless all is to be made afresh."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._mark = _mark()
        self._cluster = Cluster(FOLDER / "postgresql")
        self._address = self._cluster.address
        for name in asyncio.run(self._address.databases()):
            if fresh or self._mark not in name:
                asyncio.run(self._address.drop_database(name))

    def has(self, size: int) -> bool:
        """Tell whether there is a population of this size."""
        return self._kept(size) in asyncio.run(self._address.databases())

    def begin(self, size: int) -> str:
        """Return the address of an empty database, to be filled and then kept."""
        return asyncio.run(self._address.create_database(f"begun-{size}"))

    def keep(self, size: int) -> None:
        """Keep what was begun."""
        asyncio.run(self._address.rename_database(f"begun-{size}", self._kept(size)))

    def copy(self, size: int) -> str:
        """Return the address of a copy."""
        return asyncio.run(self._address.create_database_from_template(f"run-{size}", self._kept(size)))

    def close(self) -> None:
        """Remove the copies and stop the server."""
        try:
            for name in asyncio.run(self._address.databases()):
                if name.startswith("run-"):
                    asyncio.run(self._address.drop_database(name))
        finally:
            self._cluster.stop()

    def _kept(self, size: int) -> str:
        return f"{size}-{self._mark}"


Store = SQLiteStore | PostgreSQLStore


def fill_all(stores: Sequence[Store], sizes: Sequence[int], cost: tuple[int, int, int]) -> None:
    """Fill what is not there yet, two databases at a time."""
    with ProcessPoolExecutor(len(stores)) as pool:
        begun = [(store, size) for size in sizes for store in stores if not store.has(size)]
        for store, size, filled in [
            (store, size, pool.submit(_fill, store.begin(size), size, cost)) for store, size in begun
        ]:
            filled.result()
            store.keep(size)


def _fill(url: str, size: int, cost: tuple[int, int, int]) -> None:
    asyncio.run(_migrate(url))
    fill(url, size, cost=cost)


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await runner.upgrade(database)
    finally:
        await database.close()


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def _mark() -> str:
    """Return what tells databases made by this code from others."""
    paths = [*(ROOT / path for path in _MADE_BY), *sorted((ROOT / _SCHEMA).glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
