"""Requests decided about by somebody who has fifty of them: by mouse, by keyboard, many at once."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.guest import PHONE, Guest
from tests.browser.house import House, Person

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


@pytest.fixture
def approver(house: House) -> Person:
    """Somebody who decides, and is no administrator."""
    person = house.member()
    house.make_approver(person)
    return person


@pytest.fixture
def desk(visit: Visit, approver: Person) -> Guest:
    """The approver at work."""
    return visit().come_in(approver)


@SCRIPTS
def test_many_are_approved_after_a_question(house: House, approver: Person, visit: Visit, scripts: bool) -> None:  # noqa: FBT001
    institution = f"Guild {uuid4().hex}"
    first, second, third = (house.applicant(institution=institution) for _ in range(3))
    desk = visit(java_script_enabled=scripts).come_in(approver)
    page = desk.go("/approvals")
    desk.fill(query=institution)
    desk.press("Search")
    for applicant in (first, second):
        page.get_by_role("checkbox", name=f"Select {applicant.username}", exact=True).check()
    desk.press("Approve… those selected")
    expect(page.get_by_role("heading", level=1)).to_have_text("Approve 2 people?")
    expect(page.locator(".people")).to_contain_text(first.username)
    house.decide(second, approved=False)
    desk.press("Approve 2 people")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 person was approved")
    expect(page.locator(".people li")).to_have_count(1)
    expect(page.locator(".people")).to_contain_text(second.username)
    page.get_by_role("link", name="Back to the list", exact=True).last.click()
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_role("article", name=third.username)).to_be_visible()


def test_all_of_a_page_are_chosen_from_its_top(house: House, desk: Guest) -> None:
    institution = f"Guild {uuid4().hex}"
    for _ in range(12):
        house.applicant(institution=institution)
    page = desk.go(f"/approvals?query={institution}")
    expect(page.get_by_label("Select all on this page")).to_be_in_viewport()
    page.get_by_label("Select all on this page").check()
    desk.press("Reject… those selected")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reject 12 people?")


def test_a_rejection_asks_for_its_reason_in_all_the_width_of_the_row(house: House, desk: Guest) -> None:
    request = _request(desk, house.applicant())
    _open(request, "Reject…")
    reason = _reason(request)
    expect(reason).to_be_focused()
    for width in (PHONE, 1280):
        desk.dress(width, "light")
        assert _width(reason) > 0.7 * _width(request)
    reason.press("Escape")
    expect(request.get_by_label("Reason").first).to_be_hidden()
    expect(request.locator("[data-asks=reject] summary")).to_be_focused()
    _open(request, "Reject…")
    request.get_by_text("Cancel").click()
    expect(request.get_by_label("Reason").first).to_be_hidden()


@SCRIPTS
def test_enter_rejects_with_the_reason(house: House, approver: Person, visit: Visit, scripts: bool) -> None:  # noqa: FBT001
    applicant, desk = house.applicant(), visit(java_script_enabled=scripts).come_in(approver)
    request = _request(desk, applicant)
    _open(request, "Reject…")
    _reason(request).fill("We know nobody of this name.")
    _reason(request).press("Enter")
    expect(desk.page.get_by_role("status").first).to_have_text(f"The request of {applicant.username} was rejected.")
    desk.press("Undo")
    expect(desk.page.get_by_role("status").first).to_have_text(f"{applicant.username} is waiting again.")


@SCRIPTS
def test_an_approval_can_be_given_a_reason(house: House, approver: Person, visit: Visit, scripts: bool) -> None:  # noqa: FBT001
    applicant, desk = house.applicant(), visit(java_script_enabled=scripts).come_in(approver)
    request = _request(desk, applicant)
    request.locator("summary[title='Approve with a reason']").click()
    _reason(request).fill("Come on Monday.")
    request.get_by_role("button", name=f"Approve {applicant.username}, with this reason").click()
    expect(desk.page.get_by_role("status").first).to_have_text(f"{applicant.username} was approved.")
    expect(desk.page.get_by_role("article", name=applicant.username)).to_have_count(0)


def test_after_a_decision_one_carries_on_with_the_next_request(house: House, desk: Guest) -> None:
    first, second, third = house.applicant(), house.applicant(), house.applicant()
    page = desk.go("/approvals")
    desk.press(f"Approve {second.username}")
    expect(page.get_by_role("article", name=third.username)).to_be_focused()
    expect(page.get_by_role("status").first).to_be_in_viewport()
    page.keyboard.press("k")
    expect(page.get_by_role("article", name=first.username)).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name=f"Approve {first.username}")).to_be_focused()
    page.keyboard.press("r")
    reason = _reason(page.get_by_role("article", name=first.username))
    expect(reason).to_be_focused()
    page.keyboard.type("rejected by keyboard")
    expect(reason).to_have_value("rejected by keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_have_text(f"The request of {first.username} was rejected.")
    expect(page.get_by_role("article", name=third.username)).to_be_focused()


def test_two_who_decide_at_once_hear_of_each_other(house: House, desk: Guest) -> None:
    applicant = house.applicant()
    _request(desk, applicant)
    house.decide(applicant, approved=True)
    desk.press(f"Approve {applicant.username}")
    expect(desk.page.get_by_role("status").first).to_have_text("This request was already approved.")


def test_a_request_leads_an_administrator_to_its_person(house: House, admin: Person, visit: Visit) -> None:
    applicant, desk = house.applicant(), visit().come_in(admin)
    _request(desk, applicant).get_by_role("link", name=applicant.username).click()
    expect(desk.page).to_have_url(re.compile(f"/users/{applicant.id}$"))


def _request(desk: Guest, applicant: Person) -> Locator:
    """Somebody's request, on a page where it is the only one."""
    return desk.go(f"/approvals?query={applicant.email}").get_by_role("article", name=applicant.username, exact=True)


def _open(request: Locator, words: str) -> None:
    request.get_by_text(words).click()


def _reason(request: Locator) -> Locator:
    return request.get_by_label("Reason").locator("visible=true")


def _width(place: Locator) -> float:
    box = place.bounding_box()
    assert box
    return box["width"]
