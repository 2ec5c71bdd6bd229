"""429: how often somebody may try, and what they are told then."""

import itertools
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.application import Application, start
from tests.contracts.answers import applicant, code, credentials, refusal
from tests.factories import PASSWORD, People

LOGIN, FORM = "/api/auth/login", "/api/auth/jwt/login"


def at(address: str, running: Application) -> httpx.AsyncClient:
    """Somebody at another network address."""
    transport = httpx.ASGITransport(running.app, raise_app_exceptions=False, client=(address, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


@pytest.fixture
async def elsewhere(running: Application) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at another network address."""
    async with at("203.0.113.9", running) as client:
        yield client


async def _fail(client: httpx.AsyncClient, name: str, times: int) -> list[int]:
    return [(await client.post(LOGIN, json=credentials(name, "wrong"))).status_code for _ in range(times)]


async def test_too_many_wrong_passwords_are_answered_with_when_to_come_back(
    client: httpx.AsyncClient, people: People
) -> None:
    person = await people.active()
    assert await _fail(client, person.username, 5) == [401] * 5
    answer = await client.post(LOGIN, json=credentials(person.username))
    body = answer.json()
    assert refusal(answer) == (429, "RATE_LIMITED", "Too many requests")
    assert (body["limit"], body["window"]) == (5, 900)
    assert 0 < body["retry_after"] <= 900
    assert answer.headers["retry-after"] == str(body["retry_after"])
    assert {"ratelimit", "ratelimit-policy"} <= answer.headers.keys()


async def test_names_nobody_has_are_limited_alike(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    assert await _fail(client, "nobody", 6) == [401] * 5 + [429]


async def test_an_account_is_limited_wherever_the_guesses_come_from(running: Application, people: People) -> None:
    person = await people.active()
    for number in range(5):
        async with at(f"203.0.113.{number}", running) as guesser:
            assert await _fail(guesser, person.username, 1) == [401]
    async with at("203.0.113.99", running) as guesser:
        assert await _fail(guesser, person.email, 1) == [429]


async def test_an_account_stays_limited_when_the_service_starts_anew(running: Application, people: People) -> None:
    person = await people.active()
    await _fail(running.client, person.username, 5)
    async with start(running.context.settings) as again, at("203.0.113.9", again) as guesser:
        assert code(await guesser.post(LOGIN, json=credentials(person.username))) == (429, "RATE_LIMITED")


async def test_an_address_is_limited_whomever_it_tries(
    client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, people: People
) -> None:
    person = await people.active()
    for number in range(5):
        await _fail(client, f"nobody{number}", 1)
    assert code(await client.post(LOGIN, json=credentials(person.username))) == (429, "RATE_LIMITED")
    assert (await elsewhere.post(LOGIN, json=credentials(person.username))).status_code == 200


async def test_all_doors_share_one_counter(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    await _fail(client, person.username, 3)
    for _ in range(2):
        await client.post(FORM, data={"username": person.email, "password": "wrong"})
    answers = [
        await client.post(LOGIN, json=credentials(person.username)),
        await client.post(FORM, data={"username": person.username, "password": PASSWORD}),
        await person.post("/api/auth/change-password", {"current_password": PASSWORD, "new_password": "another one!"}),
    ]
    assert [code(answer) for answer in answers] == [(429, "RATE_LIMITED")] * 3


async def test_right_passwords_do_not_count(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answers = [await client.post(LOGIN, json=credentials(person.username)) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 7


async def test_the_window_ends(running: Application, client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    assert await _fail(client, person.username, 6) == [401] * 5 + [429]
    running.clock.move(minutes=15, seconds=1)
    assert (await client.post(LOGIN, json=credentials(person.username))).status_code == 200


@pytest.mark.settings(login_max_attempts=2, login_window_minutes=1)
async def test_the_limit_is_a_setting(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    await _fail(client, person.username, 2)
    body = (await client.post(LOGIN, json=credentials(person.username))).json()
    assert (body["limit"], body["window"]) == (2, 60)


@pytest.mark.settings(rate_limits=False)
async def test_limits_can_be_switched_off(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    assert await _fail(client, person.username, 8) == [401] * 8


@pytest.mark.settings(registrations_per_hour=2)
async def test_registrations_are_limited_by_address(
    client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, people: People
) -> None:
    await people.pending()
    await people.pending()
    answer = await client.post("/api/auth/register", json=applicant())
    assert code(answer) == (429, "RATE_LIMITED")
    assert (answer.json()["limit"], answer.json()["window"]) == (2, 3600)
    assert answer.headers["retry-after"] == str(answer.json()["retry_after"])
    assert (await elsewhere.post("/api/auth/register", json=applicant())).status_code == 201


@pytest.mark.parametrize("who", ["known", "unknown"])
async def test_a_mail_address_gets_three_reset_requests_an_hour(running: Application, people: People, who: str) -> None:
    person = await people.active()
    statuses = []
    for number in range(4):
        async with at(f"203.0.113.{number}", running) as client:
            body = {"email": person.email if who == "known" else "nobody@example.org"}
            statuses.append((await client.post("/api/auth/forgot-password", json=body)).status_code)
    assert statuses == [202, 202, 202, 429]


async def test_a_network_address_makes_three_reset_requests_an_hour(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    bodies = [{"email": f"nobody{number}@example.org"} for number in range(4)]
    answers = [await client.post("/api/auth/forgot-password", json=body) for body in bodies]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]


async def test_a_password_changes_three_times_an_hour(people: People) -> None:
    person = await people.active()
    passwords = [PASSWORD, *(f"another passphrase {number}" for number in range(4))]
    bodies = [{"current_password": old, "new_password": new} for old, new in itertools.pairwise(passwords)]
    answers = [await person.post("/api/auth/change-password", body) for body in bodies]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
