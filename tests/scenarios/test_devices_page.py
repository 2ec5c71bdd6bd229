"""The page of one's devices, staying signed in, and the end by inactivity, as a browser without script sees them."""

import base64
import json
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from backend.models import SessionEnd
from tests.application import Application
from tests.factories import PASSWORD, People, Person

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
GONE = "That session has already ended."


async def _at_home(running: Application, person: Person, agent: str = FIREFOX, **form: str) -> httpx.AsyncClient:
    """A browser in which somebody has signed in."""
    browser = running.browser(**{"User-Agent": agent})
    answer = await browser.post("/login", data={"username_or_email": person.username, "password": PASSWORD, **form})
    assert answer.status_code == 303, answer.text
    return browser


async def _press(browser: httpx.AsyncClient, path: str) -> str:
    """Press a button of the page of devices, and return what the page says then."""
    answer = await browser.post(path, data={"csrf_token": browser.cookies["csrf_token"]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/devices")
    return str(json.loads(base64.urlsafe_b64decode(answer.cookies["notice"]))["text"])


async def _ids(person: Person) -> dict[bool, str]:
    """The newest sessions of somebody with a token: their own, and another."""
    sessions = (await person.get("/api/v1/auth/sessions")).json()["data"]
    return {one["is_current"]: one["id"] for one in reversed(sessions)}


async def _alive(person: Person) -> bool:
    return (await person.get("/api/auth/whoami")).status_code == 200


async def test_the_page_tells_what_where_since_when_and_until_when(running: Application, people: People) -> None:
    person = await people.active()
    device = {"X-Device-Name": "Kiosk <b>2</b>", "User-Agent": "sync/1.0"}
    body = {"username": person.username, "password": PASSWORD, "remember_me": True}
    await running.client.post("/api/v1/auth/login", json=body, headers=device)
    await running.client.post("/api/v1/users/signin", json={"login": person.username, "password": PASSWORD})
    home = await _at_home(running, person)
    running.clock.move(seconds=1)
    page = (await home.get("/devices")).text

    assert page.count('role="rowheader"') == 4
    assert page.count("This device") == page.count("Stays signed in") == 1
    assert page.index("Firefox on Windows") < page.index("Kiosk")
    assert "Kiosk &lt;b&gt;2&lt;/b&gt;" in page
    assert "App, sync" in page
    assert page.count("127.0.0.1") == 4
    assert page.count("in 24 hours") == 3
    assert page.count("in 30 days") == 1


async def test_one_session_is_ended_and_the_others_live(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    browser = await _at_home(running, person)
    said = await _press(browser, f"/devices/{(await _ids(person))[True]}/end")
    ended = await people.audit("session_ended", about=person)

    assert said.endswith(" was signed out.")
    assert not await _alive(person)
    assert await _alive(other)
    assert (await browser.get("/devices")).status_code == 200
    assert [(event.reason, event.actor_id) for event in ended] == [("user_revoke", person.id)]


async def test_only_live_sessions_of_one_s_own_can_be_ended(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    browser, own, foreign = await _at_home(running, person), await _ids(person), await _ids(other)
    await _press(browser, f"/devices/{own[True]}/end")
    said = {await _press(browser, f"/devices/{id_}/end") for id_ in (own[True], foreign[True], uuid4(), "no-id")}

    assert said == {GONE}
    assert await _alive(other)


async def test_a_session_that_idled_out_has_ended_already(running: Application, people: People) -> None:
    person = await people.active()
    ids = await _ids(person)
    running.clock.move(minutes=22)
    browser = await _at_home(running, person)

    assert "You are not signed in anywhere else" in (await browser.get("/devices")).text
    assert await _press(browser, f"/devices/{ids[True]}/end") == GONE


async def test_all_others_are_ended_after_a_question(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    browser, elsewhere = await _at_home(running, person), await _at_home(running, person)
    question = (await browser.get("/devices/end-others")).text
    said = await _press(browser, "/devices/end-others")
    ended = await people.audit("session_ended", about=person)

    assert "You are signed in on 2 other devices." in question
    assert said == "You are signed out of 2 other devices."
    assert not await _alive(person)
    assert (await elsewhere.get("/devices")).headers["location"].startswith("/login?why=ended")
    assert await _alive(other)
    assert {event.reason for event in ended} == {"user_revoke"}
    assert await _press(browser, "/devices/end-others") == "You were not signed in anywhere else."
    assert "This is your only session." in (await browser.get("/devices/end-others")).text


async def test_nothing_ends_without_the_token_of_the_form(running: Application, people: People) -> None:
    person = await people.active()
    browser, ids = await _at_home(running, person), await _ids(person)
    for path in ("/devices/end-others", f"/devices/{ids[True]}/end"):
        for data, headers in (({}, {}), ({"csrf_token": "x"}, {}), ({}, {"Sec-Fetch-Site": "cross-site"})):
            await browser.post(path, data=data, headers=headers)

    assert await _alive(person)


async def test_who_asks_to_stay_signed_in_stays(running: Application, people: People) -> None:
    person = await people.active()
    shown = (await running.browser().get("/login")).text
    browser = await _at_home(running, person, remember="true")
    running.clock.move(days=13)
    returned, devices = await browser.get("/account"), await browser.get("/devices")
    left = (await browser.get("/account/awake")).json()
    running.clock.move(days=17)

    assert "For up to 30 days, if you use it at least every 14 days." in shown
    assert "signed out of this device after 14 days of inactivity" in devices.text
    assert "data-idle" not in returned.text
    assert left == {"seconds_left": timedelta(days=14).total_seconds()}
    assert (await browser.get("/account")).headers["location"].startswith("/login?why=")


@pytest.mark.settings(remember_days=2, remember_idle_days=7)
async def test_the_desk_says_what_the_settings_say_and_keeps_the_choice(running: Application, people: People) -> None:
    person, browser = await people.active(), running.browser()
    form = {"username_or_email": person.username, "password": "a guess of mine", "remember": "true"}
    refused = await browser.post("/login", data=form)
    let_in = await browser.post("/login", data={**form, "password": PASSWORD})
    kept = [cookie.partition("Max-Age=")[2].split(";")[0] for cookie in let_in.headers.get_list("set-cookie")]

    assert "For up to 2 days. Do not use this on a shared device." in refused.text
    assert "checked" in refused.text
    assert kept[:2] == [str(2 * 24 * 3600)] * 2


async def test_a_page_learns_how_long_it_has_and_asking_is_no_activity(running: Application, people: People) -> None:
    browser = await _at_home(running, await people.active())
    shown = (await browser.get("/account")).text
    running.clock.move(minutes=18)
    looked = await browser.get("/account/awake", headers={"X-Background": "1"})
    stayed = await browser.get("/account/awake")
    running.clock.move(minutes=20, seconds=1)
    gone = await browser.get("/account/awake", headers={"X-Background": "1"})

    assert 'data-idle="1200.0"' in shown
    assert looked.json() == {"seconds_left": 120}
    assert stayed.json() == {"seconds_left": 1200}
    assert gone.headers["location"].startswith("/login?why=inactivity")


async def test_a_button_pressed_too_late_leads_back_to_its_page(running: Application, people: People) -> None:
    browser = await _at_home(running, await people.active())
    refused = await browser.post("/account/password", data={"csrf_token": browser.cookies["csrf_token"]})
    running.clock.move(minutes=21)
    answers = [
        await browser.post(action, data={}, headers={"Referer": f"http://127.0.0.1:8000{page}"})
        for action, page in (("/devices/end-others", "/devices/end-others"), ("/account/password", "/account/password"))
    ]
    back = await (await _at_home(running, await people.active())).get("/account/password")

    assert refused.status_code == 422
    assert [answer.headers["location"] for answer in answers] == [
        "/login?why=inactivity&next=%2Fdevices%2Fend-others",
        "/login?next=%2Faccount%2Fpassword",  # the first answer took the cookie away
    ]
    assert (back.status_code, back.headers["location"]) == (303, "/account")


async def test_a_person_s_history_has_words_for_every_end(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    ends = [because for because in SessionEnd if because is not SessionEnd.INACTIVITY]  # a word that people say too
    for because in ends:
        await people.signed_in(person)
        async with people.work() as services:
            await services.sessions.end_all(person.id, because)
    history = (await (await _at_home(running, admin)).get(f"/users/{person.id}")).text

    assert [because for because in ends if f">{because}<" in history] == []
