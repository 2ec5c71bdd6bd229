"""Mails as a program shows them that understands HTML: hostile words are words, and everything fits and can be read."""

from dataclasses import replace
from typing import Final

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it brings no types
from playwright.sync_api import Browser, Dialog, Page

from backend.models import MailPurpose
from backend.services.example_letters import example
from backend.services.letters import Letters
from tests.security.test_inert_pages import VECTORS

WITH_ALL_PARTS: Final = (MailPurpose.RESET_PASSWORD, MailPurpose.ACCOUNT_APPROVED)
HOUSE: Final = "https://id.example.org"
PHONE: Final = 360
BARRIERS: Final = """async () => (await axe.run({
  resultTypes: ["violations"],
  rules: {region: {enabled: false}, "landmark-one-main": {enabled: false}},
})).violations.map((one) => one.id)"""
"""A mail is a part of the page that shows it, which has landmarks of its own."""
WIDER: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOREIGN: Final = (
    "() => [...document.querySelectorAll('*')].filter((one) => one.matches('script, img, svg, style, x\\\\:y'))"
)


@pytest.fixture
def page(browser: Browser) -> Page:
    """A page without an address; it complains about whatever a mail tries."""
    context = browser.new_context(viewport={"width": PHONE, "height": 800}, color_scheme="dark")
    return context.new_page()


def test_hostile_words_in_mails_are_words(page: Page) -> None:
    heard: list[str] = []

    def opened(dialog: Dialog) -> None:
        heard.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", opened)
    page.on("request", lambda request: heard.append(request.url))
    for vector in VECTORS:
        letter = replace(example(MailPurpose.ACCOUNT_REJECTED, HOUSE), name=vector, username=vector, reason=vector)
        page.set_content(Letters().write(MailPurpose.ACCOUNT_REJECTED, letter).html or "")
        page.locator("p").first.hover()

        assert page.locator("bdi").all_text_contents() == [vector] * 3
        assert page.evaluate(FOREIGN) == []
        assert page.evaluate(WIDER) == 0
    page.context.close()

    assert heard == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_mail_fits_a_phone_and_can_be_read_by_day_and_by_night(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    wider, barriers = {}, {}
    for purpose in MailPurpose:
        page.set_content(Letters().write(purpose, example(purpose, HOUSE)).html or "")
        wider[purpose] = page.evaluate(WIDER)
        if purpose in WITH_ALL_PARTS:
            page.evaluate(AXE_SCRIPT)
            barriers[purpose] = page.evaluate(BARRIERS)
    page.context.close()

    assert wider == dict.fromkeys(MailPurpose, 0)
    assert barriers == {purpose: [] for purpose in WITH_ALL_PARTS}
