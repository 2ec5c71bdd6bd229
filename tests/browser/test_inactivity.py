"""Sessions that end while somebody looks at a page: said before, and nothing typed is thrown away."""

import re
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Build, Visit
from tests.browser.guest import COME_BACK, Guest
from tests.browser.house import House, Person
from tests.machines.forks import Clock

_ALLOWED: Final = 20 * 60
_LEFT: Final = 110
"""Seconds of the twenty minutes that are left, so that one is told, and nobody has to hurry."""


def test_one_is_told_in_time_and_stays_or_comes_back_to_where_one_was(
    build: Build, visit: Visit, tmp_path: Path
) -> None:
    clock = Clock(tmp_path / "time")
    house = build(clock)
    busy, away = house.first(), house.member()
    still, typing = visit(house).come_in(away), visit(house).come_in(busy)
    still.go("/account?from=a-mail")
    field = typing.go("/account").get_by_label("Current password", exact=True)
    tab = typing.page.context.new_page()
    tab.goto("/devices")
    field.focus()

    clock.set(_ALLOWED - _LEFT)
    tab.evaluate(COME_BACK)
    expect(warning(tab).get_by_role("button", name="Stay signed in")).to_be_focused()
    typing.come_back()
    expect(warning(typing.page)).to_contain_text(
        re.compile("You will be signed out in . minutes? because of inactivity")
    )
    typing.page.keyboard.press("Escape")
    expect(warning(tab)).to_be_hidden()
    expect(warning(typing.page)).to_be_hidden()
    expect(field).to_be_focused()

    clock.set(_ALLOWED + 2 * _LEFT)
    still.come_back()
    expect(still.page).to_have_url(re.compile(r"/login\?why=inactivity&next=%2Faccount%3Ffrom%3Da-mail$"))
    expect(still.page.get_by_role("status").first).to_contain_text("after a period of inactivity")
    still.fill(username_or_email=away.username, password=away.password)
    still.press("Sign in")
    expect(still.page).to_have_url(re.compile(r"/account\?from=a-mail$"))
    expect(typing.go("/account").get_by_role("heading", level=1)).to_have_text("Your account")


def test_what_was_typed_stays_when_the_session_ends(house: House, admin: Person, visit: Visit) -> None:
    member = house.member()
    guest = visit().come_in(admin)
    page = guest.go(f"/users/{member.id}/suspend")
    guest.fill(reason="A lost laptop, and a long story about it.")
    sign_out_elsewhere(guest)
    guest.come_back()
    expect(warning(page)).to_contain_text("You have been signed out. Copy what you typed, then sign in again.")
    guest.press("Suspend")
    expect(warning(page).get_by_role("link", name="sign in again")).to_be_focused()
    expect(page.get_by_label("Reason")).to_have_value("A lost laptop, and a long story about it.")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/login\?next=%2Fusers%2F{member.id}%2Fsuspend$"))


def warning(page: Page) -> Locator:
    """What stands at the foot of the page before a session ends, and after."""
    return page.get_by_role("alertdialog")


def sign_out_elsewhere(guest: Guest) -> None:
    tab = guest.page.context.new_page()
    tab.goto("/account")
    tab.get_by_role("banner").get_by_role("button", name="Sign out").click()
    expect(tab).to_have_url(re.compile("signed_out"))
    tab.close()
