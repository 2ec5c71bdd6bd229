"""What a page of somebody else makes a browser send: nothing is changed, nobody is signed in, nobody is led away."""

from typing import Final

import httpx
import pytest

from backend.models import Status
from backend.routes.pages.rendering import own_path
from tests.application import Application
from tests.factories import PASSWORD, People, Person

OWN: Final = "http://127.0.0.1:8000"
FOREIGN: Final = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8000.evil.example"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Origin": "https://127.0.0.1:8000"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": OWN},
]
OPEN_DOORS: Final = {
    "/api/auth/register": {"username": "x1", "email": "x1@example.org", "password": PASSWORD},
    "/api/auth/login": {"username_or_email": "x", "password": "y"},
    "/api/auth/forgot-password": {"email": "x@example.org"},
    "/api/auth/reset-password": {"token": "x", "password": PASSWORD},
    "/api/auth/verify": {"token": "x"},
    "/api/auth/request-verify-token": {"email": "x@example.org"},
}
OPEN_PAGES: Final = (
    *("/login", "/register", "/forgot-password", "/reset-password", "/verify", "/verify/again", "/waiting/leave"),
    *("/invitation", "/invitation/decline", "/waiting/amend", "/waiting/again", "/waiting/withdraw"),
)


async def _browser(running: Application, person: Person) -> httpx.AsyncClient:
    browser = running.browser()
    answer = await browser.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    assert answer.status_code == 303
    return browser


@pytest.mark.settings(rate_limits=False)
async def test_no_door_opens_to_a_foreign_page(running: Application, people: People) -> None:
    await people.admin()
    answers = {}
    for headers in FOREIGN:
        for path, body in OPEN_DOORS.items():
            answers[path, str(headers)] = await running.client.post(path, json=body, headers=headers)
        form = {"username": "x", "password": "y"}
        path = "/api/auth/jwt/login"
        answers[path, str(headers)] = await running.client.post(path, data=form, headers=headers)

    told = {key: (answer.status_code, answer.json()["error_code"]) for key, answer in answers.items()}
    assert {key: found for key, found in told.items() if found != (403, "CSRF_FAILED")} == {}
    assert len(await people.statuses()) == 1


async def test_no_page_signs_a_browser_in_for_a_foreign_one(running: Application, people: People) -> None:
    person = await people.active()
    form = {"username_or_email": person.username, "password": PASSWORD, "token": "x", "email": "x@example.org"}
    for headers in FOREIGN:
        for path in OPEN_PAGES:
            answer = await running.browser().post(path, data=form, headers=headers)
            assert (answer.status_code, "session_id" in answer.cookies) == (403, False), (path, headers)


async def test_a_cookie_alone_changes_nothing(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    browser, other = await _browser(running, admin), await _browser(running, admin)
    path = f"/api/auth/admin/users/{person.id}/approve"
    proofs = [
        *({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": other.cookies["csrf_token"]}),
        *({"X-CSRF-Token": browser.cookies["session_id"]}, {"Authorization": "Basic x"}),
        *({"X-HTTP-Method-Override": "GET"}, {"X-CSRF-Token": browser.cookies["csrf_token"].upper()}),
    ]
    answers = [await browser.post(path, json={"approved": True}, headers=proof) for proof in proofs]
    by_query = await browser.post(f"{path}?csrf_token={browser.cookies['csrf_token']}", json={"approved": True})

    assert {answer.json()["error_code"] for answer in (*answers, by_query)} == {"CSRF_FAILED"}
    assert not (await people.row(person)).is_approved
    own = {"X-CSRF-Token": browser.cookies["csrf_token"]}
    assert (await browser.post(path, json={"approved": True}, headers=own)).status_code == 200


async def test_a_form_needs_the_sessions_own_token_and_no_foreign_page_has_it(
    running: Application, people: People
) -> None:
    admin, person = await people.admin(), await people.pending()
    browser = await _browser(running, admin)
    token = browser.cookies["csrf_token"]
    for path in (f"/approvals/{person.id}/approve", f"/users/{person.id}/delete", "/logout", "/account/password"):
        for given, headers in (({}, {}), ({"csrf_token": "x"}, {}), ({"csrf_token": token}, FOREIGN[0])):
            answer = await browser.post(path, data={"reason": "", **given}, headers=headers)
            back = answer.headers.get("location", "").startswith(("/approvals", "/users/"))
            assert answer.status_code == 403 or back, path

    assert (await people.row(person)).status is Status.PENDING
    assert (await browser.get("/account")).status_code == 200


async def test_an_attackers_pair_of_cookies_never_proves_anything(running: Application, people: People) -> None:
    admin, attacker, victim = await people.admin(), await people.active(), await people.pending()
    his, hers = await _browser(running, attacker), await _browser(running, admin)
    path, own = f"/api/auth/admin/users/{victim.id}/approve", hers.cookies["session_id"]
    planted = his.cookies["csrf_token"]
    for cookie in (
        f"csrf_token={planted}; session_id={own}",
        f"session_id={own}; session_id={his.cookies['session_id']}; csrf_token={planted}",
        f"session_id={his.cookies['session_id']}; session_id={own}; csrf_token={planted}",
    ):
        headers = {"Cookie": cookie, "X-CSRF-Token": planted}
        answer = await running.browser().post(path, json={"approved": True}, headers=headers)
        assert answer.status_code == 403, cookie

    assert not (await people.row(victim)).is_approved


async def test_signing_in_replaces_a_planted_session(running: Application, people: People) -> None:
    person, browser = await people.active(), running.browser()
    browser.cookies.update({"session_id": "planted", "csrf_token": "planted"})
    await browser.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    first = [
        cookie.value for cookie in browser.cookies.jar if cookie.value != "planted" and cookie.name == "session_id"
    ]
    again = await _browser(running, person)

    assert len(first) == 1
    assert again.cookies["session_id"] != first[0]


async def test_cookies_are_hidden_from_scripts_and_from_other_sites(running: Application, people: People) -> None:
    person = await people.active()
    answer = await running.client.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    cookies = {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}

    assert "HttpOnly" in cookies["session_id"]
    assert "HttpOnly" not in cookies["csrf_token"]
    assert all("SameSite=lax" in line and "Path=/" in line and "Domain" not in line for line in cookies.values())


@pytest.mark.settings(public_url="https://id.example.org")
async def test_over_https_cookies_bear_the_prefix_no_neighbour_can_plant(running: Application, people: People) -> None:
    person = await people.active()
    answer = await running.client.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    cookies = answer.headers.get_list("set-cookie")

    assert {line.partition("=")[0] for line in cookies} >= {"__Host-session_id", "__Host-csrf_token"}
    assert all("Secure" in line for line in cookies)
    assert answer.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.settings(cors_origins=("https://app.example",))
async def test_other_origins_are_answered_only_where_they_are_listed(client: httpx.AsyncClient) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    strangers = (
        "null",
        "https://evil.example",
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:1",
    )
    for origin in strangers:
        for answer in (
            await client.get("/api/auth/config", headers={"Origin": origin}),
            await client.options("/api/auth/login", headers={"Origin": origin, **preflight}),
        ):
            assert "access-control-allow-origin" not in answer.headers, origin
    listed = await client.get("/api/auth/whoami", headers={"Origin": "https://app.example"})
    assert listed.headers["access-control-allow-origin"] == "https://app.example"
    assert listed.status_code == 401


VECTORS: Final = [
    *("//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "https:evil"),
    *("javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "evil"),
    *("/login\r\nSet-Cookie: a=b", "data:text/html,x", "/%0d%0aSet-Cookie:a=b@evil", "http:///evil.example", "", "?x"),
    *("/;@evil.example", "/a:b", "/.evil.example:80@x", "/\u2028/evil", "//evil%00.example", "/\x00/evil"),
]


@pytest.mark.settings(rate_limits=False)
async def test_signing_in_leads_to_a_page_of_this_site(running: Application, people: People) -> None:
    person, led = await people.active(), {}
    for vector in VECTORS:
        form = {"username_or_email": person.username, "password": PASSWORD, "next": vector}
        answer = await running.browser().post("/login", data=form)
        there = httpx.URL(OWN).join(answer.headers.get("location", "/"))
        led[vector] = (there.scheme, there.host, there.port, answer.status_code in {303, 422})
        assert not {"\r", "\n"} & set(answer.headers.get("location", ""))

    assert set(led.values()) == {("http", "127.0.0.1", 8000, True)}, led


@pytest.mark.parametrize("path", ["/", "/account", "/users?cursor=a%3D&x=1", "/users/0190-a_b.c~d"])
def test_a_path_of_this_site_is_kept(path: str) -> None:
    assert own_path(path) == path
