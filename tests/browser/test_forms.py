"""Forms that go wrong, sessions that end, links from mails, and pages that are not there."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.house import PASSWORD, House, Person

NEW_PASSWORD = "a kettle on the sill"


def test_a_wrong_password_keeps_the_name_and_says_what_to_do(house: House, admin: Person, visit: Visit) -> None:
    guest = visit()
    guest.go("/login?next=/users")
    guest.fill(username_or_email=admin.username, password="not the password")
    page = guest.press("Sign in")
    expect(page.locator("#problems")).to_be_focused()
    expect(page.locator("#problems")).to_contain_text("Wrong username or password.")
    expect(page).to_have_title(re.compile("^Problem: "))
    expect(page.get_by_label("Username or email")).to_have_value(admin.username)
    expect(page.get_by_label("Password", exact=True)).to_be_empty()
    guest.fill(password=admin.password)
    guest.press("Sign in")
    expect(page).to_have_url(re.compile("/users$"))


def test_each_problem_of_a_form_stands_beside_its_field(house: House, admin: Person, visit: Visit) -> None:
    guest = visit()
    page = guest.go("/register")
    guest.fill(username="-", email="nobody@nowhere", approval_note="A long story.", password=PASSWORD)
    page.locator("form[action='/register']").evaluate("form => form.noValidate = true")
    guest.press("Request access")
    for label in ("Username", "Email"):
        field = page.get_by_label(label, exact=True)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(r"\w"))
    expect(page.locator("#problems li")).to_have_count(2)
    expect(page.get_by_label("Why do you want access?")).to_have_value("A long story.")
    page.locator("#problems a").first.click()
    expect(page.get_by_label("Username", exact=True)).to_be_focused()


def test_a_refused_new_password_is_marked_beside_its_field(house: House, visit: Visit) -> None:
    member = house.member()
    guest = visit().come_in(member)
    page = guest.go("/account")
    guest.fill(current_password=member.password, new_password="password1")
    guest.press("Change password")
    page.locator("#problems a").click()
    expect(page.get_by_label("New password", exact=True)).to_be_focused()
    expect(page.get_by_label("New password", exact=True)).to_have_attribute("aria-invalid", "true")


def test_a_password_can_be_looked_at(visit: Visit) -> None:
    guest = visit()
    page = guest.go("/login")
    guest.fill(password="three quiet doors")
    guest.press("Show password")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    guest.press("Hide password")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "password")


def test_who_is_inside_needs_no_desk(admin: Person, visit: Visit) -> None:
    page = visit().come_in(admin).go("/login?next=/users")
    expect(page).to_have_url(re.compile("/users$"))


def test_the_waiting_page_of_nobody_is_the_desk(admin: Person, visit: Visit) -> None:
    page = visit().go("/waiting")
    expect(page).to_have_url(re.compile("/login$"))


def test_a_forgotten_password_is_replaced_by_mail(house: House, visit: Visit) -> None:
    member, guest = house.member(), visit()
    page = guest.go("/login")
    guest.follow("Forgot your password?")
    guest.fill(email=member.email)
    guest.press("Request reset link")
    expect(page.get_by_text("If an active account has this email address")).to_be_visible()
    page.goto(house.mail_to(member, "Reset your password").link)
    expect(page).to_have_url(re.compile("/reset-password$"))  # the code is gone from the address
    expect(page.get_by_label("Code from the mail")).to_be_hidden()
    guest.fill(password=NEW_PASSWORD)
    guest.press("Set new password")
    expect(page.get_by_role("status").first).to_contain_text("Your password was changed.")
    guest.fill(username_or_email=member.email, password=NEW_PASSWORD)
    guest.press("Sign in")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


def test_an_address_is_confirmed_by_one_click(house: House, visit: Visit) -> None:
    member, guest = house.member(), visit()
    guest.go("/verify#token=an-older-code")
    page = guest.go(house.mail_to(member, "Confirm your email address").link)
    guest.press("Confirm address")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your email address is confirmed")
    guest.come_in(member).go("/account")
    expect(page.get_by_text("confirmed", exact=True)).to_be_visible()


def test_a_used_link_says_so_and_shows_the_way_on(house: House, visit: Visit) -> None:
    guest = visit()
    page = guest.go("/reset-password#token=a-code-that-never-was")
    guest.fill(password=NEW_PASSWORD)
    guest.press("Set new password")
    expect(page.locator("#problems")).to_contain_text("use the newest one")
    guest.follow("Request a new link")
    expect(page.get_by_role("heading", level=1)).to_have_text("Forgot your password?")


def test_pages_that_are_not_there_or_not_for_everybody(house: House, visit: Visit) -> None:
    guest = visit().come_in(house.member())
    page = guest.go("/no/such/page")
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    for path in ("/users", "/approvals"):
        page = guest.go(path)
        expect(page.get_by_role("heading", level=1)).to_have_text("You do not have permission")
        expect(page.get_by_role("navigation", name="Main").get_by_role("link")).to_have_count(3)
    guest.follow("Back to start")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
