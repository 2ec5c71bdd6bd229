"""Tiers and their limits looked after by pages, in a browser without script."""

import re

import pytest

from tests.application import Application
from tests.factories import People
from tests.scenarios.desk import Desk, at_the_desk, text_of

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

    assert "No tiers yet Every account may use the API as much as it likes." in empty
    assert there == "/tiers/Free%20of%20charge%3F"
    assert sentence == "The tier Free of charge? is there. Now say what it allows."
    assert second[0] == "/tiers/Partner"
    assert (taken.status_code, 'value="PARTNER"' in taken.text, "checked" in taken.text) == (409, True, True)
    assert "There is a tier of this name already. Choose another name." in text_of(taken)
    assert (wrong.status_code, "without a slash" in text_of(wrong)) == (422, True)
    assert renamed == ("/tiers/Free", "The tier is called Free now.")
    assert (still.status_code, 'value="partner"' in still.text) == (409, True)
    assert "Its limits count at once for every account that was given no tier of its own." in question
    assert "Free None None Partner Default None None" in listed
    assert made == ("/tiers/Free", "Free is the default tier now.")
    assert "Free Default None None Partner None None" in after
    assert unmade == ("/tiers/Free", "There is no default tier now.")
    assert "No tier is the default one" in await desk.read("/tiers")


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

    assert "Nothing is limited" in text_of(empty)
    assert '<option value="/api/v1/users/{user}"></option>' in empty.text
    assert added == ("/tiers/Free", "From now on: 100 requests a minute to /api/v1/users.")
    assert odd[1] == "From now on: 1 request in 90 seconds to /api/v1/tiers/{name}."
    assert "/api/v1/tiers/{name} 1 request in 90 seconds" in text_of(page)
    assert "/api/v1/users Reading 100 requests a minute" in text_of(page)
    assert 'value="100"' in form.text
    assert '<option value="60" selected>minutes' in form.text
    assert changed[1] == "From now on: 5,000 requests in 7 days to /api/v1/users."
    assert "Remove the limit for /api/v1/users? 5,000 requests in 7 days" in question
    assert removed == ("/tiers/Free", "The limit for /api/v1/users is removed.")
    assert len(re.findall(r"/tiers/Free/limits/\d+", (await desk.get("/tiers/Free")).text)) == 1


async def test_a_limit_that_cannot_be_keeps_what_was_typed(desk: Desk) -> None:
    await desk.press("/tiers", name="Free")
    sound = {"path": "/api/v1/users", "amount": "100", "count": "1", "unit": "60", "name": "Reading"}
    await desk.press("/tiers/Free/limits", **sound)
    path = re.findall(r"/tiers/Free/limits/\d+", (await desk.get("/tiers/Free")).text)[0]
    cases = [
        ({"path": "users"}, 422, "path", "A path begins with /api"),
        ({"path": "/api/v1/users/{a}", "amount": "many"}, 422, "amount", "Write a whole number, for example 100."),
        ({"path": "/api/x", "amount": "0"}, 422, "amount", "A limit allows 1 to"),
        ({"path": "/api/x", "amount": "9" * 13}, 422, "amount", "Write a whole number"),
        ({"path": "/api/x", "count": "32", "unit": "86400"}, 422, "count", "which are 31 days"),
        ({"path": "/api/x", "count": "-1"}, 422, "count", "Write a whole number"),
        ({"path": "/api/x", "unit": "7"}, 422, "unit", "Choose one of the units."),
        ({"path": "/api/x", "name": "n" * 101}, 422, "name", "The name of a limit is one line"),
        ({"path": "/api/v1/users/"}, 409, "path", "has a limit for this path already"),
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
    unknown = [await desk.press(f"{here}/tier", tier=tier) for tier in ("77", "x", "9" * 30)]
    shown, listed = await desk.get(here), await desk.read("/tiers")
    refused = await desk.send("/tiers/Partner/delete")
    taken = await desk.press(f"{here}/tier", tier="")
    question = await desk.read("/tiers/Free/delete")
    gone = [await desk.press(f"/tiers/{name}/delete") for name in ("Partner", "Free")]

    assert "There are no tiers: everybody may use the API as much as they like." in without
    assert "None of their own (the default: Free)" in text_of(default)
    assert "100 requests an hour to /api" in text_of(default)
    assert given == (here, f"{person.username} has the tier Partner now.")
    assert [sentence for _, sentence in unknown[:2]] == [
        "There is no such tier, or not any more.",
        "Choose one of the tiers.",
    ]
    assert f'<option value="{partner}" selected>Partner' in shown.text
    assert "At present nothing is limited for them." in text_of(shown)
    assert "Partner None 1 account" in listed
    assert refused.status_code == 409
    assert f"1 account has the tier Partner: {person.username}. Give them another one, or none" in text_of(refused)
    assert taken == (here, f"{person.username} has no tier of their own now.")
    assert "accounts that were given no tier are limited by none then" in question
    assert gone[1] == ("/tiers", "The tier Free was deleted.")
    assert "No tiers yet" in await desk.read("/tiers")


async def test_tiers_that_are_not_there_and_forms_without_proof_change_nothing(
    running: Application, people: People, desk: Desk
) -> None:
    person = await people.active()
    await desk.press("/tiers", name="Free")
    member = await at_the_desk(running, person)
    for path in ("None", "None/delete", "Free/explode", "Free/limits/1", "Free/limits/x"):
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
