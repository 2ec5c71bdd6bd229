"""The meter beside a new password: right enough, quick whatever is typed, and no way to learn or to hurt anything."""

import io
from functools import partial
from typing import Final

import httpx
from zxcvbn import zxcvbn

from backend import logs
from backend.services.strength import estimate
from tests.application import Application
from tests.factories import People
from tests.work import calls

PATH: Final = "/password-strength"
SIGNS: Final = "4@8({[<36911!|0$5+7%2"
"""Signs that stand for letters; without bounds, zxcvbn spends a second on all ways to read them."""
NASTY: Final = (
    *(SIGNS, SIGNS * 12, SIGNS[:16] * 16, "1" * 128 + "|" * 128),
    *("a1b2" * 64, "01021990" * 32, "passwordlovemonkey" * 14),
    *("🐎" * 256, "ﷺ" * 256, "ab" * 128),
)


async def _asked(client: httpx.AsyncClient, password: str, **known: str) -> tuple[int, str, str | None]:
    answer = await client.post(PATH, json={"password": password, **known})
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"score", "sentence", "refused"}
    return answer.json()["score"], answer.json()["sentence"], answer.json()["refused"]


async def test_it_tells_weak_from_strong_in_words(client: httpx.AsyncClient) -> None:
    told = {word: await _asked(client, word) for word in ("aaaaaaaaaa", "Sunshine&Rain", "three quiet green doors")}

    assert [score for score, _, _ in told.values()] == [0, 2, 4]
    assert len({sentence for _, sentence, _ in told.values()}) == 3
    assert {refused for _, _, refused in told.values()} == {None}


async def test_within_its_bounds_it_tells_what_zxcvbn_tells(client: httpx.AsyncClient) -> None:
    words = ("abcdefghi", "Dragonfly-1987", "p@$$w0rd4you", "blue kettle", "1990-02-01", "x" * 32)

    assert [(await _asked(client, word))[0] for word in words] == [zxcvbn(word)["score"] for word in words]


async def test_it_says_what_the_rule_would_say(client: httpx.AsyncClient) -> None:
    ana = {"username": "ana.marin", "email": "ana@example.org", "institution": "Institute of Tides"}
    refused = {word: await _asked(client, word, **ana) for word in ("short", "password", "my ana.marin!", "Tides_2026")}
    reasons = ("at least 8", "most common", "your username", "known name")

    assert [reason in str(told[2]) for reason, told in zip(reasons, refused.values(), strict=True)] == [True] * 4
    assert {score for score, _, _ in refused.values()} == {0}
    assert (await _asked(client, "my ana.marin!"))[2] is None


async def test_what_others_know_makes_a_password_weaker(client: httpx.AsyncClient) -> None:
    alone = await _asked(client, "Xylqpor-Wug")
    known = await _asked(client, "Xylqpor-Wug", institution="Xylqpor Wuggle")

    assert known[0] < alone[0]
    assert await _asked(client, "Xylqpor-Wug") == alone  # the next who asks is not told of other people's names


def test_no_password_takes_long() -> None:
    ordinary = calls(lambda: estimate("three quiet green doors", ()))
    took = {password[:20]: calls(partial(estimate, password, ())) for password in NASTY}

    assert {password: count / ordinary for password, count in took.items() if count > 8 * ordinary} == {}


async def test_it_answers_our_own_pages_and_small_questions_only(running: Application) -> None:
    client, body = running.client, {"password": "three quiet doors"}
    foreign = [
        await client.post(PATH, json=body, headers={"Origin": "https://evil.example"}),
        await client.post(PATH, json=body, headers={"Sec-Fetch-Site": "cross-site"}),
    ]
    other = [
        await client.post(PATH, content='{"password": "x"}', headers={"Content-Type": "text/plain"}),
        await client.post(PATH, json={**body, "institution": "x" * 2048}),
        await client.post(PATH, json={"password": ["three quiet doors"]}),
        await client.get(PATH),
    ]

    assert [answer.status_code for answer in foreign] == [403, 403]
    assert [answer.status_code for answer in other] == [415, 413, 422, 405]
    assert [answer for answer in other if "three quiet doors" in answer.text] == []


async def test_an_address_may_ask_120_times_a_minute(client: httpx.AsyncClient) -> None:
    told = [(await client.post(PATH, json={"password": "short"})).status_code for _ in range(121)]

    assert told == [200] * 120 + [429]


async def test_it_is_no_activity_and_leaves_no_trace(running: Application, people: People) -> None:
    person, browser, stream = await people.active(), running.browser(), io.StringIO()
    await browser.post("/login", data={"username_or_email": person.username, "password": person.password})
    records = len(await people.audit())
    logs.configure(running.context.settings, stream=stream)
    running.clock.move(minutes=19)
    await browser.post(PATH, json={"password": "three quiet doors", "username": person.username})
    running.clock.move(minutes=2)
    logs.configure(running.context.settings)
    later = await browser.get("/account")

    assert later.headers["location"].startswith("/login?why=inactivity")
    assert "quiet" not in stream.getvalue()
    assert person.username not in stream.getvalue()
    assert [event.action for event in (await people.audit())[records:]] == ["session_ended", "token_inactivity_expiry"]
