"""The audit costs the same to read however much there is of it: work is counted, for every kind of filter."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import delete, event
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import AuditEvent
from backend.models.types import new_id
from backend.stores.audit import AuditPage, AuditStore
from backend.stores.audit_walks import WantedRecords
from backend.stores.database import Database

NOW: Final = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FEW, MANY, LIMIT, REACH = 600, 6000, 10, 60
ANA, BEN = UUID(int=1), UUID(int=2)
HERE, THERE = "203.0.113.7", "2001:db8::7"
FAILED, REFUSED, SPARSE, RARE = "signin_failed", "refused", "tier_changed", "role_changed"
CASES: Final = {
    "everything": WantedRecords(),
    "a time": WantedRecords(since=NOW - timedelta(seconds=300), before=NOW - timedelta(seconds=200)),
    "an action": WantedRecords(frozenset({FAILED})),
    "an action of long ago": WantedRecords(frozenset({RARE})),
    "a group": WantedRecords(frozenset({FAILED, REFUSED, RARE})),
    "an actor": WantedRecords(actor_id=ANA),
    "an actor, lately": WantedRecords(actor_id=BEN, since=NOW - timedelta(seconds=5)),
    "a target": WantedRecords(target_id=ANA, before=NOW - timedelta(seconds=50)),
    "an address": WantedRecords(ip_address=HERE),
    "an address of nobody": WantedRecords(ip_address="192.0.2.1"),
    "two that meet often": WantedRecords(frozenset({FAILED}), actor_id=ANA),
    "two that never meet": WantedRecords(actor_id=ANA, ip_address=THERE),
    "a group and one it never meets": WantedRecords(frozenset({FAILED, RARE}), target_id=BEN, ip_address=THERE),
    "a rare one and a frequent one": WantedRecords(frozenset({RARE}), actor_id=ANA),
    "a sparse group and a frequent one": WantedRecords(frozenset({RARE, SPARSE}), actor_id=BEN),
    "all of them": WantedRecords(frozenset({FAILED, REFUSED}), ANA, BEN, HERE, NOW - timedelta(days=1), NOW),
}
_UNHURRIED: Final = "; ".join(f"SET LOCAL enable_{way} = off" for way in ("seqscan", "bitmapscan", "sort"))
"""As PostgreSQL decides where there is far more of everything."""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database of this test's own."""
    database = Database(database_url)
    yield database
    await database.close()


async def _fill(database: Database, count: int) -> None:
    """Records a second apart, up to now: actors and addresses take turns, the rare action is at the beginning."""
    same: dict[str, Any] = {"reason": None, "details": {}, "user_agent": None, "request_id": None}
    rows = [
        {
            **same,
            "id": new_id(),
            "at": NOW - timedelta(seconds=count - number),
            "action": RARE if number < 3 else SPARSE if number % 10 == 5 else FAILED if number % 3 else REFUSED,
            "actor_id": ANA if number % 2 else BEN,
            "target_id": BEN if number % 2 else ANA,
            "ip_address": HERE if number % 2 else THERE,
        }
        for number in range(count)
    ]
    async with database.writing() as session:
        await session.exec(delete(AuditEvent))
        await AuditStore(session).add_all(rows)


async def _work(database: Database, wanted: WantedRecords) -> int:
    """How many steps SQLite takes for a page, or how many rows PostgreSQL looks at."""
    async with database.reading() as session:
        return await (_steps if database.embedded else _touched)(database, session, wanted)


async def _steps(database: Database, session: AsyncSession, wanted: WantedRecords) -> int:
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    await driver.set_progress_handler(step, 1)
    try:
        await _page(session, wanted)
    finally:
        await driver.set_progress_handler(None, 1)
    return steps


async def _touched(database: Database, session: AsyncSession, wanted: WantedRecords) -> int:
    asked: list[tuple[str, Any]] = []
    engine = database.engine.sync_engine

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        await _page(session, wanted)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    await driver.execute(_UNHURRIED)
    touched = 0
    for statement, parameters in asked:
        if statement.startswith("SELECT"):
            found = await driver.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters)
            touched += _rows_of(found[0]["Plan"])
    return touched


def _rows_of(plan: dict[str, Any]) -> int:
    own = 0
    if plan.get("Relation Name") == "audit_events":
        seen = plan["Actual Rows"] + sum(count for name, count in plan.items() if name.startswith("Rows Removed"))
        own = int(seen * plan["Actual Loops"])
    return own + sum(map(_rows_of, plan.get("Plans", [])))


async def _page(session: AsyncSession, wanted: WantedRecords, cursor: str | None = None) -> AuditPage:
    return await AuditStore(session).page(wanted, cursor, LIMIT, reach=REACH)


async def test_a_page_costs_the_same_however_many_records_there_are(database: Database) -> None:
    await _fill(database, FEW)
    few = {name: await _work(database, wanted) for name, wanted in CASES.items()}
    await _fill(database, MANY)
    many = {name: await _work(database, wanted) for name, wanted in CASES.items()}
    assert {name: (few[name], many[name]) for name in CASES if many[name] > 1.5 * few[name] + 5} == {}


async def test_every_record_that_is_wanted_is_found_once_and_in_order(database: Database) -> None:
    await _fill(database, FEW)
    async with database.reading() as session:
        everything = await AuditStore(session).page(WantedRecords(), None, FEW)
    for name, wanted in CASES.items():
        found: list[UUID] = []
        cursor: str | None = ""
        pages = 0
        while cursor is not None:
            async with database.reading() as session:
                page = await _page(session, wanted, cursor)
            assert (page.searched_to is None) or (len(page.rows) < LIMIT and page.next_cursor), name
            found, cursor, pages = [*found, *(one.id for one in page.rows)], page.next_cursor, pages + 1
        assert found == [one.id for one in everything.rows if _fits(wanted, one)], name
        assert pages <= 2 + FEW / LIMIT


def _fits(wanted: WantedRecords, record: Any) -> bool:
    return all(
        (
            not wanted.actions or record.action in wanted.actions,
            not wanted.actor_id or record.actor_id == wanted.actor_id,
            not wanted.target_id or record.target_id == wanted.target_id,
            not wanted.ip_address or record.ip_address == wanted.ip_address,
            not wanted.since or record.at >= wanted.since,
            not wanted.before or record.at < wanted.before,
        )
    )
