"""Network addresses: what somebody claims about theirs buys no guesses, breaks nothing and keeps nobody else out."""

from typing import Final

import httpx
import pytest

from tests.application import Application
from tests.factories import People
from tests.security.doors import WRONG, at, fail, sign_in

PROXY: Final = "127.0.0.1"
GARBAGE: Final = [
    "x" * 10_000,
    "unknown",
    "_hidden",
    "for=203.0.113.1",
    '"[2001:db8::1]:80"',
    "999.1.1.1",
    "203.0.113.1.1",
    "\xff\xfe",
    "localhost",
    "%00",
]


async def _through_a_proxy(client: httpx.AsyncClient, name: str, said: str, password: str = WRONG) -> httpx.Response:
    headers = {b"X-Forwarded-For": said.encode("latin-1")}
    return await client.post("/api/auth/login", json={"username_or_email": name, "password": password}, headers=headers)


async def test_l8_an_address_that_no_proxy_of_ours_tells_is_not_believed(running: Application, people: People) -> None:
    await people.admin()
    said = [*(f"2001:db8:{number}::1" for number in range(5)), *GARBAGE]
    answers = [
        (await _through_a_proxy(running.client, f"name{number}", it)).status_code for number, it in enumerate(said)
    ]
    assert answers == [401] * 5 + [429] * len(GARBAGE)
    assert {event.ip_address for event in await people.audit("signin_failed")} == {"127.0.0.1"}


@pytest.mark.settings(trusted_proxies=(PROXY, "10.0.0.0/8"))
async def test_l8_what_stands_before_the_last_stranger_is_not_believed(running: Application, people: People) -> None:
    await people.admin()
    spoofed = [f"198.51.100.{number}, 203.0.113.9, 10.0.0.{number}" for number in range(7)]
    answers = [
        (await _through_a_proxy(running.client, f"name{number}", said)).status_code
        for number, said in enumerate(spoofed)
    ]
    assert answers == [401] * 5 + [429] * 2
    assert {event.ip_address for event in await people.audit("signin_failed")} == {"203.0.113.9"}


@pytest.mark.settings(trusted_proxies=(PROXY,))
async def test_l8_what_is_no_address_is_one_and_the_same_for_all(running: Application, people: People) -> None:
    await people.admin()
    answers = [
        (await _through_a_proxy(running.client, f"name{number}", said)).status_code
        for number, said in enumerate(GARBAGE)
    ]
    assert answers == [401] * 5 + [429] * (len(GARBAGE) - 5)
    assert {event.ip_address for event in await people.audit("signin_failed")} == {"unknown"}


@pytest.mark.settings(trusted_proxies=(PROXY,))
async def test_l8_nobody_who_may_come_in_is_kept_out_by_it(running: Application, people: People) -> None:
    person = await people.active()
    for said in [*GARBAGE, "fe80::1%" + "z" * 5000]:
        answer = await _through_a_proxy(running.client, person.username, said, person.password)
        assert answer.status_code == 200, said


@pytest.mark.settings(trusted_proxies=(PROXY,))
async def test_l8_all_spellings_of_an_address_are_one(running: Application, people: People) -> None:
    await people.admin()
    said = ["203.0.113.9", "::ffff:203.0.113.9", "[::ffff:cb00:7109]:4711", "203.0.113.9:80", "::FFFF:203.0.113.9%eth0"]
    answers = [
        (await _through_a_proxy(running.client, f"name{number}", it)).status_code
        for number, it in enumerate([*said, said[0]])
    ]
    assert answers == [401] * 5 + [429]
    assert {event.ip_address for event in await people.audit("signin_failed")} == {"203.0.113.9"}


async def test_a_subscriber_of_ipv6_is_one_whatever_the_device(running: Application, people: People) -> None:
    await people.admin()
    addresses = [*(f"2001:db8:0:1:{number}::1" for number in range(6)), "2001:db8:0:2::1"]
    answers = []
    for number, address in enumerate(addresses):
        async with at(running, address) as client:
            answers += await fail(client, f"name{number}", 1)
    assert answers == [401] * 5 + [429, 401]


async def test_people_of_ipv4_share_nothing_on_a_server_of_both(running: Application, people: People) -> None:
    person = await people.active()
    async with at(running, "::ffff:203.0.113.1") as guesser, at(running, "::ffff:203.0.113.2") as somebody:
        for number in range(5):
            await fail(guesser, f"name{number}", 1)
        assert (await sign_in(somebody, person)).status_code == 200
