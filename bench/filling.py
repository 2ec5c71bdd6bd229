"""Writing a population into an empty database in minutes, past the service's own doors, which would take hours.

What is written is what the service itself would have written; a test compares the two. Rows come first and indexes
after them, as when a dump is restored.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import Dialect, Table, make_url

from backend.hashing import PasswordHasher
from backend.models import Identifier, Listing, Tally, TallyKind, User
from backend.stores import search_index
from bench.days import days
from bench.population import Account, people

PASSWORD: Final = "correct horse battery"  # noqa: S105  # of everybody in a benchmark
_BATCH: Final = 10_000
_PAGES: Final = 262_144
"""Of memory, in KiB, that SQLite may use while it fills."""
_INDEXES: Final = """
    SELECT indexname AS name, indexdef AS made FROM pg_indexes
    WHERE schemaname = 'public' AND tablename IN ('users', 'listings', 'identifiers')
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)
"""


def fill(url: str, number: int, *, cost: tuple[int, int, int], now: datetime | None = None, seed: int = 1) -> None:
    """Write so many people into a migrated database in which nobody is; `cost` is argon2id's, of the password."""
    hashed_password = asyncio.run(_hashed(cost))
    now = now or datetime.now(UTC)
    everybody = people(number, now=now, hashed_password=hashed_password, seed=seed)
    address = make_url(url)
    rows = _Rows(address.get_dialect()(), everybody, days(number, now=now, seed=seed))
    if address.get_backend_name() == "sqlite":
        _fill_sqlite(Path(address.database or ""), rows)
    else:
        driver_url = address.set(drivername="postgresql").render_as_string(hide_password=False)
        asyncio.run(_fill_postgresql(driver_url, rows))


async def _hashed(cost: tuple[int, int, int]) -> str:
    hasher = PasswordHasher(cost)
    try:
        return await hasher.hashed(PASSWORD)
    finally:
        hasher.close()


class _Form:
    """A table's columns, and their values as a database's driver wants them."""

    def __init__(self, model: Any, dialect: Dialect) -> None:  # noqa: ANN401  # a class with `table=True`
        table: Table = model.__table__
        columns = [column for column in table.columns if column.name != "number"]  # which the database gives
        self.table = table.name
        self.names = [column.name for column in columns]
        self._processors = [
            (column.name, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in columns
        ]

    def row(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(process(values[name]) if process else values[name] for name, process in self._processors)


class _Rows:
    """The rows of a population, some thousands at a time, and at the end the tallies."""

    def __init__(
        self, dialect: Dialect, everybody: Iterable[Account], happened: Counter[tuple[TallyKind, str]]
    ) -> None:
        self._users, self._listings, self._identifiers, self._tallies = (
            _Form(model, dialect) for model in (User, Listing, Identifier, Tally)
        )
        self._everybody = iter(everybody)
        self._happened = happened

    def __iter__(self) -> Iterator[tuple[_Form, Sequence[tuple[Any, ...]]]]:
        tallies = self._happened.copy()
        while batch := list(islice(self._everybody, _BATCH)):
            listings = [account.listing for account in batch]
            yield self._users, [self._users.row(account.columns) for account in batch]
            yield self._listings, [self._listings.row(listing) for listing in listings]
            yield (
                self._identifiers,
                [
                    self._identifiers.row(name)
                    for account, listing in zip(batch, listings, strict=True)
                    for name in account.identifiers(listing)
                ],
            )
            for account in batch:
                tallies.update(account.tallies())
        counts = [{"kind": kind, "key": key, "count": count} for (kind, key), count in tallies.items()]
        yield self._tallies, [self._tallies.row(count) for count in counts]


def _fill_sqlite(path: Path, population: _Rows) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_PAGES}", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        later = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('index', 'trigger') "
            "AND tbl_name IN ('users', 'listings', 'identifiers')"
        ).fetchall()
        connection.execute("BEGIN")
        for kind, name, _ in later:
            connection.execute(f"DROP {kind} {name}")
        for form, rows in population:
            holders = ", ".join("?" * len(form.names))
            connection.executemany(f"INSERT INTO {form.table} ({', '.join(form.names)}) VALUES ({holders})", rows)  # noqa: S608
        for _, _, made in later:
            connection.execute(made)
        connection.execute(f"INSERT INTO {search_index.TABLE}({search_index.TABLE}) VALUES ('rebuild')")  # noqa: S608
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


async def _fill_postgresql(url: str, population: _Rows) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")  # foreign keys hold by construction
        await connection.execute("SET maintenance_work_mem = '512MB'")
        later = await connection.fetch(_INDEXES)
        for index in later:
            await connection.execute(f"DROP INDEX {index['name']}")
        for form, rows in population:
            await connection.copy_records_to_table(form.table, records=rows, columns=form.names)
        for index in later:
            await connection.execute(index["made"])
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
