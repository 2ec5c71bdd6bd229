"""The database and its two doors: one for reading, one for writing; nobody else begins or commits."""

import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.errors import DatabaseUnavailable
from backend.stores.tallies import settle

_POOL: Final = 10
_PATIENCE_SECONDS: Final = 5
_FILE_MODE: Final = 0o600
_MAPPED: Final = 2**31 - 2**16
"""Bytes of SQLite's file that are memory-mapped: a search looks up thousands of rows."""
_AGAIN: Final = frozenset({"40001", "40P01", "53300", "57P01", "57P02", "57P03"})
"""PostgreSQL's codes of what may be over next time: a serialization failure, a deadlock, no connection left, a
server that goes down, has crashed, or starts and lets nobody in yet."""
_BEGIN: Final = "vestibule_begin"
_USED: Final = "vestibule_used"
_RESTED_SECONDS: Final = 1
"""A connection that was used more recently is not asked whether it still works: that takes as long as a statement."""


class Database:
    """An engine with a pool of fixed size. SQLite: WAL, writers take the write lock at their first statement.

    SQLite has no queue of writers: one that waits is overtaken again and again. So a process has one connection that
    writes, and its pool is the queue.
    """

    def __init__(self, url: str, *, patience: float = _PATIENCE_SECONDS) -> None:
        """Prepare the engine; nothing is connected yet. `patience` is how many seconds anything may be waited for."""
        self._url = url
        self._patience = patience
        self.embedded = url.startswith("sqlite")
        self.engine = _sqlite(url, patience) if self.embedded else _postgresql(url, patience, for_statements=patience)
        self.search_indexed = False
        """Whether substring search has an index; the start looks."""
        self._writers = self.engine
        if self.embedded:
            self._writers = _sqlite(url, patience, pool=1).execution_options(**{_BEGIN: "IMMEDIATE"})

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a short read; whatever it changed would be rolled back.

        Raises:
            DatabaseUnavailable: the database does not answer in time.
        """
        async with _translated(), AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction that begins with its first statement and commits at the end, or not at all.

        Raises:
            DatabaseUnavailable: the database does not answer in time; nothing was changed.
        """
        async with _translated(), AsyncSession(self._writers, expire_on_commit=False) as session:
            yield session
            await settle(session)
            await session.commit()

    @asynccontextmanager
    async def for_schema_changes(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for migrations, which may take their time.

        SQLite rebuilds tables: foreign keys are off meanwhile, or dropping the old one would delete dependent rows.

        Raises:
            DatabaseUnavailable: the database does not answer in time.
        """
        if self.embedded:
            engine = _sqlite(self._url, self._patience, foreign_keys=False).execution_options(**{_BEGIN: "IMMEDIATE"})
        else:
            engine = _postgresql(self._url, self._patience, for_statements=None)
        try:
            async with _translated(), engine.connect() as connection:
                yield connection
                await connection.commit()
        finally:
            await engine.dispose()

    @property
    def path(self) -> Path:
        """The file of the embedded database."""
        return Path(make_url(self._url).database or "")

    def asyncpg_arguments(self) -> dict[str, Any]:
        """Return what `asyncpg.connect` needs for a connection beside the pool."""
        _, arguments = self.engine.dialect.create_connect_args(make_url(self._url))
        return dict(arguments)

    async def ping(self) -> None:
        """Check that the database answers.

        Raises:
            DatabaseUnavailable: it does not, or not in time.
        """
        try:
            async with self.reading() as session:
                await (await session.connection()).execute(text("SELECT 1"))
        except DBAPIError as error:  # a wrong password, a database that does not exist, a file that is none
            raise DatabaseUnavailable from error

    def pool_status(self) -> tuple[int, int]:
        """Return how many connections there can be, and how many of them are lent at the moment."""
        pools: set[Any] = {self.engine.pool, self._writers.pool}
        return sum(pool.size() for pool in pools), sum(pool.checkedout() for pool in pools)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
        await self._writers.dispose()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError, OSError, TimeoutError) as error:
        raise DatabaseUnavailable from error
    except DBAPIError as error:
        if error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _AGAIN:
            raise DatabaseUnavailable from error
        raise


def _sqlite(url: str, patience: float, *, foreign_keys: bool = True, pool: int = _POOL) -> AsyncEngine:
    _keep_private(url)
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=patience,
        connect_args={"timeout": patience},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _: object) -> None:  # noqa: ANN401  # the driver's own connection
        connection.isolation_level = None
        cursor = connection.cursor()
        keys = f"foreign_keys={'ON' if foreign_keys else 'OFF'}"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"mmap_size={_MAPPED}", keys):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get(_BEGIN, 'DEFERRED')}")

    return engine


def _keep_private(url: str) -> None:
    """Make the file before SQLite does, readable by us alone; its journals take over its mode."""
    path = make_url(url).database
    if path:
        with contextlib.suppress(OSError):  # the first connection will say what is wrong
            Path(path).touch(mode=_FILE_MODE)


def _postgresql(url: str, patience: float, *, for_statements: float | None) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=_POOL,
        max_overflow=0,
        pool_timeout=patience,
        connect_args={
            "timeout": patience,
            "command_timeout": for_statements,
            "server_settings": {"timezone": "UTC", "application_name": "vestibule", "jit": "off"},
        },
    )
    dialect = engine.dialect

    @event.listens_for(engine.sync_engine, "checkout")
    def _wake(connection: Any, entry: ConnectionPoolEntry, _: object) -> None:  # noqa: ANN401  # the driver's own
        """Replace a connection that was cut while it rested, and all older ones with it: as after a restart."""
        now = time.monotonic()
        rested, entry.info[_USED] = now - entry.info.get(_USED, now), now
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        if rested > _RESTED_SECONDS:
            try:
                dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError from error

    return engine
