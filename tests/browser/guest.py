"""A guest: one person's browser, watched for errors, forbidden content and conversations with strangers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it brings no types
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, WebError, expect, sync_playwright

from tests.browser.house import House, Person

PHONE: Final = 360
DESK: Final = 1280
_HEIGHT: Final = 800
_PATIENCE_MS: Final = 60_000
COME_BACK: Final = "document.dispatchEvent(new Event('visibilitychange'))"
_FINDINGS: Final = "async () => (await axe.run({resultTypes: ['violations']})).violations"
_OVERFLOW: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_REACHABLE: Final = """() => {
  const wanted = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  const usable = (one) => !one.disabled && one.type !== "hidden" && one.checkVisibility({visibilityProperty: true});
  window.stops = [...document.querySelectorAll(wanted)].filter(usable);
  document.activeElement.blur();
  const parts = 3; // of a day: it takes the Tab key four times to leave it
  return window.stops.length + parts * window.stops.filter((one) => one.type === "date").length;
}"""
_MISSED: Final = "() => window.stops.filter((one) => !window.met.has(one)).map((one) => one.outerHTML)"
_MEET: Final = """() => {
  (window.met ??= new Set()).add(document.activeElement);
  return window.stops.every((one) => window.met.has(one));
}"""
"""Tells whether that was the last one."""


@contextmanager
def open_browser(program: Path) -> Iterator[Browser]:
    """A Chromium that knows no host but this machine."""
    flags = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    expect.set_options(timeout=_PATIENCE_MS)  # it would wait a third as long as everything else does
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


class Guest:
    """Somebody at a browser of their own; `options` are those of a browser context."""

    def __init__(self, browser: Browser, house: House, **options: Any) -> None:  # Playwright's
        self.house = house
        self._context = browser.new_context(
            base_url=house.address, viewport={"width": DESK, "height": _HEIGHT}, reduced_motion="reduce", **options
        )
        self._context.set_default_timeout(_PATIENCE_MS)
        self._complaints: list[str] = []
        self._refused: set[str] = set()
        self._context.on("console", self._heard)
        self._context.on("weberror", self._failed)
        self._context.on("request", self._asked)
        self._context.on("response", self._answered)
        self.page: Page = self._context.new_page()

    def go(self, path: str) -> Page:
        """Open a page."""
        self.page.goto(path)
        return self.page

    def fill(self, **fields: str) -> Page:
        """Fill in a form by the names of its fields."""
        for name, value in fields.items():
            self.page.locator(f"[name={name}]").fill(value)
        return self.page

    def press(self, name: str, *, exact: bool = True) -> Page:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=exact).click()
        return self.page

    def follow(self, name: str) -> Page:
        """Follow a link."""
        self.page.get_by_role("link", name=name, exact=True).click()
        return self.page

    def come_in(self, person: Person) -> "Guest":
        """Sign in without looking at the form."""
        form: dict[str, str | float | bool] = {"username_or_email": person.username, "password": person.password}
        self._context.request.post("/login", form=form, max_redirects=0)
        return self

    def cookies(self) -> dict[str, str]:
        """The cookies of this browser."""
        return {cookie["name"]: cookie["value"] for cookie in self._context.cookies()}

    def forget(self) -> None:
        """Lose all cookies."""
        self._context.clear_cookies()

    def come_back(self) -> None:
        """Look at the page again after another window, or after the machine slept."""
        self.page.evaluate(COME_BACK)

    def dress(self, width: int, scheme: str) -> None:
        """Look at the page in another width and another light."""
        self.page.set_viewport_size({"width": width, "height": _HEIGHT})
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    def barriers(self) -> list[dict[str, Any]]:
        """What axe-core finds that keeps people out."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        found: list[dict[str, Any]] = self.page.evaluate(_FINDINGS)
        return found

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate(_OVERFLOW))

    def unreachable(self) -> list[str]:
        """What one can click but not reach with the Tab key, all round the page twice: a busy browser drops keys."""
        self.page.wait_for_load_state()
        for _ in range(2 * int(self.page.evaluate(_REACHABLE)) + 4):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(_MEET):
                return []
        missed: list[str] = self.page.evaluate(_MISSED)
        return missed

    def complaints(self) -> list[str]:
        """What went wrong since one last asked."""
        found = [complaint for complaint in self._complaints if complaint not in self._refused]
        self._complaints.clear()
        return found

    def leave(self) -> list[str]:
        """Close the browser; returns what went wrong."""
        self._context.close()
        return self.complaints()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            refusal = message.text.startswith("Failed to load resource: the server responded with a status of 4")
            self._complaints.append(message.location["url"] if refusal else f"console: {message.text}")

    def _failed(self, error: WebError) -> None:
        self._complaints.append(f"script: {error.error}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.house.address}/", "data:")):
            self._complaints.append(f"asked a stranger: {request.url}")

    def _answered(self, response: Response) -> None:
        # A page that refuses is a page; the browser writes it into its console all the same.
        if response.request.is_navigation_request() and response.status >= 400:
            self._refused.add(response.url)
