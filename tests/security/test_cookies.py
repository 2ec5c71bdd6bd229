"""Cookies as an attacker sends them, plants them or hopes they stay: only one's own pair opens, and only one's own."""

from itertools import permutations
from typing import Final
from uuid import uuid4

import httpx
import pytest

from backend import tokens
from tests.application import Application
from tests.factories import PASSWORD, People, Person

WHO, VERIFY, CHECK = "/api/auth/whoami", "/api/v1/auth/verify", "/api/v1/auth/check-auth"
SESSIONS, LOGIN, OUT = "/api/v1/auth/sessions", "/api/v1/auth/login", "/api/v1/auth/logout"
MALFORMED: Final = [
    "",
    "=",
    ";",
    "session_id",
    "session_id=",
    "session_id=;",
    "session_id=x",
    "session_id= x ; ; ;",
    'session_id="',
    'session_id="x\\"',
    "session_id=\\377\\000",
    "session_id=a,b",
    "session_id=%00",
    "session_id={}",
    "session_id=é",
    "session_id=\xff\xfe",
    "session_id=" + "x" * 8192,
    "session_id=" + "é" * 4096,
    "; ".join(f"c{number}=x" for number in range(500)),
    "__Host-session_id=",
    "__Secure-session_id=x",
    "SESSION_ID=x",
    "session_id[]=x",
    "$Version=1; session_id=x; $Path=/",
]


async def _ask(client: httpx.AsyncClient, cookie: str, path: str = WHO, method: str = "GET", proof: str = "") -> str:
    headers = {b"Cookie": cookie.encode("latin-1"), b"X-CSRF-Token": proof.encode("latin-1")}
    answer = await client.request(method, path, headers=headers)
    return "fine" if answer.status_code in {200, 204} else f"{answer.status_code} {answer.json()['error_code']}"


async def _at_home(running: Application, person: Person, **planted: str) -> httpx.AsyncClient:
    """A browser in which somebody has signed in, with cookies that were planted before."""
    browser = running.browser()
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in planted.items())} if planted else {}
    answer = await browser.post(LOGIN, data={"username": person.username, "password": PASSWORD}, headers=cookies)
    assert answer.status_code == 200, answer.text
    return browser


async def test_what_is_no_cookie_of_ours_is_refused_in_order(running: Application, people: People) -> None:
    person = await people.active()
    page = await people.at_a_page(person)
    for warm in (False, True):
        for cookie in MALFORMED:
            for path in (WHO, VERIFY):
                told = await _ask(running.client, cookie, path)
                assert told in {"401 NOT_AUTHENTICATED", "401 INVALID_TOKEN"}, (cookie, told)
            checked = await running.client.get(CHECK, headers={b"Cookie": cookie.encode("latin-1")})
            assert (checked.status_code, checked.json()["authenticated"]) == (200, False), cookie
        assert await _ask(running.client, f"session_id={page.cookie}", VERIFY) == "fine", warm


async def test_a_cookie_is_good_to_the_byte(running: Application, people: People) -> None:
    own = (await people.at_a_page(await people.active())).cookie
    assert await _ask(running.client, f"session_id={own}") == "fine"
    for changed in (f"{own}x", own[:-1], own.swapcase(), f"x{own}", f"{own}%20", f"{own}é", tokens.digest(own)):
        assert await _ask(running.client, f"session_id={changed}") == "401 INVALID_TOKEN", changed
        assert await _ask(running.client, f"session_id={changed}", VERIFY) == "401 INVALID_TOKEN", changed


async def test_of_two_cookies_the_proof_must_be_that_of_the_one_that_counts(
    running: Application, people: People
) -> None:
    his, hers = await people.at_a_page(await people.active()), await people.at_a_page(await people.active())
    for first, second in permutations((his, hers)):
        both = f"session_id={first.cookie}; session_id={second.cookie}"
        who = (await running.client.get(WHO, headers={"Cookie": both})).json()["id"]
        alone = (await running.client.get(WHO, headers={"Cookie": f"session_id={first.cookie}"})).json()["id"]
        counts, other = (first, second) if who == alone else (second, first)
        told = [
            await _ask(running.client, f"{both}; csrf_token={proof}", OUT, "POST", proof)
            for proof in (other.csrf_token, "x", "")
        ]
        assert told == ["403 CSRF_FAILED"] * 3
        assert await _ask(running.client, f"session_id={counts.cookie}") == "fine"


async def test_the_prefixed_cookie_wins_wherever_it_stands(running: Application, people: People) -> None:
    his, hers = await people.at_a_page(await people.active()), await people.at_a_page(await people.active())
    planted, own = f"session_id={his.cookie}", f"__Host-session_id={hers.cookie}"
    mine = (await running.client.get(WHO, headers={"Cookie": own})).json()
    for cookie in (f"{planted}; {own}", f"{own}; {planted}", f"{planted}; {own}; {planted}"):
        for _ in range(2):
            assert (await running.client.get(WHO, headers={"Cookie": cookie})).json() == mine
        verified = await running.client.get(VERIFY, headers={"Cookie": cookie})
        assert verified.headers["x-user-id"] == mine["id"]
        assert await _ask(running.client, cookie, OUT, "POST", his.csrf_token) == "403 CSRF_FAILED"


async def test_a_pair_that_an_attacker_chose_never_proves_anything(running: Application, people: People) -> None:
    own = (await people.at_a_page(await people.active())).cookie
    chosen = ["x", own, own[::-1], tokens.csrf_token("x"), tokens.digest(own), "0" * 64, "é", ""]
    for value in chosen:
        for cookie in (
            f"session_id={own}; csrf_token={value}",
            f"csrf_token={value}; session_id={own}; __Host-csrf_token={value}",
        ):
            assert await _ask(running.client, cookie, OUT, "POST", value) == "403 CSRF_FAILED", value

    assert await _ask(running.client, f"session_id={own}") == "fine"


async def test_the_proof_of_another_session_or_of_the_one_before_proves_nothing(
    running: Application, people: People
) -> None:
    person = await people.active()
    before = await _at_home(running, person)
    elsewhere, others = await _at_home(running, person), await _at_home(running, await people.active())
    old, proof = before.cookies["session_id"], before.cookies["csrf_token"]
    await before.post(LOGIN, data={"username": person.username, "password": PASSWORD})
    new = before.cookies["session_id"]
    proofs = (proof, elsewhere.cookies["csrf_token"], others.cookies["csrf_token"], tokens.csrf_token(f"{new} "))

    assert new != old
    for given in proofs:
        assert await _ask(running.client, f"session_id={new}", OUT, "POST", given) == "403 CSRF_FAILED"
    assert await _ask(running.client, f"session_id={old}", OUT, "POST", proof) == "401 SESSION_REVOKED"
    assert await _ask(running.client, f"session_id={new}", OUT, "POST", before.cookies["csrf_token"]) == "fine"


async def test_a_proof_stands_in_the_header_or_a_form_and_not_in_the_address(
    running: Application, people: People
) -> None:
    page = await people.at_a_page(await people.active())
    cookie = {"Cookie": f"session_id={page.cookie}; csrf_token={page.csrf_token}"}
    answers = [
        await running.client.post(OUT, params={"csrf_token": page.csrf_token}, headers=cookie),
        await running.client.post(OUT, json={"csrf_token": page.csrf_token}, headers=cookie),
        await running.client.get(f"{OUT}?_method=POST", headers=cookie),
        await running.client.get(WHO, headers={**cookie, "X-HTTP-Method-Override": "DELETE"}),
    ]

    assert [answer.status_code for answer in answers[:3]] == [403, 403, 405]
    assert answers[3].status_code == 200


@pytest.mark.parametrize("planted", ["theirs", "made up", "owner's own"])
async def test_what_was_planted_before_is_replaced_at_sign_in(
    running: Application, people: People, planted: str
) -> None:
    person, attacker = await people.active(), await people.active()
    made = {"theirs": attacker, "owner's own": person}.get(planted)
    grant = await people.at_a_page(made) if made else None
    cookie = grant.cookie if grant else "planted"
    proof = grant.csrf_token if grant else "planted"
    browser = await _at_home(running, person, session_id=cookie, csrf_token=proof)
    given = {browser.cookies["session_id"], browser.cookies["csrf_token"]}

    assert given.isdisjoint({cookie, proof})
    assert (await browser.get(WHO)).json()["username"] == person.username
    told = "401 SESSION_REVOKED" if grant else "401 INVALID_TOKEN"
    assert await _ask(running.client, f"session_id={cookie}") == told


async def test_what_was_planted_is_gone_with_the_sign_out(running: Application, people: People) -> None:
    browser = await _at_home(running, await people.active())
    own = browser.cookies["session_id"]
    out = await browser.post(OUT, headers={"X-CSRF-Token": browser.cookies["csrf_token"]})
    cleared = {line.partition("=")[0]: line for line in out.headers.get_list("set-cookie")}

    assert {"session_id", "csrf_token"} <= cleared.keys()
    assert all("Max-Age=0" in line for line in cleared.values())
    assert await _ask(running.client, f"session_id={own}") == "401 SESSION_REVOKED"


async def test_the_sessions_of_others_are_as_unknown_as_those_of_nobody(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    (theirs,) = (await other.get(SESSIONS)).json()["data"]
    id_ = theirs["id"]
    spelled = [id_, id_.upper(), id_.replace("-", ""), f"urn:uuid:{id_}", f"{{{id_}}}", f" {id_}", f"{id_}%00"]
    nobodys = [str(uuid4()), "x", "%2e%2e", "0", "null", "me"]
    answers = [await person.delete(f"{SESSIONS}/{one}") for one in (*spelled, *nobodys)]
    bodies = [await person.post(OUT, {"session_id": one}) for one in (*spelled[:5], *nobodys[:2])]
    said = {(one.status_code, one.json()["error_code"], one.json()["detail"]) for one in (*answers, *bodies)}

    assert said == {(404, "SESSION_NOT_FOUND", "Session not found")}
    assert (await other.get(WHO)).status_code == 200
    assert (await person.get(WHO)).status_code == 200
    assert id_ not in (await person.get(f"{SESSIONS}?include_expired=true")).text


async def test_an_administrator_does_not_reach_others_sessions_by_these_doors(people: People) -> None:
    admin, other = await people.admin(), await people.active()
    (theirs,) = (await other.get(SESSIONS)).json()["data"]
    refused = await admin.delete(f"{SESSIONS}/{theirs['id']}")

    assert (refused.status_code, (await other.get(WHO)).status_code) == (404, 200)


async def test_bodily_sessions_of_others_count_for_nothing(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    body = {"login": person.username, "password": PASSWORD}
    own = (await running.client.post("/api/v1/users/signin", json=body)).json()["session"]
    (theirs,) = (await other.get(SESSIONS)).json()["data"]
    ids = f"{theirs['id']},{uuid4()}, ,x,{theirs['id'].upper()}"
    ended = await running.client.post("/api/v1/users/signout-sessions", json={"session": own, "ids": ids})

    assert (ended.status_code, ended.json()["sessions_invalidated"]) == (200, 0)
    assert (await other.get(WHO)).status_code == 200
