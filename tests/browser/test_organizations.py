"""Organizations in a real browser: a link handed over, opened by a stranger, kept through signing in, and accepted."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.guest import PHONE, Guest
from tests.browser.house import House, Person


def found(guest: Guest, name: str) -> str:
    """Make an organization by its form; returns where it is."""
    page = guest.go("/organizations")
    guest.fill(name=name)
    guest.press("Create organization")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    return page.url.removeprefix(guest.house.address)


def link(guest: Guest, there: str) -> str:
    """Invite by link; returns what is handed over."""
    page = guest.go(there)
    guest.press("Send invitation")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Invitation link to")
    return page.get_by_label("Link").input_value().removeprefix(guest.house.address)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_stranger_opens_a_link_signs_in_and_comes_in(house: House, visit: Visit, scripts: bool) -> None:  # noqa: FBT001
    owner, member = house.member(full_name="Ada Hallward"), house.member()
    host, guest = visit().come_in(owner), visit(java_script_enabled=scripts)
    name = f"Observatory {'with' if scripts else 'without'} scripts"
    there = found(host, name)
    handed = link(host, there)
    seen = list[str]()
    guest.page.on("request", lambda request: seen.append(f"{request.url} {request.headers}"))
    page = _opened(guest, handed, scripts=scripts)
    expect(page.locator(".lead")).to_contain_text("Ada Hallward invites you to join as a member.")
    expect(page.locator("[data-keeps-invitation]")).to_be_visible(visible=scripts)
    guest.follow("Sign in")
    if scripts:
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Join")
        guest.follow("Sign in")
    guest.fill(username_or_email=member.username, password=member.password)
    guest.press("Sign in")
    if not scripts:  # nothing keeps it but the link itself
        _opened(guest, handed, scripts=False)
    guest.press("Accept")
    expect(page.get_by_role("status").first).to_have_text(f"Welcome. You are now a member of {name}.")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    guest.go("/account")
    expect(page.get_by_text("You have an invitation.")).to_have_count(0)
    expect(page.get_by_role("link", name=name)).to_be_visible()
    assert not [one for one in seen if handed.partition("token=")[2] in one]  # in no address, and in no Referer


def test_who_goes_astray_while_signing_in_is_reminded_and_nobody_after_them(house: House, visit: Visit) -> None:
    host, guest = visit().come_in(house.member()), visit()
    handed = link(host, found(host, "Lantern Guild"))
    page = _opened(guest, handed, scripts=True)
    waits = page.get_by_text("You have an invitation.")
    for person, reminded in ((house.member(), True), (house.member(), False)):
        guest.go("/login")
        guest.fill(username_or_email=person.username, password=person.password)
        guest.press("Sign in")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
        expect(waits).to_have_count(int(reminded))
        if reminded:
            page.get_by_role("banner").get_by_role("button", name="Sign out").click()
            expect(page).to_have_url(re.compile("/login"))
    _opened(guest, handed, scripts=True)
    guest.go("/account")
    guest.follow("View invitation")
    guest.press("Decline")
    expect(page.get_by_role("heading", level=1)).to_have_text("Invitation declined")
    guest.go(handed)
    expect(page.locator("#problems")).to_contain_text("This invitation is not valid")
    guest.go("/account")
    expect(waits).to_have_count(0)


def test_an_invitation_for_another_address_says_so(house: House, visit: Visit) -> None:
    meant, other = house.member(), house.member()
    host, guest = visit().come_in(house.member()), visit().come_in(other)
    there = found(host, "Clock House")
    page = _opened(guest, link(host, there), scripts=True)
    host.go(there)
    host.fill(email=meant.email)
    host.press("Send invitation")
    guest.go(host.page.get_by_label("Link").input_value().removeprefix(house.address))  # in place of the first
    expect(page.get_by_role("heading", level=2)).to_have_text("This invitation is for another account")
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    guest.fill(username_or_email=meant.email, password=meant.password)
    guest.press("Sign in")
    guest.follow("View invitation")
    guest.press("Accept")
    expect(page).to_have_url(re.compile(f"{there}$"))


def test_a_member_is_made_an_admin_and_removed_by_keyboard_alone(house: House, visit: Visit) -> None:
    owner, member = house.member(), house.member(full_name="Boris Lamp")
    host, bearer = visit().come_in(owner), {"Authorization": f"Bearer {house.sign_in(member)}"}
    there = found(host, "House of Keys")
    token = {"token": link(host, there).partition("token=")[2]}
    assert house.api.post("/api/v1/organizations/invitations/accept", json=token, headers=bearer).is_success
    page = host.go(there)
    _tab_to(page, "link", "Boris Lamp")
    _tab_to(page, "link", "Make admin")
    _tab_to(page, "button", "Make admin")
    expect(page.get_by_role("status").first).to_have_text("Boris Lamp is now an admin of House of Keys.")
    _tab_to(page, "button", "Undo")
    expect(page.get_by_role("status").first).to_have_text("Boris Lamp is now a member of House of Keys.")
    _tab_to(page, "link", "Boris Lamp")
    _tab_to(page, "link", "Remove from organization")
    expect(page.get_by_role("heading", level=1)).to_have_text("Remove Boris Lamp from House of Keys?")
    _tab_to(page, "button", "Remove from organization")
    expect(page.get_by_role("status").first).to_contain_text("To add them again, invite them.")
    expect(page.get_by_role("rowheader")).to_have_count(1)


def test_a_tier_with_a_limit_is_made_and_given(house: House, admin: Person, visit: Visit) -> None:
    desk, member = visit().come_in(admin), house.member()
    page = desk.go("/account")
    page.locator("summary", has_text="More").press("Enter")
    desk.follow("Tiers")
    desk.fill(name="Reading room")
    desk.press("Create tier")
    desk.fill(path="/api/v1/users", amount="100")
    desk.press("Add limit")
    expect(page.get_by_role("cell", name="100 requests per minute")).to_be_visible()
    desk.go(f"/users/{member.id}")
    page.get_by_label("API limits for this person").select_option(label="Reading room")
    desk.press("Save the tier")
    expect(page.get_by_role("status").first).to_have_text(f"{member.username} now has the tier Reading room.")
    expect(page.get_by_text("100 requests per minute to /api/v1/users")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_menu_opens_and_closes_by_keyboard(admin: Person, visit: Visit, scripts: bool) -> None:  # noqa: FBT001
    desk = visit(java_script_enabled=scripts).come_in(admin)
    desk.dress(PHONE, "light")
    page = desk.go("/account")
    more, mail = page.locator("summary", has_text="More"), page.get_by_role("link", name="Mail", exact=True)
    expect(mail).to_be_hidden()
    more.press("Enter")
    expect(mail).to_be_visible()
    more.press("Escape" if scripts else "Enter")
    expect(mail).to_be_hidden()
    expect(more).to_be_focused()
    more.press("Enter")
    mail.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mail")
    expect(page.locator("summary", has_text="More")).to_have_attribute("aria-current", "true")
    oneself = page.get_by_role("navigation", name="Your account").locator("summary")
    oneself.press("Enter")
    page.get_by_role("link", name="Devices", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your devices")
    expect(oneself).to_have_attribute("aria-current", "true")


def _opened(guest: Guest, handed: str, *, scripts: bool) -> Page:
    """Open a link that was handed over, and look at what it offers."""
    page = guest.go(handed)
    if not scripts:
        guest.fill(token=handed.partition("token=")[2])
        guest.press("View invitation")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Join")
    return page


def _tab_to(page: Page, role: str, name: str) -> None:
    """Go to something with the Tab key, and use it."""
    wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]  # Playwright's own list of words
    expect(wanted).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("(one) => one === document.activeElement"):
            break
    expect(wanted).to_be_focused()
    page.keyboard.press("Enter")
