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
    confirm(desk, member, "Make an administrator", f"Make {member.username} an administrator?")
    expect(desk.page.get_by_role("status").first).to_have_text(f"{member.username} is an administrator now.")
    expect(desk.page.get_by_role("definition").filter(has_text="Administrator")).to_be_visible()
    question = f"Take the administrator's rights of {member.username} away?"
    confirm(desk, member, "Take the administrator's rights away", question)
    expect(desk.page.get_by_role("definition").filter(has_text="Member")).to_be_visible()
    expect(desk.page.get_by_role("listitem").filter(has_text="Lost the administrator's rights")).to_be_visible()


def test_somebody_is_suspended_and_comes_back(house: House, desk: Guest, visit: Visit) -> None:
    member = house.member()
    guest = visit().come_in(member)
    confirm(desk, member, "Suspend", f"Suspend {member.username}?", reason="A lost laptop.")
    expect(desk.page.locator(".person-head")).to_have_text("Suspended")
    expect(desk.page.locator(".history")).to_contain_text("A lost laptop.")
    guest.go("/account")
    expect(guest.page.get_by_role("status").first).to_have_text("Your session has ended. Please sign in again.")
    confirm(desk, member, "Open the account again", f"Open the account of {member.username} again?")
    expect(desk.page.get_by_role("definition").filter(has_text="Member")).to_be_visible()
    guest.come_in(member).go("/account")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Your account")


def test_somebody_is_deleted(house: House, desk: Guest) -> None:
    member = house.member()
    confirm(desk, member, "Delete", f"Delete {member.username}?")
    expect(desk.page).to_have_url(re.compile("/users$"))
    expect(desk.page.get_by_role("status").first).to_have_text(f"{member.username} was deleted.")
    expect(desk.page.get_by_role("link", name=member.username, exact=True)).to_have_count(0)


def test_nothing_happens_to_somebody_when_one_cancels(house: House, desk: Guest) -> None:
    member = house.member()
    desk.go(f"/users/{member.id}/delete")
    desk.follow("Cancel, change nothing")
    expect(desk.page.get_by_text("Active", exact=True)).to_be_visible()


def test_a_temporary_password_is_shown_once_and_replaced(house: House, desk: Guest, visit: Visit) -> None:
    member = house.member()
    confirm(desk, member, "Give a temporary password", f"Give {member.username} a temporary password?")
    temporary = desk.page.get_by_label("Temporary password").input_value()
    desk.follow("I have copied it")
    expect(desk.page.get_by_text("Must change password")).to_be_visible()
    assert temporary not in desk.page.content()
    guest = visit()
    guest.go("/login")
    guest.fill(username_or_email=member.username, password=temporary).keyboard.press("Enter")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Please choose your own password")
    guest.fill(current_password=temporary, new_password="a shelf of blue jars")
    guest.press("Change the password")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Your account")


def test_one_s_own_rights_are_out_of_reach(desk: Guest, admin: Person) -> None:
    desk.go(f"/users/{admin.id}")
    expect(desk.page.get_by_text("This is you.")).to_be_visible()
    expect(desk.page.locator(".acts")).to_have_count(0)


def test_after_a_decision_one_carries_on_with_the_next_request(house: House, desk: Guest) -> None:
    first, second, third = house.applicant(), house.applicant(), house.applicant()
    desk.go("/approvals")
    desk.press(f"Approve {second.username}")
    expect(desk.page.get_by_role("article", name=third.username)).to_be_focused()
    expect(desk.page.get_by_role("status").first).to_be_in_viewport()
    desk.page.keyboard.press("k")
    expect(desk.page.get_by_role("article", name=first.username)).to_be_focused()
    desk.page.keyboard.press("a")
    expect(desk.page.get_by_role("button", name=f"Approve {first.username}")).to_be_focused()


def test_two_who_decide_at_once_hear_of_each_other(house: House, desk: Guest) -> None:
    applicant = house.applicant()
    desk.go("/approvals")
    house.decide(applicant, approved=True)
    desk.press(f"Approve {applicant.username}")
    expect(desk.page.get_by_role("status").first).to_have_text("Somebody has let them in already.")


def confirm(desk: Guest, person: Person, action: str, question: str, reason: str | None = None) -> None:
    """Go to somebody's page, choose an action, read the question, and say yes."""
    desk.go(f"/users/{person.id}")
    desk.follow(action)
    expect(desk.page.get_by_role("heading", level=1)).to_have_text(question)
    expect(desk.page.get_by_role("heading", name="What will happen")).to_be_visible()
    if reason:
        desk.fill(reason=reason)
    desk.press(action)
