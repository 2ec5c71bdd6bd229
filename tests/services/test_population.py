"""The benchmark's population: what is written past the service's doors is what they would have written."""

import asyncio
import unicodedata
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, text
from sqlmodel import select

from backend.identifiers import caseless
from backend.models import Role, Status, TallyKind, User, metadata
from backend.settings import Settings
from backend.stores.database import Database
from backend.stores.identifiers import IdentifierStore
from backend.stores.users import UserStore
from bench.filling import PASSWORD, fill
from bench.population import ADMIN, COMMON, RARE, RARELY, people
from tests.application import Application, start

CHEAP = (8, 1, 1)
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
TABLES = [metadata.tables[name] for name in ("tallies", "listings", "identifiers", "users")]
SCRIPTS = {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "DEVANAGARI", "THAI", "CJK", "HIRAGANA", "HANGUL"}


async def _rows(database: Database) -> dict[str, Counter[Any]]:
    """Everything that is there, but for the numbers that the database gives."""
    async with database.reading() as session:
        connection = await session.connection()
        return {
            table.name: Counter((await connection.execute(table.select().with_only_columns(*_given(table)))).all())
            for table in TABLES
        }


def _given(table: Table) -> list[Any]:
    return [column for column in table.columns if column.name != "number"]


async def test_what_is_written_is_what_the_stores_write(database_url: str) -> None:
    await asyncio.to_thread(fill, database_url, 400, cost=CHEAP, now=NOW)
    database = Database(database_url)
    written = await _rows(database)
    async with database.writing() as session:
        connection = await session.connection()
        found = (await session.exec(select(User.hashed_password))).first()
        for table in TABLES:
            await connection.execute(table.delete())
    async with database.writing() as session:
        store, identifiers = UserStore(session), IdentifierStore(session)
        for account in people(400, now=NOW, hashed_password=str(found)):
            user = await store.create(dict(account.columns))
            await identifiers.claim_email(user.email, user.id)
            await identifiers.claim_username(user.username, user.id)
        for user in (await session.exec(select(User).where(User.status != Status.DELETED))).all():
            if user.last_login:
                store.tallies.seen(None, user.last_login)
    stored = await _rows(database)
    await database.close()

    days = (TallyKind.HAPPENED, TallyKind.WAITED, TallyKind.ACTIVE)  # which no row tells of
    written["tallies"] = Counter({row: count for row, count in written["tallies"].items() if row[0] not in days})
    for name, rows in written.items():
        assert rows == stored[name], name


async def test_the_search_index_holds_what_was_written(database_url: str) -> None:
    await asyncio.to_thread(fill, database_url, 400, cost=CHEAP, now=NOW)
    database = Database(database_url)
    async with database.writing() as session:
        connection = await session.connection()
        if database.embedded:
            check = "INSERT INTO listings_search(listings_search, rank) VALUES ('integrity-check', 1)"
        else:
            check = "SELECT 'ix_listings_text'::regclass"
        await connection.execute(text(check))
    await database.close()


async def test_its_people_can_be_found_and_can_sign_in(settings_for_test: Settings) -> None:
    await asyncio.to_thread(fill, settings_for_test.database, 400, cost=CHEAP)
    async with start(settings_for_test) as running:
        login = {"username_or_email": ADMIN, "password": PASSWORD}
        token = (await running.client.post("/api/auth/login", json=login)).json()["access_token"]
        running.client.headers["Authorization"] = f"Bearer {token}"
        numbers = (await running.client.get("/api/v1/users/stats")).json()
        assert await _total(running, RARE) == RARELY
        assert await _total(running, "example") == numbers["total_users"]


async def _total(running: Application, query: str) -> int:
    page = (await running.client.get("/api/v1/users", params={"query": query})).json()
    return int(page["total_count"])


def test_the_same_seed_makes_the_same_people() -> None:
    first, again, others = (list(people(50, now=NOW, hashed_password="x", seed=seed)) for seed in (1, 1, 2))
    assert first == again != others


def test_a_population_is_as_mixed_as_it_is_said_to_be() -> None:
    everybody = [account.columns for account in people(5000, now=NOW, hashed_password="x")]
    names = [caseless(columns["full_name"]) for columns in everybody]
    statuses = Counter(columns["status"] for columns in everybody)
    scripts = {unicodedata.name(character, "").partition(" ")[0] for name in names for character in name}
    assert sum(RARE.lower() in name for name in names) == RARELY
    assert 0.005 < sum(COMMON in name for name in names) / len(names) < 0.02
    assert scripts >= SCRIPTS
    assert statuses.most_common(1)[0][0] is Status.ACTIVE
    assert set(statuses) == set(Status) - {Status.ANONYMIZED}
    assert [columns["username"] for columns in everybody if columns["role"] is Role.ADMIN] == [ADMIN]
    assert len({columns["username"].casefold() for columns in everybody}) == len(everybody)
    assert [columns["id"] for columns in everybody] == sorted(columns["id"] for columns in everybody)
