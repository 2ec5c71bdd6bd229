"""What every answer of dialect A has in common, whatever it says."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from backend.provisioners.directories import DirectoryProvisioner
from backend.settings import Settings
from tests.application import Application, start
from tests.contracts.answers import applicant, code, credentials, refusal
from tests.factories import PASSWORD, People

APP = "https://app.example.org"
LOGIN, FORM, WHOAMI = "/api/auth/login", "/api/auth/jwt/login", "/api/auth/whoami"
ALWAYS = {"x-request-id", "x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy"}


class BrokenProvisioner(DirectoryProvisioner):
    """A provisioner with a mistake in it."""

    def provision(self, user_id: UUID) -> None:
        raise RuntimeError(f"a secret of {user_id}")


@pytest.fixture
async def broken(settings_for_test: Settings) -> AsyncIterator[Application]:
    """An application that fails in a way nobody foresaw."""
    provisioner = BrokenProvisioner(settings_for_test.data_dir)
    async with start(settings_for_test, provisioner=provisioner) as application:
        yield application


async def test_an_unforeseen_error_tells_nothing(broken: Application) -> None:
    answer = await broken.client.post("/api/auth/register", json=applicant())
    assert refusal(answer) == (500, "INTERNAL_ERROR", "Internal server error")
    assert "secret" not in answer.text
    assert answer.headers.keys() >= ALWAYS
    assert await broken.people.statuses() == {}


@pytest.mark.settings(cors_origins=(APP,))
async def test_cors_stands_on_unforeseen_errors_too(broken: Application) -> None:
    answer = await broken.client.post("/api/auth/register", json=applicant(), headers={"Origin": APP})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (500, APP)


async def test_every_kind_of_answer_has_the_headers(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answers = [
        await person.get(WHOAMI),
        await client.get(WHOAMI),
        await person.get("/api/auth/admin/users"),
        await client.get("/api/auth/nothing"),
        await client.delete(LOGIN),
        await client.post(LOGIN, json={}),
        await client.post(LOGIN, content="x"),
        await client.post(LOGIN, content=b"x" * 300_000, headers={"Content-Type": "application/json"}),
        await person.post("/api/auth/jwt/logout"),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 403, 404, 405, 422, 415, 413, 204]
    assert all(answer.headers.keys() >= ALWAYS for answer in answers)
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert all(refusal(answer) for answer in answers[1:-1])


async def test_a_sane_request_id_is_taken_over(client: httpx.AsyncClient) -> None:
    given = ["abc-123", "a b", "<script>", "x" * 65]
    answers = [await client.get(WHOAMI, headers={"X-Request-ID": id_}) for id_ in given]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert ids[0] == answers[0].json()["request_id"] == "abc-123"
    assert not set(ids[1:]) & set(given)
    assert len(set(ids)) == 4


async def test_a_body_of_another_kind_is_refused_before_it_is_read(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    json, form = credentials(person.username), {"username": person.username, "password": PASSWORD}
    answers = [
        await client.post(LOGIN, data=json),
        await client.post(LOGIN, content="{", headers={"Content-Type": "text/plain"}),
        await client.post(LOGIN, content=b"{}"),
        await client.post(FORM, json=form),
        await client.post(FORM, content="{", headers={"Content-Type": "application/xml"}),
        await client.post("/api/auth/verify", content="{", headers={"Content-Type": "text/plain"}),
    ]
    assert {code(answer) for answer in answers} == {(415, "UNSUPPORTED_MEDIA_TYPE")}


async def test_broken_json_is_malformed(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8; v=1"}
    malformed, unreadable = [b"{", b"", b"[]", b"null", b'"x"'], [b"\xff", b"[" * 50_000]
    answers = [await client.post(LOGIN, content=body, headers=headers) for body in (*malformed, *unreadable)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [400] * 2
    assert all(refusal(answer) for answer in answers)


async def test_both_spellings_of_a_path_are_answered(client: httpx.AsyncClient, people: People) -> None:
    person = await people.admin()
    assert (await person.get(f"{WHOAMI}/")).json() == (await person.get(WHOAMI)).json()
    assert (await person.get("/api/auth/admin/users/")).status_code == 200
    assert (await client.post(f"{LOGIN}/", json=credentials(person.username))).status_code == 200
    form = {"username": person.username, "password": PASSWORD}
    assert (await client.post(f"{FORM}/", data=form)).status_code == 200


@pytest.mark.settings(cors_origins=(APP,))
async def test_a_known_origin_may_call(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answers = [
        await client.get(WHOAMI, headers={**person.bearer, "Origin": APP}),
        await client.get(WHOAMI, headers={"Origin": APP}),
        await client.post(LOGIN, json={}, headers={"Origin": APP}),
        await client.get("/api/auth/nothing", headers={"Origin": APP}),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 422, 404]
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {APP}
    assert {answer.headers["access-control-allow-credentials"] for answer in answers} == {"true"}
    exposed = {name.strip().lower() for name in answers[0].headers["access-control-expose-headers"].split(",")}
    assert exposed >= {"x-request-id", "retry-after", "ratelimit", "ratelimit-policy"}


@pytest.mark.settings(cors_origins=(APP,))
async def test_a_preflight_allows_the_promised_headers(client: httpx.AsyncClient) -> None:
    wanted = "authorization, content-type, x-csrf-token, x-device-id, x-device-name, x-device-type, idempotency-key"
    ask = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": wanted}
    known = await client.options(WHOAMI, headers={"Origin": APP, **ask})
    foreign = await client.options(WHOAMI, headers={"Origin": "https://evil.example.org", **ask})
    assert (known.status_code, known.headers["access-control-allow-origin"]) == (200, APP)
    assert "access-control-allow-origin" not in foreign.headers
    assert known.headers.keys() >= ALWAYS


async def test_without_the_setting_no_origin_may_call(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answer = await client.get(WHOAMI, headers={**person.bearer, "Origin": APP})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.settings(public_url="https://accounts.example.org")
async def test_https_is_remembered_by_browsers(client: httpx.AsyncClient) -> None:
    assert "max-age" in (await client.get(WHOAMI)).headers["strict-transport-security"]
