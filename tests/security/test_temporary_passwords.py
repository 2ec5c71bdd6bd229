"""Temporary passwords: they open nothing but their own change; after a while, nothing tells them from wrong ones."""

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import httpx
import pytest

from tests.application import Application
from tests.contracts.answers import code, credentials, refusal, token_in
from tests.factories import People, Person
from tests.security.routes import Route, at
from tests.security.test_roles import ADMINS, APPROVERS, BY_BODY, USERS

OWN: Final = "a passphrase of one's own"
REQUIRED: Final = (403, "PASSWORD_CHANGE_REQUIRED")
CHANGES: Final = frozenset(
    {
        ("POST", "/api/auth/change-password"),
        ("POST", "/api/v1/users/me/change-password"),
        ("PUT", "/api/v1/auth/users/me/password"),
        ("POST", "/account/password"),
    }
)
SIGN_OUTS: Final = frozenset(
    {
        *(("POST", path) for path in ("/logout", "/api/auth/jwt/logout", "/api/v1/auth/logout")),
        ("POST", "/api/v1/users/signout"),
    }
)
OPEN: Final = CHANGES | SIGN_OUTS | {("POST", "/api/v1/auth/refresh-csrf")}
OPEN_PAGES: Final = frozenset({("GET", path) for path in ("/account", "/account/awake", "/account/password")})
REFUSED: Final = (USERS | BY_BODY | APPROVERS | ADMINS) - OPEN - OPEN_PAGES


@dataclass
class Newcomer:
    """An administrator with a temporary password, by every kind of credential."""

    person: Person
    browser: httpx.AsyncClient
    session: str
    refresh: str

    async def asks(self, route: Route) -> httpx.Response:
        method, path = route
        nobody = uuid4()
        body = {"session": self.session, "ids": "", "user_id": str(nobody), "approved": True}
        body = {} if path in {"/api/v1/auth/logout", "/api/v1/users/me", "/api/v1/users/{user}"} else body
        if path == "/api/v1/auth/refresh-csrf":
            return await self.browser.post(path)
        if path.startswith("/api/"):
            return await self.person.client.request(
                method, at(path, nobody), headers=self.person.bearer, json=None if method == "GET" else body
            )
        form = {"csrf_token": self.browser.cookies["csrf_token"]} if method == "POST" else None
        return await self.browser.request(method, at(path, nobody), data=form)


async def _given(people: People, person: Person) -> Person:
    """The same person, signed in with a temporary password."""
    async with people.work() as services:
        _, person.password = await services.administration.reset_password(None, person.id)
    return await people.signed_in(person)


@pytest.fixture
async def newcomer(running: Application, people: People) -> Newcomer:
    await people.admin()
    person, browser = await _given(people, await people.admin()), running.browser()
    name = {"username_or_email": person.username, "password": person.password}
    landed = await browser.post("/login", data={**name, "next": "/users"})
    assert landed.headers["location"] == "/account"
    login = await running.client.post("/api/auth/login", json=name)
    signin = {"login": person.username, "password": person.password}
    session = (await running.client.post("/api/v1/users/signin", json=signin)).json()["session"]
    return Newcomer(person, browser, session, login.json()["refresh_token"])


async def test_it_opens_no_route_but_those_of_its_change(newcomer: Newcomer) -> None:
    wrong = []
    for route in sorted(REFUSED):
        answer = await newcomer.asks(route)
        if route[1].startswith("/api/"):
            refused = code(answer) == REQUIRED
        else:
            refused = (answer.status_code, answer.headers.get("location")) == (303, "/account")
        wrong += [] if refused else [(route, answer.status_code, answer.headers.get("location"))]

    assert wrong == []


async def test_the_ways_to_its_change_and_the_ways_out_are_open(newcomer: Newcomer, people: People) -> None:
    told = {}
    for route in sorted(OPEN - SIGN_OUTS) + sorted(SIGN_OUTS):
        answer = await newcomer.asks(route)
        told[route] = answer.status_code
        if route in SIGN_OUTS:
            await people.signed_in(newcomer.person)

    assert {route: status for route, status in told.items() if status not in {200, 204, 303, 422}} == {}
    assert {told[route] for route in CHANGES} == {422}  # what was not sent is missed


async def test_the_page_of_its_change_shows_nothing_that_leads_elsewhere(newcomer: Newcomer) -> None:
    page = await newcomer.browser.get("/account")
    awake = await newcomer.browser.get("/account/awake")
    form = await newcomer.browser.get("/account/password")

    assert "Choose your own password" in page.text
    assert 'action="/account/confirm-email"' not in page.text
    assert [link for link in ("/users", "/approvals", "/devices", "/account/edit") if f'"{link}"' in page.text] == []
    assert (awake.status_code, form.headers["location"]) == (200, "/account")


async def test_pages_that_greet_everybody_lead_to_its_change(newcomer: Newcomer) -> None:
    answers = [await newcomer.browser.get(path) for path in ("/", "/login", "/login?next=/users")]
    profile = await newcomer.person.get(f"/api/v1/users/{newcomer.person.username}")

    assert [answer.headers["location"] for answer in answers] == ["/account"] * 3
    assert code(profile) == REQUIRED


async def test_an_app_that_asks_who_it_is_hears_no_also_by_heart_and_yes_after_the_change(newcomer: Newcomer) -> None:
    person, paths = newcomer.person, ("/api/auth/whoami", "/api/v1/auth/verify")
    before = [code(await person.get(path)) for path in paths * 3]
    known = (await person.get("/api/v1/auth/check-auth")).json()
    body = {"current_password": person.password, "new_password": OWN}
    changed = await person.post("/api/auth/change-password", body)
    after = [(await person.get(path)).status_code for path in paths * 2]

    assert before == [REQUIRED] * 6
    assert known == {"authenticated": False, "user": None}
    assert (changed.status_code, after) == (200, [200] * 4)


async def test_refreshed_tokens_open_no_more(newcomer: Newcomer) -> None:
    client = newcomer.person.client
    pair = await client.post("/api/v1/auth/refresh", json={"refresh_token": newcomer.refresh})
    bearer = {"Authorization": f"Bearer {pair.json()['data']['access_token']}"}

    assert pair.status_code == 200
    assert code(await client.get("/api/auth/whoami", headers=bearer)) == REQUIRED


@pytest.mark.parametrize("route", sorted(CHANGES), ids=lambda route: route[1])
async def test_every_change_of_it_opens_everything(
    running: Application, people: People, newcomer: Newcomer, route: Route
) -> None:
    (method, path), person = route, newcomer.person
    body = {"current_password": person.password, "new_password": OWN}
    if path.startswith("/api/"):
        changed = await person.client.request(method, path, json=body, headers=person.bearer)
    else:
        changed = await newcomer.browser.post(path, data={**body, "csrf_token": newcomer.browser.cookies["csrf_token"]})
    person.password = OWN
    running.clock.move(days=400)  # no password of one's own is ever too old (ASVS 6.2.10)
    await people.signed_in(person)

    assert changed.status_code in {200, 303}
    assert (await people.row(person)).password_expires_at is None
    assert (await person.get("/api/auth/admin/stats")).status_code == 200


async def test_it_cannot_be_changed_to_itself(newcomer: Newcomer) -> None:
    person, told = newcomer.person, []
    body = {"current_password": person.password, "new_password": person.password}
    for method, path in sorted(CHANGES - {("POST", "/account/password")}):
        answer = await person.client.request(method, path, json=body, headers=person.bearer)
        told.append((code(answer), "temporary password" in str(answer.json()["detail"])))
    form = {**body, "csrf_token": newcomer.browser.cookies["csrf_token"]}
    page = await newcomer.browser.post("/account/password", data=form)

    assert told == [((status, "INVALID_PASSWORD"), True) for status in (400, 422, 422)]
    assert page.status_code == 422
    assert "This is the temporary password" in page.text
    assert code(await person.get("/api/auth/whoami")) == REQUIRED


async def test_a_reset_by_mail_does_not_keep_it_either(running: Application, newcomer: Newcomer) -> None:
    person, client = newcomer.person, running.client
    await client.post("/api/auth/forgot-password", json={"email": person.email})
    token = token_in((await running.mails())[-1])
    same = await client.post("/api/auth/reset-password", json={"token": token, "password": person.password})
    other = await client.post("/api/auth/reset-password", json={"token": token, "password": OWN})

    assert (code(same), other.status_code) == ((400, "RESET_PASSWORD_INVALID_PASSWORD"), 200)
    assert (await client.post("/api/auth/login", json=credentials(person.username, OWN))).status_code == 200


@pytest.mark.settings(rate_limits=False)
async def test_one_that_ran_out_is_a_wrong_one_at_every_door(running: Application, newcomer: Newcomer) -> None:
    person, client = newcomer.person, running.client

    async def told(password: str) -> list[tuple[object, ...]]:
        page = {"username_or_email": person.username, "password": password}
        answers = [
            await client.post("/api/auth/login", json=credentials(person.email, password)),
            await client.post("/api/auth/jwt/login", data={"username": person.username, "password": password}),
            await client.post("/api/v1/auth/login", json={"username": person.username, "password": password}),
            await client.post("/api/v1/auth/login", data={"username": person.username, "password": password}),
            await client.post("/api/v1/users/signin", json={"login": person.username, "password": password}),
        ]
        shown = await running.browser().post("/login", data=page)
        return [refusal(answer) for answer in answers] + [(shown.status_code, "do not belong together" in shown.text)]

    running.clock.move(hours=71, minutes=59)
    in_time = await client.post("/api/auth/login", json=credentials(person.username, person.password))
    running.clock.move(minutes=1)

    assert in_time.status_code == 200
    assert await told(person.password) == await told("a wrong password")


@pytest.mark.settings(login_max_attempts=3)
async def test_one_that_ran_out_counts_as_a_guess_and_launders_none(running: Application, people: People) -> None:
    person = await _given(people, await people.active())
    running.clock.move(hours=72)
    tried = [person.password, "a wrong password", person.password, person.password]
    told = [await running.client.post("/api/auth/login", json=credentials(person.username, word)) for word in tried]

    assert [answer.status_code for answer in told] == [401, 401, 401, 429]


@pytest.mark.settings(temporary_password_hours=1, inactivity_minutes=120, max_token_lifetime_hours=2)
async def test_who_signed_in_in_time_changes_it_in_time(running: Application, newcomer: Newcomer) -> None:
    running.clock.move(minutes=61)
    body = {"current_password": newcomer.person.password, "new_password": OWN}
    answer = await newcomer.person.post("/api/auth/change-password", body)

    assert code(answer) == (400, "WRONG_CURRENT_PASSWORD")


async def test_the_next_one_replaces_it_and_its_end(running: Application, people: People, newcomer: Newcomer) -> None:
    person, first = newcomer.person, newcomer.person.password
    running.clock.move(hours=80)
    await _given(people, person)
    old = await running.client.post("/api/auth/login", json=credentials(person.username, first))

    assert old.status_code == 401
    assert code(await person.get("/api/auth/whoami")) == REQUIRED


async def test_the_administrators_pages_say_until_when_it_works(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    given = await running.browser().post(f"/users/{person.id}/reset-password", data={}, headers=admin.bearer)
    ends = (await people.row(person)).password_expires_at
    assert ends
    until = f"{ends.day} {ends:%b %Y, %H:%M} UTC"
    works = await running.browser().get(f"/users/{person.id}", headers=admin.bearer)
    running.clock.move(hours=72)
    await people.signed_in(admin)
    over = await running.browser().get(f"/users/{person.id}", headers=admin.bearer)

    assert until in given.text
    assert "works until" in works.text
    assert "expired on" in over.text
    assert until in works.text
    assert until in over.text


async def test_one_that_an_administrator_thought_of_is_temporary_too(running: Application, people: People) -> None:
    admin = await people.admin()
    form = {"username": "dora", "email": "dora@example.org", "password": "nine blue paper boats", "is_active": "true"}
    made = await running.browser().post("/users/new", data=form, headers=admin.bearer)
    login = await running.client.post("/api/auth/login", json=credentials("dora", form["password"]))
    bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}
    unsettled = await running.client.get("/api/auth/whoami", headers=bearer)
    running.clock.move(hours=72)
    late = await running.client.post("/api/auth/login", json=credentials("dora", form["password"]))

    assert (made.status_code, code(unsettled), late.status_code) == (303, REQUIRED, 401)


async def test_what_was_asked_for_too_early_is_on_record_what_was_looked_at_is_not(
    people: People, newcomer: Newcomer
) -> None:
    await newcomer.person.get("/api/auth/whoami")
    await newcomer.person.patch("/api/v1/users/me", {"full_name": "Somebody"})
    records = [event for event in await people.audit("refused") if event.reason == REQUIRED[1]]

    assert [(event.actor_id, event.details["method"]) for event in records] == [(newcomer.person.id, "PATCH")]
