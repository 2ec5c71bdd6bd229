"""The cookies of the form login: what they look like, which one wins, and the CSRF token beside them."""

from http.cookies import Morsel, SimpleCookie

import httpx
import pytest

from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.contracts.dialect_c import LOGIN, LOGOUT, ME, REFRESH_CSRF, VERIFY, bearer, browser_of
from tests.factories import PASSWORD, People, Person

HTTPS = "https://accounts.example.org"
NAME = {"name": "Hannah"}


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody with a token."""
    return await people.active()


def cookies(answer: httpx.Response) -> "dict[str, Morsel[str]]":
    """The cookies that an answer sets."""
    jar: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        jar.load(header)
    return dict(jar.items())


async def by_form(running: Application, person: Person) -> httpx.Response:
    return await running.browser().post(LOGIN, data={"username": person.username, "password": PASSWORD})


async def test_scripts_read_the_csrf_token_and_not_the_session(running: Application, person: Person) -> None:
    found = cookies(await by_form(running, person))
    assert {name: bool(cookie["httponly"]) for name, cookie in found.items()} == {
        "session_id": True,
        "csrf_token": False,
        "known_device": True,
    }


async def test_cookies_are_for_this_host_and_its_own_pages(running: Application, person: Person) -> None:
    found = cookies(await by_form(running, person)).values()
    assert {(one["path"], one["domain"], one["samesite"]) for one in found} == {("/", "", "lax")}


@pytest.mark.settings(cookie_samesite="strict")
async def test_the_rule_about_other_sites_is_a_setting(running: Application, person: Person) -> None:
    assert {one["samesite"] for one in cookies(await by_form(running, person)).values()} == {"strict"}


async def test_by_http_they_are_neither_secure_nor_prefixed(running: Application, person: Person) -> None:
    found = cookies(await by_form(running, person))
    assert {name: bool(cookie["secure"]) for name, cookie in found.items()} == {
        "session_id": False,
        "csrf_token": False,
        "known_device": False,
    }


@pytest.mark.settings(public_url=HTTPS)
async def test_by_https_they_are_secure_and_prefixed(running: Application, person: Person) -> None:
    found = cookies(await by_form(running, person))
    assert found.keys() == {"__Host-session_id", "__Host-csrf_token", "__Host-known_device"}
    assert {(bool(one["secure"]), one["path"], one["domain"]) for one in found.values()} == {(True, "/", "")}
    assert found["__Host-session_id"]["httponly"]


@pytest.mark.settings(public_url=HTTPS)
async def test_by_https_both_names_are_cleared(running: Application, person: Person) -> None:
    found = cookies(await by_form(running, person))
    headers = {
        "Cookie": f"__Host-session_id={found['__Host-session_id'].value}",
        "X-CSRF-Token": found["__Host-csrf_token"].value,
    }
    cleared = cookies(await running.client.post(LOGOUT, headers=headers))
    assert cleared.keys() == {"__Host-session_id", "__Host-csrf_token", "session_id", "csrf_token"}
    assert {(one.value, one["max-age"], bool(one["secure"])) for one in cleared.values()} == {("", "0", True)}


@pytest.mark.settings(public_url=HTTPS)
async def test_by_https_the_csrf_token_comes_back_under_the_prefix(running: Application, person: Person) -> None:
    found = cookies(await by_form(running, person))
    headers = {"Cookie": f"__Host-session_id={found['__Host-session_id'].value}"}
    answer = await running.client.post(REFRESH_CSRF, headers=headers)
    assert cookies(answer)["__Host-csrf_token"].value == answer.json()["csrf_token"]


@pytest.mark.parametrize("scheme", ["http", pytest.param("https", marks=pytest.mark.settings(public_url=HTTPS))])
async def test_both_names_are_read(running: Application, person: Person, scheme: str) -> None:
    found = cookies(await by_form(running, person))
    session = found["session_id" if scheme == "http" else "__Host-session_id"].value
    for name in ("session_id", "__Host-session_id"):
        answer = await running.client.get(VERIFY, headers={"Cookie": f"{name}={session}"})
        assert answer.headers["x-user-id"] == str(person.id)


async def test_the_prefixed_one_wins(running: Application, people: People) -> None:
    one, two = await people.active(), await people.active()
    sessions = [cookies(await by_form(running, who))["session_id"].value for who in (one, two)]
    pairs = [("__Host-session_id", "session_id"), ("session_id", "__Host-session_id")]
    given = ["; ".join(f"{name}={value}" for name, value in zip(pair, sessions, strict=True)) for pair in pairs]
    answers = [await running.client.get(VERIFY, headers={"Cookie": cookie}) for cookie in given]
    assert [answer.headers["x-user-id"] for answer in answers] == [str(one.id), str(two.id)]


async def test_a_bad_prefixed_one_is_not_helped_by_the_other(running: Application, person: Person) -> None:
    session = cookies(await by_form(running, person))["session_id"].value
    answer = await running.client.get(VERIFY, headers={"Cookie": f"session_id={session}; __Host-session_id=garbage"})
    assert code(answer) == (401, "INVALID_TOKEN")


async def test_a_change_by_cookie_needs_the_csrf_token_of_its_session(running: Application, person: Person) -> None:
    browser, other = await browser_of(running, person), await browser_of(running, person)
    tried = [None, "", "guess", other.cookies["csrf_token"], browser.cookies["session_id"]]
    answers = [
        await browser.put(ME, json=NAME, headers={} if token is None else {"X-CSRF-Token": token}) for token in tried
    ]
    right = await browser.put(ME, json=NAME, headers={"X-CSRF-Token": browser.cookies["csrf_token"]})
    assert [code(answer) for answer in answers] == [(403, "CSRF_FAILED")] * 5
    assert right.status_code == 200


async def test_a_pair_of_planted_cookies_proves_nothing(running: Application, person: Person) -> None:
    session = cookies(await by_form(running, person))["session_id"].value
    planted = {"Cookie": f"session_id={session}; csrf_token=planted; __Host-csrf_token=planted"}
    answers = [
        await running.client.put(ME, json=NAME, headers={**planted, "X-CSRF-Token": "planted"}),
        await running.client.put(f"{ME}?csrf_token=planted", json=NAME, headers=planted),
    ]
    assert [code(answer) for answer in answers] == [(403, "CSRF_FAILED")] * 2


async def test_the_csrf_token_in_the_address_does_not_count(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    answer = await browser.put(f"{ME}?csrf_token={browser.cookies['csrf_token']}", json=NAME)
    assert code(answer) == (403, "CSRF_FAILED")


async def test_the_csrf_token_does_not_help_a_foreign_page(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    right = {"X-CSRF-Token": browser.cookies["csrf_token"]}
    foreign = [{"Origin": "https://evil.example.org"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
    answers = [await browser.put(ME, json=NAME, headers={**right, **headers}) for headers in foreign]
    assert [code(answer) for answer in answers] == [(403, "CSRF_FAILED")] * 3


async def test_a_refused_change_changes_nothing(running: Application, people: People, person: Person) -> None:
    browser = await browser_of(running, person)
    await browser.put(ME, json=NAME)
    assert (await people.row(person)).full_name is None


async def test_reading_by_cookie_needs_no_csrf_token(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    assert (await browser.get(ME)).status_code == 200


async def test_a_bearer_needs_no_csrf_token_even_beside_a_cookie(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    assert (await browser.put(ME, json=NAME, headers=person.bearer)).status_code == 200


async def test_a_method_cannot_be_smuggled(running: Application, people: People, person: Person) -> None:
    browser = await browser_of(running, person)
    answer = await browser.get(f"{ME}?_method=PUT&name=Hannah", headers={"X-HTTP-Method-Override": "PUT"})
    assert answer.status_code == 200
    assert (await people.row(person)).full_name is None


async def test_the_csrf_token_is_given_once_more(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    token = browser.cookies["csrf_token"]
    browser.cookies.delete("csrf_token")
    answer = await browser.post(REFRESH_CSRF)
    assert (answer.status_code, answer.json()) == (200, {"csrf_token": token})
    assert browser.cookies["csrf_token"] == token
    assert (await browser.put(ME, json=NAME, headers={"X-CSRF-Token": token})).status_code == 200


async def test_there_is_no_csrf_token_without_a_cookie(client: httpx.AsyncClient, person: Person) -> None:
    answers = [await client.post(REFRESH_CSRF), await person.post(REFRESH_CSRF)]
    bad = await client.post(REFRESH_CSRF, headers={"Cookie": "session_id=garbage"})
    assert refusal(answers[0]) == (401, "NOT_AUTHENTICATED", "Not authenticated")
    assert answers[1].status_code == 401
    assert code(bad) == (401, "INVALID_TOKEN")


async def test_garbage_in_the_header_gets_no_csrf_token(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    assert (await browser.post(REFRESH_CSRF, headers=bearer("garbage"))).status_code == 401


async def test_a_foreign_page_gets_no_csrf_token(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    answer = await browser.post(REFRESH_CSRF, headers={"Origin": "https://evil.example.org"})
    assert code(answer) == (403, "CSRF_FAILED")


async def test_getting_the_csrf_token_in_the_background_is_no_activity(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    running.clock.move(minutes=19)
    assert (await browser.post(REFRESH_CSRF, headers={"X-Background": "1"})).status_code == 200
    running.clock.move(minutes=2)
    assert code(await browser.get(VERIFY)) == (401, "SESSION_INACTIVE")


async def test_the_cookie_of_an_idle_session_is_refused_for_inactivity(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    running.clock.move(minutes=21)
    status, word, sentence = refusal(await browser.get(ME))
    assert (status, word) == (401, "SESSION_INACTIVE")
    assert "inactivity" in sentence
