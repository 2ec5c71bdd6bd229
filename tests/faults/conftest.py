"""Real servers, started once for each kind of database and swept clean before every race."""

import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import cache

import pytest

from backend.models import Installation, metadata
from backend.stores.database import Database
from tests.application import PATIENCE, _now
from tests.faults.house import Built, House, opened
from tests.machines.postgres import Postgres

Standing = Callable[[str], Built]


@pytest.fixture(scope="package")
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """Two real servers on a database of each kind, started when they are first asked for."""
    with ExitStack() as stack:

        @cache
        def house(kind: str) -> Built:
            place, name = tmp_path_factory.mktemp("house"), f"house_{uuid.uuid4().hex}"
            if kind == "sqlite":
                shutil.copy(request.getfixturevalue("migrated_sqlite"), place / "vestibule.db")
                return stack.enter_context(opened(f"sqlite+aiosqlite:///{place / 'vestibule.db'}", place))
            server: Postgres = request.getfixturevalue("postgres_server")
            _now(server.create_database_from_template(name, request.getfixturevalue("migrated_postgres")))
            stack.callback(lambda: _now(server.drop_database(name)))
            return stack.enter_context(opened(server.url(name), place))

        yield house


@pytest.fixture(params=["sqlite", "postgresql"])
def built(request: pytest.FixtureRequest, standing: Standing) -> Built:
    """Two real servers on one database."""
    return standing(request.param)


@asynccontextmanager
async def swept(built: Built) -> AsyncIterator[Database]:
    """Empty a house, and look at the database its servers share."""
    database = Database(built.database_url, patience=PATIENCE)
    async with database.writing() as session:
        for table in reversed(metadata.sorted_tables):
            await (await session.connection()).execute(table.delete())
        session.add(Installation())
    shutil.rmtree(built.place / "data" / "users", ignore_errors=True)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(built: Built) -> AsyncIterator[Database]:
    """A look at the database the servers share, empty at first."""
    async with swept(built) as database:
        yield database


@pytest.fixture
async def house(built: Built, database: Database) -> AsyncIterator[House]:
    """Two doors of an empty house."""
    async with built.visited() as house:
        yield house
