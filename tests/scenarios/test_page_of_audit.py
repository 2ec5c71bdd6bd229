"""The page of the audit, in a browser without script: what happened, found by filters, and a person's history."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import delete

from backend.models import AuditEvent
from backend.models.types import new_id
from backend.routes.pages.audit import rows
from backend.routes.pages.history import SENTENCES
from backend.services import COMMAND_LINE, unit_of_work
from backend.services.audit import Action
from backend.services.audit_trail import Group
from backend.stores.audit_walks import REACH
from tests.application import Application
from tests.contracts.answers import credentials
from tests.factories import People, Person
from tests.scenarios.desk import Desk, at_the_desk, text_of

pytestmark = pytest.mark.settings(rate_limits=False)


@pytest.fixture
async def admin(people: People) -> Person:
    return await people.admin()


@pytest.fixture
async def desk(running: Application, admin: Person) -> Desk:
    """An administrator at the page."""
    return await at_the_desk(running, admin)


async def _tries(client: httpx.AsyncClient, person: Person, times: int, agent: str = "curl/8.1") -> None:
    for _ in range(times):
        await client.post("/api/auth/login", json=credentials(person.username, "wrong"), headers={"User-Agent": agent})


async def _recorded(running: Application, count: int, **values: Any) -> None:
    now, same = running.clock.now(), dict.fromkeys(("reason", "user_agent", "request_id", "ip_address", "target_id"))
    some = [
        {**same, "id": new_id(), "at": now - timedelta(seconds=number), "details": {"number": number}, **values}
        for number in range(count)
    ]
    async with unit_of_work(running.context) as services:
        await services.audit.store.add_all(some)


async def test_each_row_tells_who_did_what_to_whom_from_where_and_when(
    running: Application, people: People, admin: Person, desk: Desk
) -> None:
    person = await people.pending()
    await desk.press(f"/approvals/{person.id}/reject", reason="Unknown to us")
    page = await desk.get("/audit")
    assert f"Rejected Unknown to us Details of “Rejected”, {running.clock.now().day}" in text_of(page)
    assert re.search(rf"{admin.username} {person.username} 127.0.0.1, python-httpx .* UTC", text_of(page))
    assert f'href="/users/{admin.id}"' in page.text
    assert f'href="/users/{person.id}"' in page.text
    assert f'<time datetime="{running.clock.now().isoformat()}"' in page.text
    assert "admin_user_rejected" in text_of(page)
    assert '<a href="/audit" aria-current="page">Audit</a>' in page.text


async def test_who_was_no_account_is_told_in_words(running: Application, people: People, desk: Desk) -> None:
    person = await people.active()
    await _tries(running.client, person, 1)
    async with unit_of_work(running.context, COMMAND_LINE) as services:
        await services.closing.suspend(None, person.id)
    async with unit_of_work(running.context) as services:
        await services.audit.record(Action.ACCOUNT_EXPIRED, target=person.id)
    text = await desk.read("/audit", target=person.username)
    for by in ("Vestibule itself", "Command line", "Not signed in"):
        assert f"{by} {person.username}" in text
    assert "Sign-in failed wrong password" in text


async def test_what_a_request_finds_over_was_ended_by_vestibule_itself(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(minutes=21)
    left = await person.get("/api/auth/whoami")
    desk = await at_the_desk(running, await people.admin())
    assert left.json()["error_code"] == "SESSION_INACTIVE"
    assert f"Vestibule itself {person.username}" in await desk.read("/audit", target=person.username)
    assert "Not signed in" not in await desk.read("/audit", target=person.username, action="session_ended")


async def test_a_sign_in_and_its_session_are_one_row(running: Application, people: People, desk: Desk) -> None:
    person = await people.active()
    text = await desk.read("/audit", actor=person.username)
    assert (text.count("Signed in Details"), text.count("Session started Details")) == (1, 0)
    assert "carrier bearer" in text
    assert "Session started Details" in await desk.read("/audit", actor=person.username, action="sessions")


async def test_records_that_tell_the_same_are_one_row_with_each_time(
    running: Application, people: People, desk: Desk
) -> None:
    person = await people.active()
    await _tries(running.client, person, 4)
    running.clock.move(minutes=1)
    await _tries(running.client, person, 3)
    await _tries(running.client, person, 2, "wget/1.2")
    page = await desk.get("/audit", action="signin_failed")
    text = text_of(page)
    assert (text.count("Sign-in failed wrong password"), text.count("7 times"), text.count("2 times")) == (2, 1, 1)
    assert len(set(re.findall(r"request ([0-9a-f]{32})", text))) == 9
    history = await desk.read(f"/users/{person.id}")
    assert re.search(r"Sign-in failed 2 times wrong password .* from 127.0.0.1, wget Sign-in failed 7 times", history)
    assert re.search(r"7 times wrong password between 1 minute ago and just now from 127.0.0.1, curl", history)


async def test_filters_are_kept_in_the_address_the_form_the_pages_and_the_export(
    running: Application, people: People, admin: Person, desk: Desk
) -> None:
    await _recorded(running, 60, action="tier_created", actor_id=admin.id)
    asked = {"action": "tiers", "actor": admin.username, "from": "2020-01-02", "until": "2999-01-01"}
    first = await desk.get("/audit", **asked, target="", ip_address="")
    query = f"action=tiers&amp;actor={admin.username}&amp;from=2020-01-02&amp;until=2999-01-01"
    following = re.search(r'rel="next"\s+href="([^"]+)">Older records', first.text)
    assert following
    assert query in following[1]
    assert '<option value="tiers" selected>' in first.text
    assert re.search(r'id="f-from"[^>]*name="from"|value="2020-01-02"', first.text)
    assert f'href="/api/v1/audit/export?format=csv&amp;bom=true&amp;{query}"' in first.text
    second = await desk.get(following[1].replace("&amp;", "&"))
    assert (text_of(first).count("Tier created Details"), text_of(second).count("Tier created Details")) == (50, 10)
    assert f'href="/audit?{query}">Back to newest' in second.text
    assert (await desk.get("/api/v1/audit/export", **asked)).text.count("tier_created") == 60


async def test_a_filter_that_makes_no_sense_says_so_beside_its_field_and_shows_nothing(desk: Desk) -> None:
    sentences = {
        "action": ("lost", "Choose an action from the list."),
        "actor": ("nobody-here", "No account has this username, email address or ID."),
        "target": ("no@example.org", "No account has this username, email address or ID."),
        "ip_address": ("here", "Enter a network address"),
        "from": ("yesterday", "Enter the day as year-month-day"),
        "until": ("2026-02-30", "Enter the day as year-month-day"),
    }
    for field, (value, sentence) in sentences.items():
        page = await desk.get("/audit", **{field: value})
        assert page.status_code == 422
        assert text_of(page).count(sentence) == 2, field  # in the summary and beside the field
        assert f'href="#f-{field}"' in page.text
        assert "<table" not in page.text
    every = await desk.get("/audit", **{field: value for field, (value, _) in sentences.items()})
    assert "Please fix 6 problems." in text_of(every)
    assert (await desk.get("/audit", cursor="x")).status_code == 400


async def test_where_nothing_matches_the_page_says_so(running: Application, desk: Desk) -> None:
    nothing = await desk.read("/audit", action="tier_deleted")
    assert "No records found No records match these filters." in nothing
    nobody = await desk.get("/audit", target=str(uuid4()))
    assert "No records found" in text_of(nobody)
    assert "About Unknown account" in text_of(nobody)
    async with running.context.database.writing() as session:
        await session.exec(delete(AuditEvent))
    assert "No records yet Sign-ins, changes and refusals appear here." in await desk.read("/audit")


async def test_a_page_that_could_not_look_at_everything_says_how_far_it_came(
    running: Application, people: People, admin: Person, desk: Desk
) -> None:
    await _recorded(running, REACH, action="tier_created", actor_id=admin.id)
    there = {"actor_id": admin.id, "ip_address": "203.0.113.7", "action": "tier_deleted"}
    await _recorded(running, REACH, **{**there, "at": running.clock.now() - timedelta(days=1), "action": "refused"})
    page = await desk.get("/audit", actor=admin.username, ip_address="203.0.113.7", action="tiers")
    assert "This page went through 10,000 records, back to" in text_of(page)
    assert "No records found" not in text_of(page)
    further = re.search(r'rel="next"\s+href="([^"]+)">Search further back', page.text)
    assert further
    assert "No older records" in text_of(await desk.get(further[1].replace("&amp;", "&")))


async def test_a_record_of_a_version_to_come_is_shown_by_its_own_words(running: Application, desk: Desk) -> None:
    await _recorded(running, 1, action="moon_landing", actor_id=uuid4())
    text = await desk.read("/audit")
    assert "moon_landing Details" in text
    assert "Unknown account" in text


async def test_the_history_of_a_person_leads_to_all_records_about_them(people: People, desk: Desk) -> None:
    person = await people.active()
    assert f'href="/audit?target={person.id}"' in (await desk.get(f"/users/{person.id}")).text


def test_every_action_and_group_has_words() -> None:
    assert {*Action} == set(SENTENCES)
    assert rows([]) == []
    assert len(Group) == 12
