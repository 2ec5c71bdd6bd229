"""Every door where a password is checked, and how one knocks there."""

from collections.abc import Awaitable, Callable
from typing import Final

import httpx

from tests.application import Application
from tests.factories import PASSWORD, Person

WRONG: Final = "not the password"
Knock = Callable[[httpx.AsyncClient, Person, str], Awaitable[httpx.Response]]


async def _a(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    return await client.post("/api/auth/login", json={"username_or_email": person.email, "password": password})


async def _a_form(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    body = {"username": person.username.upper(), "password": password}
    return await client.post("/api/auth/jwt/login", data=body)


async def _c(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    return await client.post("/api/v1/auth/login", json={"email": person.email.upper(), "password": password})


async def _c_form(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    return await client.post("/api/v1/auth/login", data={"username": person.username, "password": password})


async def _b0(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    return await client.post("/api/v1/users/signin", json={"login": person.email, "password": password})


async def _page(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in person.username)  # the same name in full-width letters
    return await client.post("/login", data={"username_or_email": wide, "password": password})


async def _change(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    body = {"current_password": password, "new_password": "seven slow green trains"}
    return await client.post("/api/auth/change-password", json=body, headers=person.bearer)


async def _c_change(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    body = {"current_password": password, "new_password": "seven slow green trains"}
    return await client.put("/api/v1/auth/users/me/password", json=body, headers=person.bearer)


async def _c_address(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    body = {"email": f"new-{person.email}", "current_password": password}
    return await client.put("/api/v1/auth/users/me", json=body, headers=person.bearer)


async def _page_change(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    body = {"current_password": password, "new_password": "seven slow green trains"}
    return await client.post("/account/password", data=body, headers=person.bearer)


SIGN_INS: Final[dict[str, Knock]] = {
    "A": _a,
    "A's form": _a_form,
    "C": _c,
    "C's form": _c_form,
    "B0": _b0,
    "page": _page,
}
DOORS: Final[dict[str, Knock]] = {
    **SIGN_INS,
    "A, new password": _change,
    "C, new password": _c_change,
    "C, new address": _c_address,
    "page, new password": _page_change,
}


def at(running: Application, address: str) -> httpx.AsyncClient:
    """Somebody at a network address of their own."""
    transport = httpx.ASGITransport(running.app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


async def sign_in(client: httpx.AsyncClient, person: Person | str, password: str = PASSWORD) -> httpx.Response:
    """Sign in at dialect A."""
    name = person if isinstance(person, str) else person.username
    return await client.post("/api/auth/login", json={"username_or_email": name, "password": password})


async def fail(client: httpx.AsyncClient, person: Person | str, times: int) -> list[int]:
    """Give wrong passwords, and return how they were answered."""
    return [(await sign_in(client, person, WRONG)).status_code for _ in range(times)]


async def home(running: Application, person: Person) -> httpx.AsyncClient:
    """A browser in which somebody has signed in before; it is signed out, and at an address of its own."""
    browser = at(running, "198.51.100.7")
    assert (await _page(browser, person, PASSWORD)).status_code == 303
    left = await browser.post("/logout", headers={"X-CSRF-Token": browser.cookies["csrf_token"]})
    assert left.status_code == 303
    return browser
