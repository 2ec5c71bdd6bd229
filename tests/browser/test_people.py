"""What an administrator does to accounts, each thing announced before it happens."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.guest import Guest
from tests.browser.house import House, Person


@pytest.fixture
def desk(visit: Visit, admin: Person) -> Guest:
    """The administrator at work."""
    return visit().come_in(admin)


def test_somebody_is_made_an_administrator_and_is_one_no_more(house: House, desk: Guest) -> None:
    member = house.member()
    confirm(desk, member, "Make administrator", f"Make {member.username} an administrator?")
    expect(desk.page.get_by_role("status").first).to_have_text(f"{member.username} is now an administrator.")
    expect(desk.page.get_by_role("definition").filter(has_text="Administrator")).to_be_visible()
    confirm(desk, member, "Make approver", f"Make {member.username} an approver?")
    expect(desk.page.get_by_role("definition").filter(has_text="Approver")).to_be_visible()
    desk.press("Undo")
    expect(desk.page.get_by_role("status").first).to_have_text(f"{member.username} is now an administrator.")
    confirm(desk, member, "Remove administrator role", f"Remove the administrator role from {member.username}?")
    expect(desk.page.get_by_role("definition").filter(has_text="User")).to_be_visible()
    expect(desk.page.get_by_role("listitem").filter(has_text="Administrator role removed").first).to_be_visible()


def test_somebody_is_suspended_and_comes_back(house: House, desk: Guest, visit: Visit) -> None:
    member = house.member()
    guest = visit().come_in(member)
    confirm(desk, member, "Suspend", f"Suspend {member.username}?", reason="A lost laptop.")
    expect(desk.page.locator(".person-head")).to_have_text("Suspended")
    expect(desk.page.locator(".history")).to_contain_text("A lost laptop.")
    guest.go("/account")
    expect(guest.page.get_by_role("status").first).to_have_text("Your session has ended. Please sign in again.")
    confirm(desk, member, "Reactivate", f"Reactivate {member.username}?")
    expect(desk.page.get_by_role("definition").filter(has_text="User")).to_be_visible()
    guest.come_in(member).go("/account")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Your account")


def test_somebody_is_deleted_and_comes_back(house: House, desk: Guest) -> None:
    member = house.member()
    confirm(desk, member, "Delete", f"Delete {member.username}?")
    expect(desk.page).to_have_url(re.compile("/users$"))
    expect(desk.page.get_by_role("status").first).to_have_text(f"{member.username} was deleted.")
    expect(desk.page.get_by_role("link", name=member.username, exact=True)).to_have_count(0)
    desk.press("Undo")
    expect(desk.page.get_by_role("status").first).to_have_text(f"{member.username} was restored.")
    expect(desk.page.locator(".person-head")).to_have_text("Active")


def test_somebody_is_erased_when_their_name_was_typed(house: House, desk: Guest) -> None:
    member = house.member()
    desk.go(f"/users/{member.id}/anonymize")
    desk.fill(typed_name="somebody else")
    desk.press("Erase for good")
    expect(desk.page.locator("#problems")).to_be_focused()
    desk.page.locator("#problems a").click()
    expect(desk.page.get_by_label("Type the username")).to_be_focused()
    desk.fill(typed_name=member.username)
    desk.press("Erase for good")
    expect(desk.page.locator(".person-head")).to_have_text("Erased")


def test_somebody_is_found_and_edited(house: House, desk: Guest) -> None:
    member = house.member(full_name="Анна Ильина", institution="House of Kites")
    desk.go("/users")
    desk.fill(query="ильина").keyboard.press("Enter")
    expect(desk.page.get_by_text("1 person found.")).to_be_visible()
    desk.follow("Анна Ильина")
    desk.follow(f"Edit {member.username}")
    desk.fill(full_name="Анна Петрова", access_expires_at="2031-05-17")
    desk.press("Save changes")
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("Анна Петрова")
    expect(desk.page.get_by_role("definition").filter(has_text="17 May 2031").first).to_be_visible()


def test_an_account_is_made_and_its_password_shown_once(house: House, desk: Guest, visit: Visit) -> None:
    desk.go("/users")
    desk.follow("Create account")
    desk.fill(username="made.here", email="made@example.org")
    desk.press("Create account")
    password = desk.page.get_by_label("Temporary password").input_value()
    guest = visit()
    guest.go("/login")
    guest.fill(username_or_email="made.here", password=password).keyboard.press("Enter")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Choose your own password")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_many_are_chosen_and_suspended(house: House, admin: Person, visit: Visit, scripts: bool) -> None:  # noqa: FBT001
    institution = f"Kite Club {scripts}"
    members = [house.member(institution=institution) for _ in range(3)]
    desk = visit(java_script_enabled=scripts).come_in(admin)
    page = desk.go(f"/users?query=kite+club+{scripts}")
    for member in members[:2]:
        page.get_by_role("checkbox", name=f"Select {member.username}", exact=True).check()
    page.get_by_label("With those selected").last.select_option(label="Suspend")
    desk.press("Continue…")
    expect(page.get_by_role("heading", level=1)).to_have_text("Suspend 2 people?")
    desk.press("Suspend 2 people")
    expect(page.get_by_role("status").first).to_have_text("2 people were suspended.")
    expect(page.get_by_role("row").filter(has_text="Suspended")).to_have_count(2)
    expect(page.get_by_text("3 people found.")).to_be_visible()


def test_all_of_a_page_are_chosen_with_one_click(house: House, admin: Person, desk: Guest) -> None:
    for _ in range(2):
        house.applicant(institution="Lantern Guild")
    page = desk.go("/users?query=lantern")
    desk.press("Continue…")
    expect(page).to_have_url(re.compile("query=lantern$"))
    every = page.get_by_label("Select all on this page")
    every.check()
    count = page.locator("[data-bulk-count]")
    expect(count).to_have_text("2 selected")
    page.get_by_role("checkbox", name=re.compile("^Select visitor")).first.uncheck()
    expect(every).to_be_checked(indeterminate=True)
    expect(count).to_have_text("1 selected")


FILE = "username,email\n" + "".join(f"kite{n},kite{n}@example.org\n" for n in range(30)) + "-,none@example.org\n"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_file_is_checked_and_taken_in(house: House, admin: Person, visit: Visit, scripts: bool) -> None:  # noqa: FBT001
    desk, names = visit(java_script_enabled=scripts).come_in(admin), FILE.replace("kite", f"k{scripts}")
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": names.encode()}
    page = desk.go("/users/import")
    page.get_by_label("File", exact=True).set_input_files(file)  # type: ignore[arg-type]  # Playwright's own shape
    desk.press("Check file")
    expect(page.locator("#result")).to_contain_text("30 accounts would be created, 1 row would be skipped.")
    if not scripts:
        page.get_by_label("File", exact=True).set_input_files(file)  # type: ignore[arg-type]
    desk.press("Import accounts")
    expect(page.locator("#result")).to_contain_text("30 accounts were created, 1 row was skipped.")
    expect(page.get_by_role("row").filter(has_text="Skipped")).to_have_count(1)
    page.get_by_role("link", name=f"k{scripts}7").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"k{scripts}7")


def test_a_file_that_is_none_says_so(desk: Guest) -> None:
    page = desk.go("/users/import")
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"colour\nred\n"}
    )
    desk.press("Check file")
    expect(page.get_by_role("heading", name="This did not work")).to_be_visible()
    expect(page.get_by_role("button", name="Import accounts")).to_be_enabled()
    desk.complaints()  # the browser's own line about the refusal


def test_nothing_happens_to_somebody_when_one_cancels(house: House, desk: Guest) -> None:
    member = house.member()
    desk.go(f"/users/{member.id}/delete")
    desk.follow("Cancel")
    expect(desk.page.get_by_text("Active", exact=True)).to_be_visible()


def test_a_temporary_password_is_shown_once_and_replaced(house: House, desk: Guest, visit: Visit) -> None:
    member = house.member()
    confirm(desk, member, "Set temporary password", f"Set a temporary password for {member.username}?")
    temporary = desk.page.get_by_label("Temporary password").input_value()
    desk.follow("I have copied it")
    expect(desk.page.get_by_text("Must change password")).to_be_visible()
    assert temporary not in desk.page.content()
    guest = visit()
    guest.go("/login")
    guest.fill(username_or_email=member.username, password=temporary).keyboard.press("Enter")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Choose your own password")
    guest.fill(current_password=temporary, new_password="a shelf of blue jars")
    guest.press("Change password")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Your account")


def test_one_s_own_rights_are_out_of_reach(desk: Guest, admin: Person) -> None:
    desk.go(f"/users/{admin.id}")
    expect(desk.page.get_by_text("This is your own account.")).to_be_visible()
    expect(desk.page.locator(".acts")).to_have_count(0)


def confirm(desk: Guest, person: Person, action: str, question: str, reason: str | None = None) -> None:
    """Go to somebody's page, choose an action, read the question, and say yes."""
    desk.go(f"/users/{person.id}")
    desk.follow(action)
    expect(desk.page.get_by_role("heading", level=1)).to_have_text(question)
    expect(desk.page.get_by_role("heading", name="What will happen")).to_be_visible()
    if reason:
        desk.fill(reason=reason)
    desk.press(action)
