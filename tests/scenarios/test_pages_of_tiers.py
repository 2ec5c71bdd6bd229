"""Tiers and their limits looked after by pages, in a browser without script."""

import re
from dataclasses import replace
from html import unescape

import httpx
import pytest
from sqlalchemy import event

from backend.routes.pages import at_once, tier_moves
from backend.services import Origin, bulk, unit_of_work
from backend.services.bulk import Call, Operation
from backend.services.tier_holders import id_of
from tests.application import Application
from tests.factories import People, Person
from tests.scenarios.desk import Desk, at_the_desk, said, text_of

pytestmark = pytest.mark.settings(rate_limits=False)


@pytest.fixture
async def desk(running: Application, people: People) -> Desk:
    """An administrator at work."""
    return await at_the_desk(running, await people.admin())


async def test_a_tier_is_made_listed_renamed_and_becomes_the_default(desk: Desk) -> None:
    empty = await desk.read("/tiers")
    there, sentence = await desk.press("/tiers", name="Free of charge?")
    second = await desk.press("/tiers", name="Partner", is_default="true")
    taken = await desk.send("/tiers", name="PARTNER", is_default="true")
    wrong = await desk.send("/tiers", name="a/b")
    renamed = await desk.press(f"{there}/rename", name="Free")
    still = await desk.send("/tiers/Free/rename", name="partner")
    question = await desk.read("/tiers/Free/make-default")
    listed = await desk.read("/tiers")
    made = await desk.press("/tiers/free/make-default")
    after = await desk.read("/tiers")
    unmade = await desk.press("/tiers/Free/unmake-default")

    assert "No tiers yet API use is not limited." in empty
    assert there == "/tiers/Free%20of%20charge%3F"
    assert sentence == "The tier Free of charge? was created. Now add its limits."
    assert second[0] == "/tiers/Partner"
    assert (taken.status_code, 'value="PARTNER"' in taken.text, "checked" in taken.text) == (409, True, True)
    assert "A tier with this name already exists. Choose another name." in text_of(taken)
    assert (wrong.status_code, "without a slash" in text_of(wrong)) == (422, True)
    assert renamed == ("/tiers/Free", "The tier was renamed to Free.")
    assert (still.status_code, 'value="partner"' in still.text) == (409, True)
    assert "Its limits apply immediately to every account without a tier." in question
    assert "Free None None Partner Default None None" in listed
    assert made == ("/tiers/Free", "Free is now the default tier.")
    assert "Free Default None None Partner None None" in after
    assert unmade == ("/tiers/Free", "There is now no default tier.")
    assert "There is no default tier." in await desk.read("/tiers")


async def test_twenty_tiers_are_listed_by_as_many_statements_as_one(desk: Desk, running: Application) -> None:
    asked: list[str] = []

    async def statements(path: str) -> int:
        asked.clear()
        await desk.read(path)
        return len(asked)

    await desk.press("/tiers", name="Number 0")
    event.listen(
        running.context.database.engine.sync_engine,
        "before_cursor_execute",
        lambda _, __, statement, *___: asked.append(statement) if re.search(r"FROM (tier|tall)", statement) else None,
    )
    few = await statements("/tiers"), await statements("/api/v1/users/stats")
    async with unit_of_work(running.context) as services:
        for number in range(1, 20):
            await services.tiers.create(None, f"Number {number}")

    assert (await statements("/tiers"), await statements("/api/v1/users/stats")) == few
    assert min(few) > 0


async def test_a_limit_is_added_changed_and_removed_in_plain_words(desk: Desk) -> None:
    await desk.press("/tiers", name="Free")
    empty = await desk.get("/tiers/Free")
    limit = {"path": "/api/v1/users/", "amount": "100", "count": "1", "unit": "60"}
    added = await desk.press("/tiers/Free/limits", **limit, name="Reading")
    odd = await desk.press("/tiers/Free/limits", path="/api/v1/tiers/{name}", amount="1", count="90", unit="1")
    page = await desk.get("/tiers/Free")
    path = re.findall(r"/tiers/Free/limits/\d+", page.text)[-1]
    form = await desk.get(path)
    changed = await desk.press(path, **limit | {"amount": "5000", "count": "7", "unit": "86400"})
    question = await desk.read(f"{path}/delete")
    removed = await desk.press(f"{path}/delete")

    assert "No limits yet" in text_of(empty)
    assert '<option value="/api/v1/users/{user}"></option>' in empty.text
    assert added == ("/tiers/Free", "Limit added: 100 requests per minute to /api/v1/users.")
    assert odd[1] == "Limit added: 1 request per 90 seconds to /api/v1/tiers/{name}."
    assert "/api/v1/tiers/{name} 1 request per 90 seconds" in text_of(page)
    assert "/api/v1/users Reading 100 requests per minute" in text_of(page)
    assert 'value="100"' in form.text
    assert '<option value="60" selected>minutes' in form.text
    assert changed[1] == "Limit changed: 5,000 requests per 7 days to /api/v1/users."
    assert "Remove the limit for /api/v1/users? 5,000 requests per 7 days" in question
    assert removed == ("/tiers/Free", "The limit for /api/v1/users was removed.")
    assert len(re.findall(r"/tiers/Free/limits/\d+", (await desk.get("/tiers/Free")).text)) == 1


async def test_a_limit_that_cannot_be_keeps_what_was_typed(desk: Desk) -> None:
    await desk.press("/tiers", name="Free")
    sound = {"path": "/api/v1/users", "amount": "100", "count": "1", "unit": "60", "name": "Reading"}
    await desk.press("/tiers/Free/limits", **sound)
    path = re.findall(r"/tiers/Free/limits/\d+", (await desk.get("/tiers/Free")).text)[0]
    cases = [
        ({"path": "users"}, 422, "path", "A path must begin with /api"),
        ({"path": "/api/v1/users/{a}", "amount": "many"}, 422, "amount", "Enter a whole number, for example 100."),
        ({"path": "/api/v1/user"}, 422, "path", "The most similar path is /api/v1/users."),
        ({"path": "/api/auth", "amount": "0"}, 422, "amount", "A limit must allow 1 to"),
        ({"path": "/api/auth", "amount": "9" * 13}, 422, "amount", "Enter a whole number"),
        ({"path": "/api/auth", "count": "32", "unit": "86400"}, 422, "count", "(31 days)"),
        ({"path": "/api/auth", "count": "-1"}, 422, "count", "Enter a whole number"),
        ({"path": "/api/auth", "unit": "7"}, 422, "unit", "Choose one of the units."),
        ({"path": "/api/auth", "name": "n" * 101}, 422, "name", "The name of a limit must be one line"),
        ({"path": "/api/v1/users/"}, 409, "path", "already has a limit for this path"),
    ]
    for change, status, field, sentence in cases:
        answer = await desk.send("/tiers/Free/limits", **sound | change)
        assert answer.status_code == status, change
        assert sentence in text_of(answer), change
        assert f'id="f-{field}-error"' in answer.text, change
        kept = [value for name, value in (sound | change).items() if name != "unit"]
        assert all(f'value="{value}"' in answer.text for value in kept), change
        if field != "path" or status != 409:
            again = await desk.send(path, **sound | change)
            assert (again.status_code, sentence in text_of(again)) == (status, True), change


async def test_a_tier_is_given_on_the_page_of_a_person_and_kept_from_being_deleted(
    running: Application, people: People, desk: Desk
) -> None:
    person = await people.active()
    here = f"/users/{person.id}"
    without = await desk.read(here)
    await desk.press("/tiers", name="Free", is_default="true")
    await desk.press("/tiers/Free/limits", path="/api", amount="100", count="1", unit="3600")
    await desk.press("/tiers", name="Partner")
    default = await desk.get(here)
    ids = dict(re.findall(r'<option value="(\d+)"(?: selected)?>(\w+)<', default.text))
    partner = next(id_ for id_, name in ids.items() if name == "Partner")
    given = await desk.press(f"{here}/tier", tier=partner)
    unknown = [await desk.press(f"{here}/tier", tier=tier) for tier in (str(10**9), "x", "9" * 30)]
    shown, listed = await desk.get(here), await desk.read("/tiers")
    refused, asked = await desk.send("/tiers/Partner/delete"), await desk.get("/tiers/Partner/delete")
    taken = await desk.press(f"{here}/tier", tier="")
    question = await desk.read("/tiers/Free/delete")
    gone = [await desk.press(f"/tiers/{name}/delete") for name in ("Partner", "Free")]

    assert "There are no tiers, so API use is not limited." in without
    assert "None (the default: Free)" in text_of(default)
    assert "100 requests per hour to /api" in text_of(default)
    assert given == (here, f"{person.username} now has the tier Partner.")
    assert [sentence for _, sentence in unknown[:2]] == [
        "This tier does not exist.",
        "Choose one of the tiers.",
    ]
    assert f'<option value="{partner}" selected>Partner' in shown.text
    assert "No limits apply to this person." in text_of(shown)
    assert "Partner None 1 account" in listed
    assert refused.status_code == 409
    for answer in (refused, asked):
        assert f"1 account has the tier Partner: {person.username}. Give them another tier or none" in text_of(answer)
        assert 'href="/tiers/Partner/move">Move accounts to another tier…' in answer.text
    assert taken == (here, f"{person.username} now has no tier.")
    assert "accounts without a tier will have no limits" in question
    assert gone[1] == ("/tiers", "The tier Free was deleted.")
    assert "No tiers yet" in await desk.read("/tiers")


async def test_all_who_have_a_tier_are_moved_so_that_it_can_be_deleted(
    running: Application, people: People, desk: Desk
) -> None:
    holders = [await people.active(), await people.suspended(), await people.deleted()]
    old, new = await _given(running, "Old one", *holders), await _given(running, "New")
    shown, listed = await desk.get("/tiers/Old%20one"), await desk.get("/tiers")
    question = await desk.get("/tiers/Old one/move")
    form = _form(question, chosen=",".join(sorted(str(person.id) for person in holders)))
    nowhere = [await desk.press("/users/bulk", **form, **sent) for sent in ({}, {"tier": ""}, {"tier": str(10**9)})]
    moved = [await desk.press("/users/bulk", **form, tier=str(new), reason="It ends.") for _ in range(2)]
    nobody = await desk.get("/tiers/Old one/move")
    deleted = await desk.press("/tiers/Old one/delete")

    for page in (shown, listed):
        assert f'<a href="/users?tier_id={old}">2 accounts</a>' in page.text
        assert f'<a href="/users?tier_id={old}&amp;status=deleted">1 deleted account</a>' in page.text
    assert all(person.username in text_of(question) for person in holders)
    assert "None (no limits) New" in text_of(question)
    assert nowhere == [
        ("/tiers/Old%20one", "Choose a tier."),
        ("/tiers/Old%20one", "Choose a tier."),
        ("/tiers/Old%20one", "This tier does not exist."),
    ]
    assert moved == [("/tiers/Old%20one", "3 people now have the tier New.")] * 2
    assert [event.reason for event in await people.audit("tier_changed") if event.actor_id] == ["It ends."] * 3
    assert (nobody.headers["location"], said(nobody)) == ("/tiers/Old%20one", "Nobody has the tier Old one.")
    assert deleted == ("/tiers", "The tier Old one was deleted.")


async def test_who_moves_all_of_a_tier_keeps_it_and_is_told_so(
    running: Application, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, holders = await people.admin(), [await people.active() for _ in range(4)]
    desk, _ = await at_the_desk(running, admin), await _given(running, "Free", admin, *holders)
    monkeypatch.setattr(tier_moves, "MOST", 3)
    monkeypatch.setattr(at_once, "_SHOWN", 2)
    for left in (3, 1):
        question = await desk.get("/tiers/Free/move")
        assert "You also have this tier." in text_of(question)
        assert ("These are the first 3. 1 more have this tier" in text_of(question)) is (left == 3)
        assert ("and 1 other" in text_of(question)) is (left == 3)
        done = await desk.press("/users/bulk", **_form(question), tier="none")
        assert done[1].endswith(" no tier.")
    alone = await desk.get("/tiers/Free/move")

    assert (alone.headers["location"], said(alone)) == (f"/users/{admin.id}", "Nobody but you has the tier Free.")
    assert 'name="tier"' in (await desk.get(f"/users/{admin.id}")).text


async def test_people_are_found_by_their_tier_and_moved_from_the_list(
    running: Application, people: People, desk: Desk
) -> None:
    without = await desk.get("/users")
    gold, _ = await _given(running, "Gold", await people.active(), await people.deleted()), await people.active()
    ids = await people.crowd(51)
    move = Call(Operation.UPDATE_TIER, [str(id_) for id_ in ids], tier_id=gold)
    await bulk.run(running.context, None, move, Origin())
    first = await desk.get("/users", tier_id=str(gold))
    second = await desk.get(re.findall(r'rel="next"\s+href="([^"]+)"', first.text)[0].replace("&amp;", "&"))
    unknown = await desk.get("/users", tier_id=str(10**9), query="user")
    deleted = await desk.read("/users", tier_id=str(gold), status="deleted")
    sent = {"operation": "tier", "chosen": [str(id_) for id_ in ids[:3]], "then": f"/users?tier_id={gold}"}
    question = await desk.get("/users/bulk", **sent)
    taken = await desk.press("/users/bulk", **_form(question), tier="none")
    again = await desk.read("/users", tier_id=str(gold))

    assert "tier" not in without.text.partition("<main")[2].lower()
    assert ("52 people found." in text_of(first), "Move to a tier" in text_of(first)) == (True, True)
    assert first.text.count('role="rowheader"') == 50
    assert second.text.count('role="rowheader"') == 2
    assert f'href="/api/v1/users/export?format=csv&amp;bom=true&amp;tier_id={gold}"' in second.text
    assert f'<option value="{gold}" selected>Gold' in second.text
    assert '<a href="/tiers/Gold">Tier' in second.text
    assert unknown.status_code == 422
    assert "Choose one of the options." in text_of(unknown)
    assert "1 person found." in deleted
    assert taken == (f"/users?tier_id={gold}", "3 people now have no tier.")
    assert "49 people found." in again


async def test_a_limit_that_counts_nothing_says_so(running: Application, desk: Desk) -> None:
    await _given(running, "Free")
    async with unit_of_work(replace(running.context, routes={})) as work:  # as a command does it
        for path in ("/api/of-an-app", "/api/v1", "/api/auth/login"):
            await work.tier_limits.add(None, "Free", path=path, amount=1, period=1)
    text = await desk.read("/tiers/Free")

    assert "/api/of-an-app Has no effect: the API has no path like this. 1 request per second" in text
    assert "/api/auth/login Has no effect: requests to this path are never counted. 1 request per second" in text
    assert "/api/v1 1 request per second" in text


async def _given(running: Application, name: str, *holders: Person) -> int:
    """Make a tier, give it to these people, and return its id."""
    async with unit_of_work(running.context) as work:
        id_ = id_of(await work.tiers.create(None, name))
        for person in holders:
            await work.tier_holders.assign(None, person.id, id_)
    return id_


def _form(question: httpx.Response, **fields: str) -> dict[str, str]:
    """What the form of a confirmation page sends by itself; `fields` insist on some of it."""
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', question.text))
    assert fields.items() <= hidden.items()
    return {name: unescape(value) for name, value in hidden.items() if name != "csrf_token"}


async def test_tiers_that_are_not_there_and_forms_without_proof_change_nothing(
    running: Application, people: People, desk: Desk
) -> None:
    person = await people.active()
    await desk.press("/tiers", name="Free")
    member = await at_the_desk(running, person)
    for path in ("None", "None/delete", "None/move", "Free/explode", "Free/limits/1", "Free/limits/x"):
        assert (await desk.get(f"/tiers/{path}")).status_code == 404, path
    assert (await desk.get("/tiers/Free/limits")).headers["location"] == "/tiers/Free"
    assert (await desk.get(f"/users/{person.id}/tier")).headers["location"] == f"/users/{person.id}"
    forms = ("/tiers", "/tiers/Free/rename", "/tiers/Free/delete", "/tiers/Free/make-default", "/tiers/Free/limits")
    fields = {"name": "Other", "path": "/api", "amount": "1", "count": "1", "unit": "1"}
    for path in (*forms, f"/users/{person.id}/tier"):
        forged = await desk.browser.post(path, data=fields)
        back = forged if forged.status_code != 303 else await desk.get(forged.headers["location"])
        assert forged.status_code == 403 or "reload" in text_of(back).lower(), path
        assert (await member.send(path, **fields)).status_code == 403, path

    assert "Free None None" in await desk.read("/tiers")
    assert "/tiers" not in (await member.get("/account")).text
