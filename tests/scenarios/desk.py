"""Somebody at a page of the house, in a browser without script: what the page says, and what its forms do."""

import base64
import json
import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Any, Final

import httpx

from tests.application import Application
from tests.factories import PASSWORD, Person

_TAG: Final = re.compile(r"<[^>]*>")
_UNDO: Final = re.compile(r'<form method="post" action="([^"]+)">(?:(?!</form>).)*>Undo</button>', re.DOTALL)


@dataclass
class Desk:
    """A browser in which somebody is signed in."""

    browser: httpx.AsyncClient

    async def get(self, path: str, /, **query: Any) -> httpx.Response:
        """Open a page."""
        return await self.browser.get(path, params=query or None)

    async def read(self, path: str, /, **query: Any) -> str:
        """Open a page that is there, and read its text, without markup."""
        answer = await self.get(path, **query)
        assert answer.status_code == 200, (answer.status_code, answer.headers.get("location"))
        return text_of(answer)

    async def send(self, path: str, /, **fields: Any) -> httpx.Response:
        """Send a form of this page."""
        form = {"csrf_token": self.browser.cookies["csrf_token"], **fields}
        return await self.browser.post(path, data=form)

    async def upload(self, path: str, file: dict[str, tuple[str, bytes, str]], **fields: str) -> httpx.Response:
        """Send a form of this page with a file."""
        form = {"csrf_token": self.browser.cookies["csrf_token"], **fields}
        return await self.browser.post(path, data=form, files=file)

    async def press(self, path: str, /, **fields: Any) -> tuple[str, str]:
        """Send a form that leads somewhere with a sentence: where, and which."""
        answer = await self.send(path, **fields)
        assert answer.status_code == 303, text_of(answer)
        return answer.headers["location"], said(answer)

    async def undo(self, path: str, /, **fields: Any) -> tuple[str, str]:
        """Send such a form, and press the button "Undo" of the page it leads to."""
        answer = await self.send(path, **fields)
        shown = (await self.browser.get(answer.headers["location"])).text
        found = _UNDO.search(shown)
        assert found, text_of(answer)
        return await self.press(found[1])


async def at_the_desk(running: Application, person: Person) -> Desk:
    """A browser in which somebody has signed in."""
    browser = running.browser()
    answer = await browser.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return Desk(browser)


def said(answer: httpx.Response) -> str:
    """The sentence that the next page will say."""
    return str(json.loads(base64.urlsafe_b64decode(answer.cookies["notice"]))["text"])


def text_of(answer: httpx.Response) -> str:
    """The text of a page, each run of spaces as one."""
    return " ".join(unescape(_TAG.sub(" ", answer.text)).split())


class _Filled(HTMLParser):
    """What the forms of a page hold: the value of each field that would be sent, by its name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._text: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = found.get("name") or ""
        if tag == "textarea":
            self._text, self.values[name] = name, ""
        elif tag == "input" and name and (found.get("type") != "checkbox" or "checked" in found):
            self.values[name] = found.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.values[self._text] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = None


def filled(answer: httpx.Response) -> dict[str, str]:
    """What a browser sends if somebody presses the button of a page's one form, and nothing else."""
    return {name: value for name, value in _Filled(answer.text).values.items() if name != "csrf_token"}
