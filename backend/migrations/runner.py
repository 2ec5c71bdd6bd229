"""Bringing a database to the schema of this version, and telling whether it is there."""

from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from backend.errors import StartError
from backend.models import metadata
from backend.stores import search_index
from backend.stores.database import Database

_ADVISORY_LOCK: Final = 0x76657374
"""Ours among PostgreSQL's advisory locks: two `migrate` at once wait for each other."""


_OPTIONS: Final = {"include_name": lambda name, *_: not search_index.belongs(name)}


@cache
def head() -> str:
    """Return the revision this version of the code wants."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


async def current(database: Database) -> str | None:
    """Return the revision the database is at; None if it is empty."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_revision)


async def upgrade(database: Database) -> None:
    """Bring the database to `head`, in one transaction; safe for several processes at once.

    Raises:
        StartError: the database is at a revision that this version does not know.
    """
    async with database.reading() as session:
        if await (await session.connection()).run_sync(_is_complete):
            return
    async with database.for_schema_changes() as connection:
        if not database.embedded:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        try:
            await connection.run_sync(_upgrade)
        except CommandError as error:
            raise StartError(
                f"The database's schema belongs to another version of Vestibule, probably a newer one ({error})."
            ) from None
        await connection.run_sync(search_index.make)


async def look_for_index(database: Database) -> tuple[bool, bool]:
    """Find the index of the search, note it on the database, and tell whether it is there and knows every script."""
    async with database.engine.connect() as connection:
        database.search_indexed = await connection.run_sync(search_index.works)
        every_script = database.search_indexed and await connection.run_sync(search_index.knows_every_script)
    return database.search_indexed, every_script


async def drift(database: Database) -> list[object]:
    """Return what models and database disagree about; empty when the migrations tell the whole truth."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(
            lambda sync: list(compare_metadata(MigrationContext.configure(sync, opts=_OPTIONS), metadata))
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_complete(connection: Connection) -> bool:
    return _revision(connection) == head() and search_index.works(connection)


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
