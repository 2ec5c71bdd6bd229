"""One rule at every door that sets a password: common ones, too short or long ones, and names that others know."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from tests.application import Application
from tests.cli.terminal import Terminal
from tests.contracts.answers import token_in
from tests.factories import PASSWORD, People, Person

COMMON: Final = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8]
REFUSED: Final[Mapping[str, str]] = {
    COMMON[0]: "one of the most common",
    COMMON[-1].upper(): "one of the most common",
    "h7!kQz#": "at least 8 characters",
    "xy" * 128 + "z": "at most 256 characters",
    "Vestibule-2026!": "more than a known name",
    "accounts_1": "more than a known name",
    "Meyer1234567": "more than a known name",
    "20.TIDES.31": "more than a known name",
}
"""Passwords, and what is said of each."""
WHO: Final = {"username": "hannah.meyer", "email": "h.m@example.org", "institution": "Institute of Tides"}


@dataclass
class Hall:
    """Everybody who sets a password: a stranger, a member with a reset mail, an administrator."""

    running: Application
    admin: Person
    member: Person
    browser: httpx.AsyncClient
    token: str

    async def stranger(self, path: str, password: str, **more: Any) -> httpx.Response:
        body = {**WHO, "password": password, **more}
        given = {"json": body} if path.startswith("/api/") else {"data": body}
        return await self.running.browser().post(path, **given)  # type: ignore[arg-type]

    async def by_name(self, password: str) -> httpx.Response:
        named = {name: value for name, value in WHO.items() if name != "institution"}
        name = "Hannah"
        return await self.running.client.post("/api/v1/users", json={**named, "name": name, "password": password})

    async def change(self, method: str, path: str, password: str) -> httpx.Response:
        body = {"current_password": PASSWORD, "new_password": password}
        if path.startswith("/api/"):
            return await self.running.client.request(method, path, json=body, headers=self.member.bearer)
        return await self.browser.post(path, data={**body, "csrf_token": self.browser.cookies["csrf_token"]})

    async def reset(self, path: str, name: str, password: str) -> httpx.Response:
        body = {"token": self.token, name: password}
        return await self.running.browser().post(path, **{"json" if path.startswith("/api/") else "data": body})  # type: ignore[arg-type]

    async def by_admin(self, path: str, password: str) -> httpx.Response:
        body = {**WHO, "password": password}
        given = {"json": body} if path.startswith("/api/") else {"data": body}
        return await self.running.browser().post(path, **given, headers=self.admin.bearer)  # type: ignore[arg-type]

    async def imported(self, password: str) -> httpx.Response:
        file = f"username,email,institution,password\r\n{','.join(WHO.values())},{password}\r\n"
        headers = {"Content-Type": "text/csv", **self.admin.bearer}
        return await self.running.client.post("/api/v1/users/import", content=file, headers=headers)


Door = Callable[[Hall, str], Awaitable[httpx.Response]]
DOORS: Final[Mapping[str, Door]] = {
    "A: sign up": lambda hall, word: hall.stranger("/api/auth/register", word),
    "B1: sign up": lambda hall, word: hall.stranger("/api/v1/users/register", word),
    "B3: sign up": lambda hall, word: hall.by_name(word),
    "page: sign up": lambda hall, word: hall.stranger("/register", word),
    "A: change": lambda hall, word: hall.change("POST", "/api/auth/change-password", word),
    "B1: change": lambda hall, word: hall.change("POST", "/api/v1/users/me/change-password", word),
    "C: change": lambda hall, word: hall.change("PUT", "/api/v1/auth/users/me/password", word),
    "page: change": lambda hall, word: hall.change("POST", "/account/password", word),
    "A: reset": lambda hall, word: hall.reset("/api/auth/reset-password", "password", word),
    "B1: reset": lambda hall, word: hall.reset("/api/v1/users/reset-password/confirm", "new_password", word),
    "page: reset": lambda hall, word: hall.reset("/reset-password", "password", word),
    "A: make": lambda hall, word: hall.by_admin("/api/auth/admin/users", word),
    "page: make": lambda hall, word: hall.by_admin("/users/new", word),
    "file": lambda hall, word: hall.imported(word),
}
WITHOUT_INSTITUTION: Final = {"B3: sign up", "A: make"}


@pytest.fixture
async def hall(running: Application, people: People) -> Hall:
    admin, member = await people.admin(), await people.active()
    async with people.work() as services:
        await services.editing.update(None, member.id, {"username": "nora.meyer", "institution": "Tides"})
    member.username = "nora.meyer"
    await running.client.post("/api/auth/forgot-password", json={"email": member.email})
    browser = running.browser()
    await browser.post("/login", data={"username_or_email": "nora.meyer", "password": PASSWORD})
    token = token_in(next(mail for mail in await running.mails() if "#token=" in mail.body))
    return Hall(running, admin, await people.signed_in(member), browser, token)


@pytest.mark.settings(rate_limits=False, public_url="http://accounts.example.org")
async def test_every_door_that_sets_a_password_asks_the_rule(hall: Hall, people: People) -> None:
    wrong, hashed_password = [], (await people.row(hall.member)).hashed_password
    for name, door in DOORS.items():
        for password, reason in REFUSED.items():
            if "TIDES" in password and name in WITHOUT_INSTITUTION:
                continue
            answer = await door(hall, password)
            refused = answer.status_code in {400, 422} or (name == "file" and answer.json()["failed"] == 1)
            wrong += [] if refused and reason in answer.text else [(name, password, answer.status_code, answer.text)]

    assert wrong == []
    assert "hannah.meyer" not in await people.statuses()
    assert (await people.row(hall.member)).hashed_password == hashed_password


def test_the_command_line_asks_it_too(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    who = ("admin", "create", "--username", "hannah.meyer", "--email", "h.m@example.org", "--password-stdin")
    for password in (COMMON[-1].upper(), "Vestibule-2026!"):
        made = terminal.run(*who, stdin=f"{password}\n")
        assert (made.code, REFUSED[password] in made.err) == (1, True), password
