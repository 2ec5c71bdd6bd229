"""Choosing a password: a meter that says how hard it is to guess, helps, and never stands in the way."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.guest import Guest
from tests.browser.house import House, Person


def _type(guest: Guest, password: str, name: str = "password") -> None:
    """Type as people do, who can be seen to type."""
    guest.page.locator(f"[name={name}]").fill("")
    guest.page.locator(f"[name={name}]").press_sequentially(password)


def test_who_chooses_a_password_reads_how_hard_it_is_to_guess(visit: Visit) -> None:
    guest = visit()
    page = guest.go("/register")
    words, meter = page.locator(".strength p"), page.locator(".strength meter")
    expect(meter).to_be_hidden()
    guest.fill(username="una.berg", email="una@example.org", institution="Harbour Observatory")
    for password, said, score in (
        ("short", "at least 8 characters", 0),
        ("una.berg 1815", "must not contain your username", 0),
        ("Harbour2026!", "more than a known name", 0),
        ("Sunshine&Rain", "Not hard to guess", 2),
        ("three quiet green doors", "Very hard to guess", 4),
    ):
        _type(guest, password)
        expect(words).to_contain_text(said)
        assert meter.evaluate("meter => meter.value") == score
    expect(words).to_have_attribute("aria-live", "polite")
    _type(guest, "")
    expect(meter).to_be_hidden()
    expect(words).to_be_empty()


def test_the_meter_helps_and_never_holds_a_form_back(visit: Visit) -> None:
    guest = visit()
    page = guest.go("/register")
    guest.fill(username="vala.holm", email="vala@example.org", password="Vestibule2026!")
    guest.press("Request access")
    expect(page.locator("#problems")).to_contain_text("more than a known name")
    page.route("**/password-strength", lambda route: route.fulfill(status=429))
    with page.expect_response("**/password-strength"):
        _type(guest, "a kettle on the sill")
    expect(page.locator(".strength meter")).to_be_hidden()
    guest.complaints()  # the browser's own line about the refusal
    guest.press("Request access")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your request is waiting for review")


def test_without_script_nothing_speaks_of_a_meter(visit: Visit) -> None:
    page = visit(java_script_enabled=False).go("/register")
    expect(page.locator(".strength meter")).to_be_hidden()
    expect(page.locator(".strength p")).to_be_empty()


def test_a_temporary_password_leads_nowhere_but_to_its_own_change(house: House, admin: Person, visit: Visit) -> None:
    member, desk, guest = house.member(), visit().come_in(admin), visit()
    desk.go(f"/users/{member.id}/reset-password")
    desk.press("Set temporary password")
    expect(desk.page.get_by_text("It works until")).to_contain_text("UTC")
    temporary = desk.page.get_by_label("Temporary password").input_value()
    guest.come_in(Person(member.id, member.username, member.email, temporary))
    for path in ("/devices", "/account/edit", "/account/deactivate", "/", "/login"):
        expect(guest.go(path).get_by_role("heading", level=1)).to_have_text("Choose your own password")
    guest.fill(current_password=temporary, new_password=temporary)
    guest.press("Change password")
    expect(guest.page.locator("#problems")).to_contain_text("This is the temporary password")
    guest.fill(current_password=temporary)
    _type(guest, f"my {member.username} here", "new_password")
    expect(guest.page.locator(".strength p")).to_contain_text("must not contain your username")
    guest.fill(new_password="a shelf of blue jars")
    guest.press("Change password")
    expect(guest.go("/devices").get_by_role("heading", level=1)).to_have_text("Your devices")
