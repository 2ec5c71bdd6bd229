"""The application under test: the real one, on both databases, with a clock that moves and a mail box in memory."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from backend.app import create_app
from backend.context import Context
from backend.migrations import runner
from backend.models import MailPurpose, metadata
from backend.notifiers import Message
from backend.services import courier, reading
from backend.settings import Settings
from backend.stores.database import Database
from backend.stores.mails import WantedMails
from tests.factories import People
from tests.machines.postgres import Postgres

CHEAP_ARGON2 = (8, 1, 1)
"""For all tests but those about hashing."""
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database has a part in: documents, headers, routes. Whatever reads or writes rows runs on both."""
_EMPTY = "; ".join(
    [
        *(f"DELETE FROM {table}" for table in reversed(metadata.sorted_tables) if table.name != "installation"),  # noqa: S608
        "UPDATE installation SET bootstrap_digest = NULL, claimed_at = NULL, claimed_by = NULL, filled_at = NULL",
        "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",  # ids begin at 1, as on SQLite
    ]
)
_SCHEMA = """
    SELECT concat(
        (SELECT string_agg(version_num, ',') FROM alembic_version), ' ',
        (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal), ' ',
        (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    )
"""
PATIENCE = 120.0
"""Seconds that a test waits for what is to happen: nothing that is well takes so long on the busiest machine."""
_STANDSTILLS = {
    "backend.stores.news.DEAF_AFTER_SECONDS": 10 * PATIENCE,
    "backend.stores.postgres_channel.BEAT_SECONDS": PATIENCE,
    "backend.stores.postgres_channel.PATIENCE_SECONDS": PATIENCE,
    "backend.stores.counters._REDIS_PATIENCE_SECONDS": PATIENCE,
}
"""What is done where an answer is late by parts of a second, is shown by tests that ask for it; see `unhurried`."""
_ENGINES: dict[str, Database] = {}
"""Kept for their compiled statements: each worker's test databases bear the same name, one after the other."""
_IDLE: dict[bool, list[FastAPI]] = {}


@dataclass
class StillClock:
    """A clock that goes on only when a test moves it, from the middle of a day, a week and a month.

    It is far ahead of the machine's own time: what asks the machine instead of the clock is seen at once.
    """

    at: datetime = datetime(2040, 5, 16, 12, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, **distance: float) -> None:
        """Go on by a distance given as `timedelta` keywords, for example `minutes=20`."""
        self.at += timedelta(**distance)


@dataclass
class MailBox:
    """A notifier that keeps what it is given."""

    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    async def rest(self) -> None:
        """Nothing is kept open."""


@dataclass
class Application:
    """A running application: talk to it by `client`, move its `clock`, read its `mails`, look into its `context`."""

    app: FastAPI
    context: Context
    clock: StillClock
    client: httpx.AsyncClient
    box: MailBox
    people: People

    @property
    def data_dir(self) -> Path:
        return self.context.settings.data_dir

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """Another client, with cookies of its own."""
        return _client(self.app, headers)

    async def mails(self, purpose: MailPurpose | None = None) -> list[Message]:
        """Every mail so far, or those of one purpose, after the courier has carried what is due."""
        while await courier.deliver(self.context, self.box):
            pass
        if purpose is None:
            return self.box.messages
        async with reading(self.context) as look:
            rows = (await look.mails.page(WantedMails(purpose=purpose), None, 1000)).rows
        return [message for message in self.box.messages if UUID(message.id) in {row.id for row in rows}]


@pytest.fixture(scope="session", autouse=True)
def unhurried() -> Iterator[None]:
    """Let this process bear with a machine that stands still for a while; servers of their own do as they always do."""
    with pytest.MonkeyPatch.context() as patch:
        for name, seconds in _STANDSTILLS.items():
            patch.setattr(name, seconds)
        yield


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "vestibule.db"
    _now(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: Postgres) -> Iterator[str]:
    """An empty, migrated PostgreSQL database, to be copied."""
    name = f"template_{uuid.uuid4().hex}"
    _now(postgres_server.create_database(name))
    _now(_migrate(postgres_server.url(name)))
    yield name
    _now(postgres_server.drop_database(name))


class Lasting(Database):
    """A PostgreSQL database that one test after the other gets empty, and connected: both take their time."""

    def __init__(self, server: Postgres, template: str) -> None:
        self._server, self._template = server, template
        self._name = template.replace("template", "test")
        self._schema: str | None = None
        self.url = server.url(self._name)
        super().__init__(self.url, patience=PATIENCE)

    async def close(self) -> None:
        """The application ends; its connections serve the next one."""

    async def empty(self) -> None:
        """Empty the tables; a database whose schema some test has changed, or which it dropped, is made anew."""
        if self._schema is None or await self._emptied() != self._schema:
            await self.remove()
            await self._server.create_database_from_template(self._name, self._template)
            self._schema = None
            self._schema = await self._emptied()

    async def remove(self) -> None:
        await self.engine.dispose()
        await self._server.drop_database(self._name)

    async def _emptied(self) -> str | None:
        with suppress(DBAPIError, asyncpg.PostgresError, OSError):
            async with self.engine.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                schema = str(await driver.fetchval(_SCHEMA))
                if self._schema in {None, schema}:
                    await driver.execute(_EMPTY)
                return schema
        return None


@pytest.fixture(scope="session")
async def lasting_postgres(postgres_server: Postgres, migrated_postgres: str) -> AsyncIterator[Lasting]:
    """The PostgreSQL database of all tests of this worker."""
    database = Lasting(postgres_server, migrated_postgres)
    _ENGINES[database.url] = database
    yield database
    del _ENGINES[database.url]
    await database.remove()


@pytest.fixture
def emptied_sqlite(migrated_sqlite: Path) -> str:
    """A SQLite database of this test's own."""
    path = migrated_sqlite.with_name("test.db")
    for old in path.parent.glob("test.db*"):
        old.unlink()
    shutil.copy(migrated_sqlite, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def emptied_postgres(lasting_postgres: Lasting) -> str:
    """A PostgreSQL database that is as good as this test's own."""
    await lasting_postgres.empty()
    return lasting_postgres.url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of this test's own; every test that asks for one runs on both kinds."""
    url: str = request.getfixturevalue("emptied_sqlite" if request.param == "sqlite" else "emptied_postgres")
    return url


@pytest.fixture
def settings_for_test(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """The settings of this test: `@pytest.mark.settings(registration="open")` changes some."""
    values: dict[str, Any] = {
        "argon2": CHEAP_ARGON2,
        "hash_queue_seconds": PATIENCE,
        "refusal_seconds": 0,
        "send_verification_emails": False,
    }
    for mark in request.node.iter_markers("settings"):
        values.update(mark.kwargs)
    places = {"database_url": SecretStr(database_url), "data_dir": tmp_path / "graph_data"}
    return _settings(database_url.partition(":")[0], **values).model_copy(update=places)


@lru_cache
def _settings(scheme: str, **values: Any) -> Settings:
    """Settings but for their places: to look for them in the environment takes longer than many a test."""
    return Settings(_env_file=None, database_url=SecretStr(f"{scheme}:///nowhere"), data_dir=Path(), **values)


@pytest.fixture
async def running(settings_for_test: Settings) -> AsyncIterator[Application]:
    """The application, started; nobody is registered yet."""
    async with start(settings_for_test) as application:
        yield application


@pytest.fixture
def client(running: Application) -> httpx.AsyncClient:
    """Somebody who talks to the application."""
    return running.client


@pytest.fixture
def people(running: Application) -> People:
    """Factories for people in every state, by the application's own doors."""
    return running.people


@asynccontextmanager
async def start(settings: Settings, **parts: Any) -> AsyncIterator[Application]:
    """Start the application within this process; `parts` replace parts of its context."""
    clock, box = StillClock(), MailBox()
    database = _ENGINES.get(settings.database) or Database(settings.database, patience=PATIENCE)
    context = Context.build(settings, clock=clock, notifier=None, **{"database": database, **parts})
    _ENGINES[settings.database] = context.database
    context.notifier = None  # no courier in the background: `mails()` carries them, in the test's own time
    async with AsyncExitStack() as stack:
        app = stack.enter_context(_app(context))
        await stack.enter_async_context(app.router.lifespan_context(app))
        client = await stack.enter_async_context(_client(app, {}))
        yield Application(app, context, clock, client, box, People(client, context))


@contextmanager
def _app(context: Context) -> Iterator[FastAPI]:
    """Lend an application: its routes and its document are the same for every context, and slow to build."""
    idle = _IDLE.setdefault(context.settings.docs_shown, [])
    app = idle.pop() if idle else create_app(context)
    app.state.context = context
    app.middleware_stack = None
    routes, document = len(app.routes), app.openapi
    yield app
    if len(app.routes) == routes and app.openapi == document:  # a test that changed it keeps it
        idle.append(app)


def _client(app: FastAPI, headers: dict[str, str]) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers)


def _now(work: Coroutine[Any, Any, Any]) -> None:
    """Run something asynchronous from a fixture that is not, even while a test's event loop runs."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def _migrate(url: str) -> None:
    database = Database(url, patience=PATIENCE)
    await runner.upgrade(database)
    await database.close()
