"""Where one is signed in, and how one ends it."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.guest import Guest
from tests.browser.house import House

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_one_device_is_signed_out_from_another_without_script(house: House, visit: Visit) -> None:
    member = house.member()
    here = visit(java_script_enabled=False).come_in(member)
    there = visit(user_agent=FIREFOX, java_script_enabled=False).come_in(member)
    page = here.go("/account")
    here.follow("Your devices")
    expect(row(page, "Chrome on Linux")).to_contain_text("This device")
    expect(row(page, "Chrome on Linux").get_by_role("button")).to_have_count(0)
    here.press("Sign out Firefox on Windows")
    expect(page.get_by_role("status").first).to_have_text("Firefox on Windows was signed out.")
    expect(page.get_by_role("heading", level=2)).to_have_text("You are not signed in anywhere else")
    expect(there.go("/account").get_by_role("status").first).to_contain_text("Your session has ended.")


def test_everywhere_else_is_signed_out_after_a_question(house: House, visit: Visit) -> None:
    member, here = house.member(), visit()
    house.sign_in(member)
    page = here.go("/login?next=/devices")
    page.get_by_label("Stay signed in on this device").check()
    here.fill(username_or_email=member.username, password=member.password)
    here.press("Sign in")
    expect(row(page, "Chrome on Linux")).to_contain_text("Stays signed in")
    expect(row(page, "Chrome on Linux")).to_contain_text("in 30 days")
    ask(here)
    here.follow("Cancel")
    expect(row(page, "python-httpx")).to_be_visible()
    ask(here)
    here.press("Sign out everywhere else")
    expect(page.get_by_role("status").first).to_have_text("You are signed out of one other device.")
    expect(page.get_by_role("rowheader")).to_have_count(1)


def row(page: Page, name: str) -> Locator:
    """The line about a device."""
    return page.get_by_role("row").filter(has_text=name)


def ask(guest: Guest) -> None:
    guest.follow("Sign out everywhere else…")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Sign out everywhere else?")
    expect(guest.page.get_by_role("heading", name="What will happen")).to_be_visible()
