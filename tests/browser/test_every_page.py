"""Every page in every state: open to everybody, in every width and light, by keyboard too."""

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Build, Visit
from tests.browser.guest import DESK, PHONE
from tests.browser.stage import Stage
from tests.browser.views import views

DRESSES: Final = ((PHONE, "light"), (DESK, "dark"))
"""Each width and each light once; `make pictures` asks about all four together, and about views that are alike."""

NARROWEST: Final = 320
"""Pixels: a desk of 1,280 at 400 % zoom (WCAG 2.2, 1.4.10)."""
_BY_KEYBOARD: Final = {  # none of the lodge, whose first visitor can come once
    *("account", "account-edit", "confirm-anonymize", "confirm-delete", "devices", "import", "login"),
    *("approvals", "approvals-open", "audit", "organization", "tier", "waiting-change"),
    *("messages", "register", "statistics", "user", "user-edit", "user-undo", "users", "users-bulk", "users-selected"),
}


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Houses with people in every state."""
    stage = Stage.build(browser, tmp_path_factory.mktemp("stage"), more_waiting=0)
    yield stage
    stage.close()


def test_every_page_is_open_to_everybody(stage: Stage) -> None:
    found: list[tuple[object, ...]] = []
    for view in (view for view in views() if not view.alike):
        guest = view.show(stage)
        found += [(view.name, complaint) for complaint in guest.complaints()]
        for width, scheme in DRESSES:
            guest.dress(width, scheme)
            found += [(view.name, width, scheme, finding["id"]) for finding in guest.barriers()]
            found += [(view.name, width, "overflow")] if guest.overflow() > 0 else []
        guest.dress(NARROWEST, "light")
        found += [(view.name, NARROWEST, "overflow")] if guest.overflow() > 0 else []
    assert not found


def test_every_page_can_be_used_by_keyboard_alone(stage: Stage) -> None:
    missed = {}
    for view in views():
        if view.name in _BY_KEYBOARD:
            guest = view.show(stage)
            missed[view.name] = guest.unreachable()
    assert not any(missed.values()), missed


def test_lists_lead_to_their_second_page_and_back(build: Build, visit: Visit) -> None:
    house = build()
    guest = visit(house).come_in(house.first())
    applicants = [house.applicant() for _ in range(52)]
    page = guest.go("/approvals")
    expect(page.get_by_role("article")).to_have_count(50)
    guest.follow("Next page")
    expect(page.get_by_role("article")).to_have_count(2)
    guest.press(f"Approve {applicants[50].username}")
    expect(page.get_by_role("article", name=applicants[51].username)).to_be_focused()
    guest.press(f"Approve {applicants[51].username}")
    expect(page.get_by_role("article")).to_have_count(50)
    guest.go("/users").get_by_role("link", name="Next page").click()
    expect(page.get_by_role("link", name="reception")).to_be_visible()
    guest.follow("Previous page")
    expect(page.get_by_role("rowheader")).to_have_count(50)


def test_the_number_of_those_who_wait_stands_on_every_page_of_the_desk(stage: Stage) -> None:
    guest = stage.guest(stage.admin)
    waiting = guest.go("/approvals").locator(".count").inner_text()
    for path in ("/users", "/account", f"/users/{stage.member.id}", f"/users/{stage.member.id}/delete"):
        expect(guest.go(path).locator(".count")).to_have_text(waiting, use_inner_text=True)
