"""Headers every answer carries, whatever made it."""

from typing import Final

import httpx
import pytest

from backend.errors import VestibuleError
from tests.application import Application
from tests.factories import People
from tests.security.routes import at, routes

ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Unforeseen(VestibuleError):
    """An error of no family."""


def _complaints(answer: httpx.Response) -> list[str]:
    policy = answer.headers.get("content-security-policy", "")
    wrong = [name for name, value in ALWAYS.items() if answer.headers.get(name) != value]
    wrong += [] if "default-src 'none'" in policy and "frame-ancestors 'none'" in policy else ["policy"]
    wrong += ["unsafe-inline"] if "script-src" in policy and "script-src 'self';" not in policy else []
    wrong += [] if answer.headers.get("x-request-id") and answer.headers.get("referrer-policy") else ["id or referrer"]
    wrong += ["server"] if "server" in answer.headers else []
    return wrong


@pytest.mark.settings(rate_limits=False)
async def test_every_route_answers_with_the_headers_and_is_not_kept(running: Application, people: People) -> None:
    admin, wrong = await people.admin(), {}
    for method, path in sorted(routes(running.app)):
        answer = await running.client.request(method, at(path, admin.id), headers=admin.bearer)
        may_be_kept = path in {"/docs/{asset}", "/.well-known/jwks.json"}
        complaints = _complaints(answer)
        complaints += [] if may_be_kept or answer.headers["cache-control"] == "no-store" else ["kept"]
        if complaints:
            wrong[method, path] = complaints

    assert wrong == {}


async def test_errors_carry_the_headers_too(running: Application, people: People) -> None:
    @running.app.get("/api/fails")
    async def fails() -> None:
        raise RuntimeError("the secret reason")

    @running.app.get("/fails")
    async def fails_as_page() -> None:
        raise Unforeseen("the secret reason")

    answers = [
        *[await running.client.get(path) for path in ("/api/fails", "/fails", "/nowhere", "/api/nowhere", "/static/x")],
        await running.client.request("PATCH", "/login"),
        await running.client.post("/api/auth/login", content=b"x" * 300_000),
        await running.client.post("/api/auth/login", content=b"x", headers={"Content-Type": "text/plain"}),
        await running.client.post("/login", headers={"Origin": "null"}),
        await running.client.get("/api/auth/whoami"),
    ]

    assert [_complaints(answer) for answer in answers] == [[]] * len(answers)
    assert [answer.status_code for answer in answers[:2]] == [500, 500]
    assert answers[0].json()["detail"] == "Internal server error"
    assert "secret reason" not in answers[0].text + str(answers[0].headers)


@pytest.mark.settings(cors_origins=("https://app.example",))
async def test_an_unforeseen_error_can_be_read_by_a_listed_origin(running: Application) -> None:
    @running.app.get("/api/fails")
    async def fails() -> None:
        raise RuntimeError

    answer = await running.client.get("/api/fails", headers={"Origin": "https://app.example"})

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (500, "https://app.example")


@pytest.mark.parametrize("given", ["a b", "x" * 65, "é", "<b>", "a\tb"], ids=ascii)
async def test_a_request_id_that_is_not_sane_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    sane = await client.get("/health/live", headers={"X-Request-ID": "trace-1.2_3"})
    other = await client.get("/health/live", headers={b"X-Request-ID": given.encode()})

    assert sane.headers["x-request-id"] == "trace-1.2_3"
    assert other.headers["x-request-id"] != given


async def test_a_page_left_behind_is_not_shown_again(running: Application, people: People) -> None:
    person, browser = await people.active(), running.browser()
    await browser.post("/login", data={"username_or_email": person.username, "password": person.password})
    shown, token = await browser.get("/account"), browser.cookies["csrf_token"]
    await browser.post("/logout", data={"csrf_token": token})
    again = await browser.get("/account", headers={"If-None-Match": shown.headers.get("etag", "*")})

    assert shown.headers["cache-control"] == "no-store"
    assert (again.status_code, again.headers["location"].partition("?")[0]) == (303, "/login")


@pytest.mark.settings(metrics_token="a long metrics token")
async def test_metrics_are_for_who_has_the_token(client: httpx.AsyncClient) -> None:
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    answers = [
        await client.get("/metrics", headers={**stranger, "Authorization": header})
        for header in ("", "Bearer x", "Bearer a long metrics token")
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 200]


async def test_metrics_are_not_for_strangers_behind_a_proxy(client: httpx.AsyncClient) -> None:
    own, proxied = await client.get("/metrics"), await client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})

    assert (own.status_code, proxied.status_code) == (200, 403)
