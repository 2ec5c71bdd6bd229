"""`POST /api/v1/auth/login`: one address, JSON for programs and a form for OAuth2 clients."""

import base64
import json
from typing import Any

import httpx
import pytest

from backend.models import Status
from tests.application import Application
from tests.contracts.answers import TIME, code, refusal
from tests.contracts.dialect_c import LOGIN, bearer, browser_of, data, own_sessions, sign_in, state
from tests.factories import PASSWORD, People, Person

STATES = {
    Status.PENDING: (403, "ACCOUNT_PENDING", "Account pending approval. Please wait for admin approval."),
    Status.REJECTED: (403, "ACCOUNT_REJECTED", "Your request for an account was not approved."),
    Status.SUSPENDED: (403, "ACCOUNT_SUSPENDED", "This account is suspended."),
    Status.EXPIRED: (403, "ACCOUNT_EXPIRED", "The access of this account has expired."),
    Status.DEACTIVATED: (403, "ACCOUNT_DEACTIVATED", "This account is deactivated."),
}
GONE = (Status.DELETED, Status.ANONYMIZED)
WRONG_JSON = (401, "AUTH_INVALID_CREDENTIALS", "Invalid credentials")
WRONG_FORM = (401, "AUTH_INVALID_CREDENTIALS", "Incorrect username or password")
MONTH = 30 * 24 * 3600


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody who may sign in."""
    return await people.active()


def written(person: Person, **more: object) -> dict[str, Any]:
    """What they write, in JSON and in the form alike."""
    return {"username": person.username, "password": PASSWORD, **more}


def urlencoded(content: str) -> dict[str, Any]:
    return {"content": content, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}


async def test_json_is_answered_with_tokens_and_the_user_in_an_envelope(
    client: httpx.AsyncClient, person: Person
) -> None:
    answered = data(await client.post(LOGIN, json=written(person)), "Login successful")
    token, user = answered["token"], answered["user"]
    assert answered.keys() == {"token", "user"}
    assert token.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (token["token_type"], token["expires_in"]) == ("bearer", 3600)
    assert len(token["refresh_token"]) >= 43
    assert (user["id"], user["username"], user["email"]) == (str(person.id), person.username, person.email)


async def test_the_user_is_told_with_rights_and_times_and_without_the_hash(
    running: Application, person: Person
) -> None:
    answer = await running.client.post(LOGIN, json=written(person))
    user = answer.json()["data"]["user"]
    told = {"role", "status", "is_active", "is_superuser", "is_verified", "is_approved"}
    assert {name: user[name] for name in told} == {
        "role": "user",
        "status": "active",
        "is_active": True,
        "is_superuser": False,
        "is_verified": False,
        "is_approved": True,
    }
    assert all(TIME.fullmatch(user[name]) for name in ("created_at", "updated_at", "approved_at", "last_login"))
    assert user["last_login"] == running.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "hashed_password" not in user
    assert "argon2" not in answer.text


@pytest.mark.parametrize("field", ["email", "username", "username_or_email"])
async def test_json_has_three_names_for_the_login_name(client: httpx.AsyncClient, person: Person, field: str) -> None:
    names = [person.email] if field == "email" else [person.username, person.email.upper()]
    for name in names:
        answer = await client.post(LOGIN, json={field: name, "password": PASSWORD})
        assert data(answer, "Login successful")["user"]["id"] == str(person.id)


async def test_of_three_names_the_empty_ones_were_not_given(client: httpx.AsyncClient, person: Person) -> None:
    unfilled: list[dict[str, object]] = [{"username": ""}, {"username": "", "username_or_email": None}]
    for more in unfilled:
        answer = await client.post(LOGIN, json={"email": person.email, "password": PASSWORD, **more})
        assert data(answer, "Login successful")["user"]["id"] == str(person.id)
    for nameless in ({}, *unfilled):
        assert code(await client.post(LOGIN, json={"password": PASSWORD, **nameless})) == (422, "VALIDATION_ERROR")


async def test_the_access_token_carries_the_promised_claims_and_nobodys_name(
    client: httpx.AsyncClient, person: Person
) -> None:
    payload = (await sign_in(client, person))["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims.keys() == {"sub", "sid", "session_id", "jti", "iat", "exp", "iss", "aud"}
    assert (claims["sub"], claims["sid"]) == (str(person.id), claims["session_id"])


async def test_json_sets_no_cookies(client: httpx.AsyncClient, person: Person) -> None:
    answer = await client.post(LOGIN, json=written(person, remember_me=True))
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_a_form_is_answered_bare(client: httpx.AsyncClient, person: Person) -> None:
    for name in (person.username, person.email):
        answer = await client.post(LOGIN, data=written(person, username=name))
        body = answer.json()
        assert answer.status_code == 200
        assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "csrf_token"}
        assert (body["token_type"], body["expires_in"]) == ("bearer", 3600)
        assert await state(client, body["access_token"]) == "alive"


async def test_a_form_may_come_in_parts(client: httpx.AsyncClient, person: Person) -> None:
    answer = await client.post(LOGIN, files={name: (None, value) for name, value in written(person).items()})
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"


async def test_a_form_sets_the_cookies_of_the_same_session(running: Application, person: Person) -> None:
    browser = running.browser()
    answer = await browser.post(LOGIN, data=written(person))
    (session,) = [one for one in await own_sessions(browser, answer.json()["access_token"]) if one["is_current"]]
    by_cookie = await browser.get("/api/v1/auth/verify")
    assert browser.cookies["csrf_token"] == answer.json()["csrf_token"]
    assert by_cookie.headers["x-session-id"] == session["id"]


async def test_a_form_takes_the_place_of_the_session_the_browser_had(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    planted = {"Cookie": f"session_id={browser.cookies['session_id']}"}
    await browser.post(LOGIN, data=written(person))
    assert browser.cookies["session_id"] not in planted["Cookie"]
    assert code(await running.client.get("/api/v1/auth/verify", headers=planted)) == (401, "SESSION_REVOKED")


async def test_a_form_may_carry_what_oauth_clients_send(client: httpx.AsyncClient, person: Person) -> None:
    oauth = {"grant_type": "password", "scope": "read write", "client_id": "app", "client_secret": "secret"}
    basic = {"Authorization": "Basic YXBwOnNlY3JldA=="}
    answers = [
        await client.post(LOGIN, data=written(person, **oauth)),
        await client.post(LOGIN, data=written(person, grant_type="password", scope=""), headers=basic),
        await client.post(LOGIN, data=written(person, otp="123456")),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3


@pytest.mark.parametrize("field", ["username", "password", "grant_type"])
async def test_a_field_that_stands_twice_is_malformed(client: httpx.AsyncClient, person: Person, field: str) -> None:
    content = f"username={person.username}&password=correct+horse+battery&grant_type=password"
    parts = [*written(person, grant_type="password").items(), (field, "password")]
    answers = [
        await client.post(LOGIN, **urlencoded(f"{content}&{field}=password")),
        await client.post(LOGIN, files=[(name, (None, value)) for name, value in parts]),
    ]
    assert [code(answer) for answer in answers] == [(422, "VALIDATION_ERROR")] * 2


async def test_another_content_type_is_refused_before_it_is_read(client: httpx.AsyncClient, person: Person) -> None:
    content = json.dumps(written(person))
    given = [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/json; charset=iso-8859-1"},
        {},
    ]
    answers = [await client.post(LOGIN, content=content, headers=headers) for headers in given]
    assert [code(answer) for answer in answers] == [(415, "UNSUPPORTED_MEDIA_TYPE")] * 4


async def test_a_sign_in_that_lacks_something_is_malformed(client: httpx.AsyncClient, person: Person) -> None:
    bodies: list[Any] = [{}, {"username": "x"}, {"password": "x"}, {"username": None, "password": "x"}, [], "x"]
    answers = [
        *[await client.post(LOGIN, json=body) for body in bodies],
        await client.post(LOGIN, content="{", headers={"Content-Type": "application/json"}),
        await client.post(LOGIN, json=written(person, remember_me="perhaps")),
        await client.post(LOGIN, data={"username": "x"}),
        await client.post(LOGIN, data={"password": "x"}),
        await client.post(LOGIN, data=written(person, remember_me="perhaps")),
    ]
    assert {code(answer) for answer in answers} == {(422, "VALIDATION_ERROR")}


async def test_a_malformed_sign_in_is_never_repeated(client: httpx.AsyncClient) -> None:
    answers = [
        await client.post(LOGIN, json={"username": ["a secret"], "password": {"a secret": "a secret"}}),
        await client.post(LOGIN, content='{"password": "a secret", ', headers={"Content-Type": "application/json"}),
        await client.post(LOGIN, data={"password": ["a secret", "a secret"]}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 3
    assert not any("secret" in answer.text for answer in answers)


async def test_a_stranger_and_a_wrong_password_get_the_same_answer(client: httpx.AsyncClient, person: Person) -> None:
    wrong, unknown = {"username": person.username, "password": "a guess"}, {"username": "nobody", "password": "a guess"}
    by_json = [refusal(await client.post(LOGIN, json=body)) for body in (wrong, unknown)]
    by_form = [refusal(await client.post(LOGIN, data=body)) for body in (wrong, unknown)]
    assert by_json == [WRONG_JSON] * 2
    assert by_form == [WRONG_FORM] * 2


async def test_a_refused_form_sets_no_cookies(client: httpx.AsyncClient, person: Person) -> None:
    answer = await client.post(LOGIN, data=written(person, password="a guess"))
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


@pytest.mark.settings(rate_limits=False)
async def test_the_state_is_told_after_the_right_password_only(client: httpx.AsyncClient, people: People) -> None:
    for status, verdict in STATES.items():
        person = await people.in_status(status)
        wrong = written(person, password="a guess")
        right = [await client.post(LOGIN, json=written(person)), await client.post(LOGIN, data=written(person))]
        guessed = [await client.post(LOGIN, json=wrong), await client.post(LOGIN, data=wrong)]
        assert [refusal(answer) for answer in right] == [verdict] * 2, status
        assert [refusal(answer) for answer in guessed] == [WRONG_JSON, WRONG_FORM], status


async def test_who_is_gone_is_a_stranger(client: httpx.AsyncClient, people: People) -> None:
    for status in GONE:
        person = await people.in_status(status)
        assert refusal(await client.post(LOGIN, json=written(person))) == WRONG_JSON, status
        assert refusal(await client.post(LOGIN, data=written(person))) == WRONG_FORM, status


@pytest.mark.settings(require_verified_email=True)
async def test_an_unproven_address_is_told_after_the_right_password_only(
    client: httpx.AsyncClient, people: People
) -> None:
    person = await people.pending()
    async with people.work() as services:
        await services.decisions.approve(person.id, by=None)
    right = [await client.post(LOGIN, json=written(person)), await client.post(LOGIN, data=written(person))]
    assert [code(answer) for answer in right] == [(403, "EMAIL_NOT_VERIFIED")] * 2
    assert refusal(await client.post(LOGIN, json=written(person, password="a guess"))) == WRONG_JSON


async def test_both_ways_and_all_other_doors_share_one_counter(client: httpx.AsyncClient, person: Person) -> None:
    wrong = written(person, password="a guess")
    for _ in range(2):
        await client.post(LOGIN, json=wrong)
        await client.post(LOGIN, data=wrong)
    await client.post("/api/v1/users/signin", json={"login": person.email, "password": "a guess"})
    answers = [
        await client.post(LOGIN, json=written(person)),
        await client.post(LOGIN, data=written(person)),
        await client.post("/api/auth/login", json={"username_or_email": person.username, "password": PASSWORD}),
    ]
    assert {refusal(answer) for answer in answers} == {(429, "RATE_LIMITED", "Too many requests")}


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example.org"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_a_foreign_page_cannot_sign_anybody_in(
    client: httpx.AsyncClient, person: Person, headers: dict[str, str]
) -> None:
    answers = [
        await client.post(LOGIN, json=written(person), headers=headers),
        await client.post(LOGIN, data=written(person), headers=headers),
    ]
    assert [code(answer) for answer in answers] == [(403, "CSRF_FAILED")] * 2


async def test_the_device_is_on_record(client: httpx.AsyncClient, person: Person) -> None:
    device = {"X-Device-ID": "d-1", "X-Device-Name": "Hannah's phone", "X-Device-Type": "phone", "User-Agent": "App/1"}
    token = await sign_in(client, person, device)
    (session,) = [one for one in await own_sessions(client, token["access_token"]) if one["is_current"]]
    told = {name: session[name] for name in ("device_id", "device_name", "device_type", "user_agent")}
    assert list(told.values()) == list(device.values())


async def test_a_device_of_which_nothing_is_said_is_of_unknown_type(client: httpx.AsyncClient, person: Person) -> None:
    token = await sign_in(client, person)
    (session,) = [one for one in await own_sessions(client, token["access_token"]) if one["is_current"]]
    assert (session["device_id"], session["device_name"], session["device_type"]) == (None, None, "unknown")


@pytest.mark.parametrize("header", ["X-Device-ID", "X-Device-Name", "X-Device-Type"])
async def test_what_is_said_of_a_device_has_an_end(client: httpx.AsyncClient, person: Person, header: str) -> None:
    longest = await client.post(LOGIN, json=written(person), headers={header: "x" * 200})
    too_long = await client.post(LOGIN, json=written(person), headers={header: "x" * 201})
    assert longest.status_code == 200
    assert code(too_long) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize("way", ["json", "form"])
async def test_a_remembered_session_lives_a_month_if_it_is_used_each_fortnight(
    running: Application, person: Person, way: str
) -> None:
    by_form = await running.browser().post(LOGIN, data=written(person, remember_me="true"))
    token = by_form.json() if way == "form" else await sign_in(running.client, person, remember_me=True)
    for days in (13.9, 13.9):
        running.clock.move(days=days)
        answer = await running.client.post("/api/v1/auth/refresh", json={"refresh_token": token["refresh_token"]})
        token = data(answer, "Token refreshed successfully")
    running.clock.move(days=2.2, seconds=1)
    answer = await running.client.post("/api/v1/auth/refresh", json={"refresh_token": token["refresh_token"]})
    assert code(answer) == (401, "INVALID_TOKEN")


async def test_a_remembered_session_that_nobody_uses_ends_after_a_fortnight(
    running: Application, person: Person
) -> None:
    token = await sign_in(running.client, person, remember_me=True)
    running.clock.move(days=14, seconds=1)
    answer = await running.client.post("/api/v1/auth/refresh", json={"refresh_token": token["refresh_token"]})
    assert code(answer) == (401, "SESSION_INACTIVE")


async def test_a_remembered_cookie_outlives_the_browsers_window(running: Application, person: Person) -> None:
    remembered = await running.browser().post(LOGIN, data=written(person, remember_me="true"))
    usual = await running.browser().post(LOGIN, data=written(person))
    both = [
        [cookie.lower() for cookie in answer.headers.get_list("set-cookie") if not cookie.startswith("known_device")]
        for answer in (remembered, usual)
    ]
    assert [len(cookies) for cookies in both] == [2, 2]
    assert all(f"max-age={MONTH}" in cookie for cookie in both[0])
    assert not any("max-age" in cookie for cookie in both[1])


async def test_a_remembered_cookie_is_good_for_a_month(running: Application, person: Person) -> None:
    browser = await browser_of(running, person, remember_me="on")
    cookie = {"Cookie": f"session_id={browser.cookies['session_id']}"}
    for days in (13.9, 13.9, 2):
        running.clock.move(days=days)
        assert (await running.client.get("/api/v1/auth/verify", headers=cookie)).status_code == 200
    running.clock.move(days=0.2, seconds=1)
    assert code(await running.client.get("/api/v1/auth/verify", headers=cookie)) == (401, "TOKEN_EXPIRED")


async def test_the_access_token_of_a_remembered_session_lives_an_hour(running: Application, person: Person) -> None:
    token = await sign_in(running.client, person, remember_me=True)
    running.clock.move(minutes=59)
    before = await state(running.client, token["access_token"])
    running.clock.move(minutes=1)
    assert token["expires_in"] == 3600
    assert (before, await state(running.client, token["access_token"])) == ("alive", "TOKEN_EXPIRED")


async def test_the_first_sign_in_ever_is_no_news(running: Application, people: People) -> None:
    person = await people.pending()
    async with people.work() as services:
        await services.decisions.approve(person.id, by=None)
    before = len(await running.mails())
    await sign_in(running.browser(**{"User-Agent": "First/1"}), person)
    assert len(await running.mails()) == before


async def test_a_sign_in_from_an_unknown_device_is_told_by_mail_once(running: Application, person: Person) -> None:
    browser = running.browser(**{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    await sign_in(browser, person)
    await browser.post(LOGIN, data=written(person))
    (mail,) = await running.mails()
    assert (mail.to, mail.subject) == (person.email, "New sign-in to your account at 127.0.0.1:8000")
    assert "Firefox on Linux" in mail.body
    assert "http://127.0.0.1:8000/" in mail.body


async def test_a_sign_in_from_a_known_device_is_no_news(running: Application, person: Person) -> None:
    await sign_in(running.client, person)
    await sign_in(running.client, person, {"X-Device-ID": "phone"})
    (mail,) = await running.mails()
    await sign_in(running.client, person, {"X-Device-ID": "phone", "User-Agent": "a newer app/2"})
    assert await running.mails() == [mail]


async def test_a_sign_in_is_on_record_with_its_session(client: httpx.AsyncClient, people: People) -> None:
    person = await people.pending()
    async with people.work() as services:
        await services.decisions.approve(person.id, by=None)
    await client.post(LOGIN, data=written(person, password="a guess"))
    token = await sign_in(client, person)
    (session,) = await own_sessions(client, token["access_token"])
    failed, succeeded, opened = await people.audit("signin_failed", "signin_succeeded", "session_opened", about=person)
    assert (failed.reason, failed.actor_id) == ("AUTH_INVALID_CREDENTIALS", None)
    assert (succeeded.action, succeeded.actor_id) == ("signin_succeeded", person.id)
    assert opened.details["session_id"] == session["id"]


async def test_a_token_of_this_door_opens_the_other_dialects(client: httpx.AsyncClient, person: Person) -> None:
    token = await sign_in(client, person)
    answer = await client.get("/api/auth/whoami", headers=bearer(token["access_token"]))
    assert answer.json()["username"] == person.username


@pytest.mark.parametrize(
    "sent",
    ["Ana’s iPhone".encode(), b"Ana%E2%80%99s%20iPhone"],
    ids=["utf-8", "percent-encoded"],
)
async def test_a_device_may_be_named_in_any_script(client: httpx.AsyncClient, people: People, sent: bytes) -> None:
    person = await people.active()
    body = {"username": person.username, "password": person.password}
    answer = await client.post("/api/v1/auth/login", json=body, headers=[(b"X-Device-Name", sent)])
    token = answer.json()["data"]["token"]["access_token"]
    listed = await client.get("/api/v1/auth/sessions", headers={"Authorization": f"Bearer {token}"})

    assert [one["device_name"] for one in listed.json()["data"] if one["is_current"]] == ["Ana’s iPhone"]
