"""The API's own page: signing in there and trying a call out."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.house import Person


def test_a_call_is_tried_out_with_username_and_password(admin: Person, visit: Visit) -> None:
    page = visit().go("/docs")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".auth-container")
    dialog.get_by_label("username").fill(admin.username)
    dialog.get_by_label("password").fill(admin.password)
    dialog.get_by_role("button", name=re.compile("^Apply")).click()
    expect(dialog.get_by_role("button", name=re.compile("^Remove"))).to_be_visible()
    page.locator(".close-modal").click()
    call = page.locator(".opblock", has_text="/api/auth/whoami").first
    call.locator(".opblock-summary-control").click()
    call.get_by_role("button", name="Execute").click()
    expect(call.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(call.locator(".live-responses-table")).to_contain_text(admin.username)
