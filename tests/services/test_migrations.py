"""The schema: what the migrations make is what the models say, on both databases, and back again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import JSON, Boolean, Column, Connection, Date, Engine, Enum, Integer, Uuid, event, inspect, text
from sqlmodel import select

from backend import models
from backend.errors import StartError
from backend.migrations import runner
from backend.models import (
    Carrier,
    IdentifierKind,
    MailPurpose,
    MailState,
    MembershipRole,
    Role,
    SessionEnd,
    Status,
    TallyKind,
    TokenPurpose,
)
from backend.models.types import UTCDateTime
from backend.stores.database import Database

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def _rows(user: models.User, organization: models.Organization) -> Iterator[tuple[Any, str, StrEnum]]:
    """One row for every member of every enumeration that is stored, and which column holds it."""
    yield from _people()
    for tally in TallyKind:
        yield models.Tally(kind=tally, key="x", count=1), "kind", tally
    common: dict[str, Any] = {"user_id": user.id, "created_at": NOW}
    for kind in IdentifierKind:
        yield models.Identifier(kind=kind, key=uuid4().hex, user_id=user.id), "kind", kind
    for purpose in MailPurpose:
        yield models.Mail(purpose=purpose, due_at=NOW, **common), "purpose", purpose
    for state in MailState:
        yield models.Mail(purpose=MailPurpose.NEW_DEVICE, state=state, due_at=NOW, **common), "state", state
    for token in TokenPurpose:
        values = {**common, "digest": uuid4().hex, "email_key": "x", "expires_at": NOW}
        yield models.OneTimeToken(purpose=token, **values), "purpose", token
    for place in MembershipRole:
        times: dict[str, Any] = {"created_at": NOW, "expires_at": NOW}
        yield models.Invitation(organization_id=organization.id, role=place, **times), "role", place
    session: dict[str, Any] = {**common, "last_activity": NOW, "expires_at": NOW}
    for carrier in Carrier:
        yield models.UserSession(carrier=carrier, **session), "carrier", carrier
    for end in SessionEnd:
        yield models.UserSession(carrier=Carrier.BEARER, ended_because=end, **session), "ended_because", end


def _people() -> Iterator[tuple[models.User, str, StrEnum]]:
    for role in Role:
        yield models.User(**_user(), role=role), "role", role
    for status in Status:
        user = models.User(**_user(), status=status, status_before_deletion=status)
        yield user, "status_before_deletion", status


def _user() -> dict[str, Any]:
    return {"email": "x", "username": "x", "hashed_password": "!", "created_at": NOW, "updated_at": NOW, "seen_at": NOW}


def _fill(connection: Connection) -> None:
    """Leave one row in every table that has none, whatever its columns are."""
    made: dict[Column[Any], Any] = {}
    for table in models.metadata.sorted_tables:
        row = {column: _some(column, made) for column in table.columns}
        if not connection.execute(table.select()).first():
            connection.execute(table.insert().values({column.name: value for column, value in row.items()}))
        made |= row


def _some(column: "Column[Any]", made: "dict[Column[Any], Any]") -> Any:
    for key in column.foreign_keys:
        return made.get(key.column)
    if isinstance(column.type, Enum):
        return column.type.enums[0]
    some = {UTCDateTime: NOW, Uuid: uuid4(), Date: NOW.date(), Integer: 1, Boolean: True, JSON: {}}
    return next((value for kind, value in some.items() if isinstance(column.type, kind)), "x")


async def _everything(database: Database) -> dict[str, list[Any]]:
    async with database.reading() as session:
        connection = await session.connection()
        return {
            table.name: list((await connection.execute(table.select())).all())
            for table in models.metadata.sorted_tables
        }


class PowerCut(Exception):
    """The process is gone."""


@contextmanager
def _without_power_at(step: str) -> Iterator[None]:
    """Let the process be gone before a statement."""

    def cut(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith(step):
            raise PowerCut

    event.listen(Engine, "before_cursor_execute", cut)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", cut)


@pytest.fixture
async def database(database_url: str) -> Any:
    """A migrated database of this test's own."""
    database = Database(database_url)
    yield database
    await database.close()


async def test_models_and_migrations_tell_the_same(database: Database) -> None:
    assert await runner.drift(database) == []
    assert await runner.current(database) == runner.head()


async def test_every_word_can_be_stored_and_read_again(database: Database) -> None:
    async with database.writing() as session:
        user = models.User(**_user())
        session.add(user)
        organization = models.Organization(name="x", created_at=NOW, updated_at=NOW)
        session.add(organization)
        await session.flush()
        rows = list(_rows(user, organization))
        session.add_all([row for row, _, _ in rows])
    for row, column, word in rows:
        async with database.reading() as session:
            key = inspect(row).identity
            found = await session.get(type(row), key[0] if len(key) == 1 else key)
            assert getattr(found, column) is word

    stored = {type(word) for _, _, word in rows}
    known = {one for one in vars(models).values() if isinstance(one, type) and issubclass(one, StrEnum)}
    assert stored == known


async def test_moments_keep_their_zone_and_their_microseconds(database: Database) -> None:
    moment = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
    async with database.writing() as session:
        session.add(models.User(**{**_user(), "created_at": moment}))
    async with database.reading() as session:
        found = (await session.exec(select(models.User))).one().created_at

    assert (found, found.tzinfo) == (moment, UTC)


async def test_the_way_down_and_up_again_ends_where_it_began(database: Database) -> None:
    def down(connection: Connection) -> set[str]:
        config = runner._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        return set(inspect(connection).get_table_names())

    async with database.for_schema_changes() as connection:
        left = await connection.run_sync(down)
    await runner.upgrade(database)
    await runner.upgrade(database)

    assert left <= {"alembic_version"}
    assert await runner.drift(database) == []


async def test_a_database_of_the_version_before_keeps_all_it_holds_also_when_the_way_up_breaks_off(
    database: Database,
) -> None:
    def down(connection: Connection) -> None:
        config = runner._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")

    async with database.writing() as session:
        await (await session.connection()).run_sync(_fill)
    async with database.for_schema_changes() as connection:
        await connection.run_sync(down)
    before, held = await runner.current(database), await _everything(database)
    with _without_power_at("UPDATE alembic_version"), pytest.raises(PowerCut):
        await runner.upgrade(database)
    broken_off = await runner.current(database), await _everything(database)
    await runner.upgrade(database)

    assert [name for name, rows in held.items() if not rows] == []
    assert broken_off == (before, held)
    assert await _everything(database) == held
    assert (await runner.current(database), await runner.drift(database)) == (runner.head(), [])


async def test_a_database_from_the_future_is_left_alone_and_named(database: Database) -> None:
    async with database.writing() as session:
        await (await session.connection()).execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StartError, match="another version"):
        await runner.upgrade(database)
    assert await runner.current(database) == "9999"


async def test_rows_of_somebody_who_is_removed_go_with_them(database: Database) -> None:
    async with database.writing() as session:
        user = models.User(**_user())
        organization = models.Organization(name="x", created_at=NOW, updated_at=NOW)
        session.add_all([user, organization])
        await session.flush()
        rows = [row for row, _, _ in _rows(user, organization) if not isinstance(row, models.User | models.Tally)]
        session.add_all([*rows, models.Membership(user_id=user.id, organization_id=organization.id, created_at=NOW)])
        await session.flush()
        await session.delete(user)
    async with database.reading() as session:
        for table in (models.Identifier, models.Mail, models.OneTimeToken, models.UserSession, models.Membership):
            assert (await session.exec(select(table))).all() == []
