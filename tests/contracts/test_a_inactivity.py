"""Sessions end when nobody uses them, and in the end anyway."""

import pytest

from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.factories import People

WHOAMI = "/api/auth/whoami"


async def test_an_unused_session_ends(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(minutes=20, seconds=1)
    status, word, sentence = refusal(await person.get(WHOAMI))
    assert (status, word) == (401, "SESSION_INACTIVE")
    assert "inactivity" in sentence


async def test_it_stays_ended_for_the_same_reason(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(minutes=21)
    answers = [await person.get(WHOAMI), await person.get(WHOAMI), await person.post("/api/auth/jwt/logout")]
    assert {code(answer) for answer in answers} == {(401, "SESSION_INACTIVE")}


async def test_every_request_is_activity(running: Application, people: People) -> None:
    admin = await people.admin()
    for path in (WHOAMI, "/api/auth/admin/stats"):
        running.clock.move(minutes=19)
        assert (await admin.get(path)).status_code == 200
    running.clock.move(minutes=19)
    assert (await admin.get(WHOAMI)).status_code == 200


async def test_a_background_request_is_none(running: Application, people: People) -> None:
    person = await people.active()
    background = {**person.bearer, "X-Background": "1"}
    running.clock.move(minutes=19)
    assert (await person.client.get(WHOAMI, headers=background)).status_code == 200
    running.clock.move(minutes=2)
    assert code(await person.get(WHOAMI)) == (401, "SESSION_INACTIVE")


async def test_a_cookie_session_idles_out_alike(running: Application, people: People) -> None:
    person = await people.active()
    cookie = {"Cookie": f"session_id={(await people.at_a_page(person)).cookie}"}
    running.clock.move(minutes=21)
    assert code(await person.client.get(WHOAMI, headers=cookie)) == (401, "SESSION_INACTIVE")


async def test_one_idle_session_does_not_end_another(running: Application, people: People) -> None:
    person = await people.active()
    idle = person.token
    running.clock.move(minutes=15)
    busy = (await people.signed_in(person)).token
    running.clock.move(minutes=6)
    person.token = idle
    assert code(await person.get(WHOAMI)) == (401, "SESSION_INACTIVE")
    person.token = busy
    assert (await person.get(WHOAMI)).status_code == 200


@pytest.mark.settings(inactivity_minutes=0.05)
async def test_the_threshold_is_a_setting_and_may_be_seconds(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(seconds=2)
    assert (await person.get(WHOAMI)).status_code == 200
    running.clock.move(seconds=3.1)
    assert code(await person.get(WHOAMI)) == (401, "SESSION_INACTIVE")


@pytest.mark.settings(inactivity_minutes=40000, max_token_lifetime_hours=700)
async def test_a_session_ends_in_the_end(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(hours=23)
    assert (await person.get(WHOAMI)).status_code == 200
    running.clock.move(hours=1, seconds=1)
    assert code(await person.get(WHOAMI)) == (401, "TOKEN_EXPIRED")


async def test_the_end_by_inactivity_is_on_record_once(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(minutes=21)
    await person.get(WHOAMI)
    await person.get(WHOAMI)
    ended = await people.audit("session_ended", "token_inactivity_expiry", about=person)
    assert [(event.action, event.reason) for event in ended] == [
        ("session_ended", "inactivity"),
        ("token_inactivity_expiry", None),
    ]
