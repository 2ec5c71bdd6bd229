"""Dialect C as its clients speak it: signing in by either way, the envelope of every success, whether a token lives."""

from typing import Any, Final

import httpx

from tests.application import Application
from tests.factories import Person

LOGIN: Final = "/api/v1/auth/login"
REFRESH: Final = "/api/v1/auth/refresh"
LOGOUT: Final = "/api/v1/auth/logout"
SESSIONS: Final = "/api/v1/auth/sessions"
ME: Final = "/api/v1/auth/users/me"
PASSWORD_OF_MINE: Final = "/api/v1/auth/users/me/password"
VERIFY: Final = "/api/v1/auth/verify"
CHECK: Final = "/api/v1/auth/check-auth"
REFRESH_CSRF: Final = "/api/v1/auth/refresh-csrf"
INVALID_REFRESH: Final = (401, "INVALID_TOKEN", "Invalid or expired refresh token")


def bearer(token: str) -> dict[str, str]:
    """The header that carries an access token."""
    return {"Authorization": f"Bearer {token}"}


def data(answer: httpx.Response, message: str) -> Any:
    """What a success holds, once it has the envelope that every success has."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body.keys() == {"success", "data", "message"}
    assert (body["success"], body["message"]) == (True, message)
    return body["data"]


async def sign_in(
    client: httpx.AsyncClient, person: Person, headers: dict[str, str] | None = None, **more: object
) -> dict[str, Any]:
    """Sign in by JSON; the tokens."""
    body = {"username": person.username, "password": person.password, **more}
    token: dict[str, Any] = data(await client.post(LOGIN, json=body, headers=headers), "Login successful")["token"]
    return token


async def browser_of(running: Application, person: Person, **more: str) -> httpx.AsyncClient:
    """A browser that has signed in by the form and keeps the cookies."""
    browser = running.browser()
    answer = await browser.post(LOGIN, data={"username": person.username, "password": person.password, **more})
    assert answer.status_code == 200, answer.text
    return browser


async def refresh(client: httpx.AsyncClient, refresh_token: str) -> dict[str, Any]:
    """Exchange a refresh token; the new tokens."""
    answer = await client.post(REFRESH, json={"refresh_token": refresh_token})
    token: dict[str, Any] = data(answer, "Token refreshed successfully")
    return token


async def state(client: httpx.AsyncClient, access_token: str) -> str:
    """Whether an access token is good, or the word by which it is refused."""
    answer = await client.get(VERIFY, headers=bearer(access_token))
    return "alive" if answer.status_code == 200 else str(answer.json()["error_code"])


async def own_sessions(client: httpx.AsyncClient, access_token: str, **query: str) -> list[dict[str, Any]]:
    """The sessions of whose token it is."""
    answer = await client.get(SESSIONS, headers=bearer(access_token), params=query)
    sessions: list[dict[str, Any]] = data(answer, "Sessions retrieved successfully")
    return sessions
