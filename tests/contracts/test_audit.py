"""`/api/v1/audit`: who did what to whom, found by filters, a page at a time and as a file."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest

from backend.models.types import new_id
from backend.services import COMMAND_LINE, Origin, audit_export, unit_of_work
from backend.services.audit import Action
from backend.services.audit_trail import GROUPS, Group, Search
from backend.services.records import Format
from backend.stores.audit_walks import REACH
from tests.application import Application
from tests.contracts.answers import TIME, code, credentials
from tests.factories import People, Person

AUDIT: Final = "/api/v1/audit"
EXPORT: Final = f"{AUDIT}/export"

pytestmark = pytest.mark.settings(rate_limits=False)


async def _page(admin: Person, **wanted: Any) -> dict[str, Any]:
    answer = await admin.get(AUDIT, params={"items_per_page": 100, **wanted})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def _found(admin: Person, **wanted: Any) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = (await _page(admin, **wanted))["data"]
    return records


def _acts(records: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(record["action"]) for record in records]


async def _refused(client: httpx.AsyncClient, name: str) -> None:
    await client.post("/api/auth/login", json=credentials(name, "wrong"))


async def _recorded(running: Application, count: int, **values: Any) -> None:
    """That many records of a sort, the last of them now."""
    now = running.clock.now()
    same = dict.fromkeys(("actor_id", "target_id", "reason", "ip_address", "user_agent", "request_id"))
    async with unit_of_work(running.context) as services:
        for part in range(0, count, 5000):
            rows = [
                {**same, "id": new_id(), "at": now - timedelta(seconds=count - number), "details": {}, **values}
                for number in range(part, min(count, part + 5000))
            ]
            await services.audit.store.add_all(rows)


async def test_a_record_tells_who_did_what_to_whom_when_from_where_and_why(people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    headers = {**admin.bearer, "User-Agent": "curl/8.14.1", "X-Request-ID": "request-7"}
    decision = {"approved": False, "reason": "Unknown to us"}
    await admin.client.post(f"/api/auth/admin/users/{person.id}/approve", json=decision, headers=headers)
    record, *_ = await _found(admin)
    assert str(UUID(record["id"])) == record.pop("id")
    assert TIME.fullmatch(record.pop("at"))
    assert record == {
        "action": "admin_user_rejected",
        "by": "person",
        "actor_id": str(admin.id),
        "actor": admin.username,
        "target_id": str(person.id),
        "target": person.username,
        "reason": "Unknown to us",
        "ip_address": "127.0.0.1",
        "device": "curl",
        "details": record["details"],
        "request_id": "request-7",
    }


async def test_where_nobody_was_signed_in_it_tells_who_acted_all_the_same(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await _refused(running.client, person.username)
    async with unit_of_work(running.context, COMMAND_LINE) as services:
        await services.closing.suspend(None, person.id)
    async with unit_of_work(running.context) as services:
        await services.audit.record(Action.ACCOUNT_EXPIRED, target=person.id)
    records = await _found(admin, target=person.username)
    assert [(one["action"], one["by"], one["actor"]) for one in records[:2]] == [
        ("account_expired", "service", None),
        ("admin_user_suspended", "command_line", None),
    ]
    (refused,) = await _found(admin, target=person.username, action="signin_failed")
    assert (refused["by"], refused["ip_address"], refused["reason"]) == (
        "nobody",
        "127.0.0.1",
        "AUTH_INVALID_CREDENTIALS",
    )


async def test_the_audit_is_read_page_by_page_without_a_gap(running: Application, people: People) -> None:
    admin = await people.admin()
    await _recorded(running, 25, action="tier_created", at=running.clock.now())
    running.clock.move(seconds=9)
    await _recorded(running, 3, action="tier_deleted")
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await _page(admin, items_per_page=7, cursor=cursor)
        seen += page["data"]
        assert page["has_more"] is (page["next_cursor"] is not None)
        assert (page["items_per_page"], page["searched_to"]) == (7, None)
        cursor = page["next_cursor"]
    everything = sorted(await people.audit(), key=lambda event: (event.at, event.id), reverse=True)
    assert [one["id"] for one in seen] == [str(event.id) for event in everything]
    assert _acts(seen)[:28] == ["tier_deleted"] * 3 + ["tier_created"] * 25


async def test_records_are_found_by_actor_and_target_however_they_are_named(
    running: Application, people: People
) -> None:
    admin, ana, ben = await people.admin(), await people.active(), await people.active()
    await ana.patch("/api/v1/users/me", {"full_name": "Ana"})
    await admin.patch(f"/api/v1/users/{ben.id}", {"institution": "Tides"})
    for name in (ana.username.upper(), ana.email, str(ana.id), ana.id.hex):
        assert "profile_updated" in _acts(await _found(admin, actor=name))
    assert _acts(await _found(admin, actor=admin.email, target=ben.username)) == ["admin_user_update"]
    assert {one["target"] for one in await _found(admin, target=ben.email)} == {ben.username}


async def test_records_of_accounts_that_are_gone_are_found(running: Application, people: People) -> None:
    admin, deleted, erased = await people.admin(), await people.deleted(), await people.active()
    async with unit_of_work(running.context) as services:
        await services.erasure.anonymize(None, erased.id)
    for name in (deleted.username, deleted.email, deleted.id):
        assert _acts(await _found(admin, target=name))[0] == "admin_user_deletion"
    newest, *older = await _found(admin, target=erased.id)
    assert (newest["action"], newest["target"].startswith("del_")) == ("anonymized", True)
    assert {one["ip_address"] for one in older} == {None}
    assert erased.username not in json.dumps(older)
    nobody = uuid4()
    await _recorded(running, 1, action="anonymized", target_id=nobody)
    assert [(one["target_id"], one["target"]) for one in await _found(admin, target=nobody)] == [(str(nobody), None)]


async def test_a_name_that_nobody_has_is_not_found(people: People) -> None:
    admin = await people.admin()
    for field in ("actor", "target"):
        assert code(await admin.get(AUDIT, params={field: "nobody"})) == (404, "USER_NOT_FOUND")
        assert code(await admin.get(EXPORT, params={field: "nobody@example.org"})) == (404, "USER_NOT_FOUND")
        assert await _found(admin, **{field: uuid4()}) == []


async def test_records_are_found_by_action_and_by_groups_of_them(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await _refused(running.client, person.username)
    await person.get("/api/v1/users")
    assert set(_acts(await _found(admin, action="signin_failed"))) == {"signin_failed"}
    assert _acts(await _found(admin, action="refusals")) == ["refused", "signin_failed"]
    assert _acts(await _found(admin, action="sign_ins")) == ["signin_failed", "signin_succeeded", "signin_succeeded"]
    assert await _found(admin, action="tiers") == []


def test_every_action_is_in_a_group_and_no_group_is_called_like_one() -> None:
    assert {action for actions in GROUPS.values() for action in actions} == set(Action)
    assert GROUPS.keys() == set(Group)
    assert not {*Group} & {*Action}


async def test_records_are_found_by_network_address_in_any_spelling(running: Application, people: People) -> None:
    admin = await people.admin()
    await _recorded(running, 2, action="signin_failed", ip_address="2001:db8::7")
    await _recorded(running, 1, action="refused", ip_address="203.0.113.7")
    assert len(await _found(admin, ip_address="2001:DB8:0::0007")) == 2
    assert _acts(await _found(admin, ip_address="::ffff:203.0.113.7")) == ["refused"]
    assert await _found(admin, ip_address="203.0.113.8") == []
    assert await _found(admin, ip_address="2001:db8::7", action="refused") == []


async def test_days_are_those_of_utc_and_both_are_included(running: Application, people: People) -> None:
    admin = await people.admin()
    for hours, action in ((0, "tier_created"), (24, "tier_updated"), (48, "tier_deleted")):
        midnight = running.clock.now().replace(hour=0, minute=0, second=0)
        await _recorded(running, 1, action=action, at=midnight + timedelta(days=10, hours=hours))
    day = running.clock.now().date() + timedelta(days=10)
    one, two = str(day), str(day + timedelta(days=1))
    assert _acts(await _found(admin, **{"from": one, "until": two})) == ["tier_updated", "tier_created"]
    assert _acts(await _found(admin, **{"from": two, "until": two})) == ["tier_updated"]
    assert _acts(await _found(admin, **{"from": two, "action": "tiers"})) == ["tier_deleted", "tier_updated"]
    assert _acts(await _found(admin, until=one, action="tiers")) == ["tier_created"]
    assert await _found(admin, **{"from": two, "until": one}) == []
    ends = {"from": str(date.min), "until": str(date.max)}
    assert len(await _found(admin, **ends, action="tiers")) == 3


async def test_a_filter_that_makes_no_sense_is_refused(people: People) -> None:
    admin = await people.admin()
    wrong = ("action=lost", "ip_address=here", "from=yesterday", "until=2026-13-01", "since=2026-01-01", "a=1")
    for query in (*wrong, "actor=%00", f"target={'x' * 321}", "items_per_page=101", "items_per_page=0"):
        assert code(await admin.get(f"{AUDIT}?{query}")) == (422, "VALIDATION_ERROR"), query
    for query in (*wrong, "format=xml", "cursor=x"):
        assert code(await admin.get(f"{EXPORT}?{query}")) == (422, "VALIDATION_ERROR"), query
    for cursor in ("x", "é", "a" * 400):
        assert code(await admin.get(AUDIT, params={"cursor": cursor})) == (400, "INVALID_CURSOR")
    assert (
        len(await _found(admin, **dict.fromkeys(("action", "actor", "target", "ip_address", "from", "until"), ""))) > 0
    )


async def test_a_page_looks_at_a_bounded_number_of_records_and_says_how_far_it_came(
    running: Application, people: People
) -> None:
    admin, ana = await people.admin(), await people.active()
    there = {"actor_id": ana.id, "ip_address": "203.0.113.7"}
    await _recorded(running, 1, action="tier_created", **there, at=running.clock.now() - timedelta(days=1))
    await _recorded(running, REACH + 500, action="refused", **there)
    rare = await _page(admin, action="tier_created", actor=ana.username)  # its own index knows all of them
    both = {"ip_address": "203.0.113.7", "actor": ana.username}
    await _recorded(running, REACH + 500, action="tier_created")
    first = await _page(admin, action="tier_created", **both)
    second = await _page(admin, action="tier_created", **both, cursor=first["next_cursor"])
    assert (_acts(rare["data"]), rare["has_more"], rare["searched_to"]) == (["tier_created"], False, None)
    assert (first["data"], first["has_more"]) == ([], True)
    assert TIME.fullmatch(first["searched_to"])
    assert (_acts(second["data"]), second["has_more"], second["searched_to"]) == (["tier_created"], False, None)


async def test_the_filtered_audit_is_a_file_and_the_export_is_on_record(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await _refused(running.client, person.username)
    wanted = {"action": "sign_ins", "target": person.username, "until": str(running.clock.now().date())}
    shown = await _found(admin, **wanted)
    answer = await admin.get(EXPORT, params=wanted)
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    lines = await admin.get(EXPORT, params={**wanted, "format": "jsonl"})
    with_mark = await admin.get(EXPORT, params={"bom": True, "action": "exports"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    day = f"{running.clock.now():%Y-%m-%d}"
    assert answer.headers["content-disposition"] == f'attachment; filename="audit-{day}.csv"'
    assert tuple(rows[0]) == audit_export.COLUMNS
    assert [row["id"] for row in rows] == [one["id"] for one in shown]
    assert [json.loads(line) for line in lines.text.splitlines()] == shown
    assert with_mark.text.startswith("\ufeffat,")
    last, middle, first = await _found(admin, action="exports")
    asked = {"action": "sign_ins", "target_id": str(person.id), "until": wanted["until"]}
    assert (first["actor_id"], first["details"]) == (str(admin.id), {"format": "csv", "filters": asked})
    assert (middle["details"]["format"], last["details"]) == (
        "jsonl",
        {"format": "csv", "filters": {"action": "exports"}},
    )
    assert last["id"] in with_mark.text  # it is written before the first line leaves


async def test_an_export_keeps_no_address_and_holds_no_formula(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    decision = {"approved": False, "reason": "=1+1;@x"}
    await admin.post(f"/api/auth/admin/users/{person.id}/approve", decision)
    text = (await admin.get(EXPORT, params={"target": person.id, "ip_address": "127.0.0.1"})).text
    (row,) = [row for row in csv.DictReader(io.StringIO(text, newline="")) if row["action"] == "admin_user_rejected"]
    (record,) = await people.audit(Action.AUDIT_EXPORTED)
    assert row["reason"] == "'=1+1;'@x"
    assert record.details == {"format": "csv", "filters": {"target_id": str(person.id), "ip_address": True}}


async def test_an_export_ends_where_it_has_as_many_records_as_it_may(running: Application, people: People) -> None:
    admin, search = await people.admin(), Search(Action.TIER_CREATED)
    await _recorded(running, 1_600, action="tier_created")
    for most, lines in ((1_500, 1_500), (2_000, 1_600)):
        pages = await audit_export.begin(running.context, Origin(), Format.JSONL, search, admin=admin.id, most=most)
        written = "".join([page async for page in pages]).splitlines()
        assert len({json.loads(line)["id"] for line in written}) == len(written) == lines
    assert audit_export.MOST == 100_000


async def test_only_administrators_read_the_audit(people: People) -> None:
    approver, user = await people.approver(), await people.active()
    for person in (approver, user):
        for path in (AUDIT, EXPORT):
            assert code(await person.get(path)) == (403, "ADMIN_REQUIRED")


async def test_what_commands_did_to_somebody_stays_so_when_they_are_erased(
    running: Application, people: People
) -> None:
    admin, person = await people.admin(), await people.active()
    async with unit_of_work(running.context, COMMAND_LINE) as services:
        await services.closing.suspend(None, person.id)
    await _refused(running.client, person.username)
    posing = {"user_agent": COMMAND_LINE.user_agent, "request_id": "by-a-socket"}
    await _recorded(running, 1, action="refused", target_id=person.id, **posing)
    (before,) = await _found(admin, target=person.id, action="refused")
    async with unit_of_work(running.context) as services:
        await services.erasure.anonymize(None, person.id)
    by = {one["action"]: (one["by"], one["ip_address"], one["device"]) for one in await _found(admin, target=person.id)}
    assert by["admin_user_suspended"] == ("command_line", None, None)
    assert by["signin_failed"] == by["refused"] == ("nobody", None, None)
    assert (before["by"], before["device"]) == ("nobody", "command line")
