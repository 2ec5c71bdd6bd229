"""How an administrator finds out what happened: filters, details by keyboard, a person's records, the file."""

import csv
import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.guest import Guest
from tests.browser.house import House, Person

PHONE = 390


def test_an_administrator_finds_who_tried_to_come_in(house: House, admin: Person, visit: Visit) -> None:
    member, stranger, desk = house.member(), visit(), visit().come_in(admin)
    for _ in range(3):
        stranger.go("/login")
        stranger.fill(username_or_email=member.username, password="not the password")
        stranger.press("Sign in")
    stranger.complaints()
    page = desk.go("/overview")
    page.get_by_text("More", exact=True).click()
    desk.follow("Audit")
    page.get_by_label("What").select_option(label="Refusals: all")
    desk.fill(target=member.email)
    desk.press("Filter")
    row = page.get_by_role("row").filter(has_text="Sign-in failed")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("wrong password")
    expect(row).to_contain_text("3 times")
    expect(row.get_by_role("cell").nth(0)).to_have_text("Not signed in")
    details = row.locator("summary")
    details.focus()
    page.keyboard.press("Enter")
    expect(row.locator("dl time:visible")).to_have_count(3)
    row.get_by_role("link", name=re.compile("^from ")).click()
    expect(page.get_by_label("Network address")).not_to_have_value("")
    for width, scheme in ((PHONE, "light"), (PHONE, "dark")):
        desk.dress(width, scheme)
        assert desk.overflow() == 0
        assert desk.barriers() == []


def test_a_person_s_history_leads_to_all_their_records_and_these_to_a_file(
    house: House, admin: Person, visit: Visit
) -> None:
    member, desk = house.member(), visit().come_in(admin)
    page = desk.go(f"/users/{member.id}")
    desk.follow(f"All records about {member.username}")
    expect(page.get_by_text(f"About {member.username}", exact=True)).to_be_visible()
    shown = _approvals(desk)
    with page.expect_download() as download:
        desk.follow("CSV")
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["target"] for row in written if row["action"] == "admin_user_approved"] == [member.username] * shown
    desk.go("/audit?action=exports")
    expect(page.get_by_role("row").filter(has_text="Audit exported").first).to_be_visible()


def _approvals(desk: Guest) -> int:
    rows = desk.page.get_by_role("row").filter(has_text="Approved")
    expect(rows).not_to_have_count(0)
    return rows.count()
