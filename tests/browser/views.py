"""Every page and every important state of one: how to get there. Tests and pictures go through the same list."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from playwright.sync_api import expect

from tests.browser import cast
from tests.browser.guest import Guest
from tests.browser.house import PASSWORD, Person
from tests.browser.stage import Stage

_ACTIONS: Final = (
    *("promote", "appoint", "suspend", "expire", "end-sessions", "reset-password", "make-reset-link"),
    *("make-verification-link", "delete", "anonymize"),
)
_UNLIKE: Final = {"suspend", "delete", "anonymize"}
"""Confirmations with a field of their own, or the gravest words."""


@dataclass(frozen=True)
class View:
    """One page in one state; `show` brings a guest to it. What is `alike` differs from another view in words only."""

    name: str
    show: Callable[[Stage], Guest]
    alike: bool = False


def views() -> list[View]:
    """All of them, in the order in which people meet them."""
    return [
        View("welcome", lambda stage: _at(stage.guest(house=stage.lodge), "/")),
        View("welcome-problems", _welcome_problems),
        View("register", lambda stage: _at(stage.guest(), "/register")),
        View("register-strength", _register_strength),
        View("register-problems", _register_problems),
        View("registration-closed", _registration_closed),
        View("registered", lambda stage: _at(stage.guest(), "/registered")),
        View("waiting", lambda stage: _signed_in(stage, stage.pending, "Your request is waiting for review")),
        View("waiting-change", lambda stage: _about_request(stage, stage.pending, "Change request")),
        View("waiting-change-refused", _change_refused),
        View("waiting-withdraw", lambda stage: _about_request(stage, stage.pending, "Withdraw…")),
        View("rejected", lambda stage: _signed_in(stage, stage.rejected, "Your request was rejected")),
        View("rejected-again", lambda stage: _about_request(stage, stage.rejected, "Send request again")),
        View("let-in", _let_in),
        View(
            "suspended",
            lambda stage: _signed_in(stage, stage.suspended, "Your account is suspended"),
            alike=True,
        ),
        View("login", lambda stage: _at(stage.guest(), "/login")),
        View("login-inactivity", lambda stage: _at(stage.guest(), "/login?why=inactivity&next=/account"), alike=True),
        View("login-refused", _login_refused),
        View("forgot-password", lambda stage: _at(stage.guest(), "/forgot-password")),
        View("forgot-password-sent", _forgot_sent),
        View("forgot-password-no-mail", lambda stage: _at(stage.guest(house=stage.lodge), "/forgot-password")),
        View("forgot-password-no-mail-noted", _forgot_noted, alike=True),
        View("reset-password", _reset_password),
        View("reset-password-problems", _reset_problems),
        View("verify", lambda stage: _at(stage.guest(), "/verify#token=a-code-from-a-mail")),
        View("verify-problems", _verify_problems),
        View("verify-again", lambda stage: _at(stage.guest(), "/verify/again")),
        View("verified", _verified),
        View("account", lambda stage: _at(stage.guest(stage.member), "/account")),
        View("account-problems", _account_problems),
        View("account-temporary", _account_temporary),
        View("account-edit", lambda stage: _at(stage.guest(stage.member), "/account/edit")),
        View("account-edit-problems", _account_edit_problems),
        View("account-close", lambda stage: _at(stage.guest(stage.member), "/account/deactivate")),
        View("account-close-alone", lambda stage: _at(stage.lodger(), "/account/deactivate")),
        View("account-closed", _account_closed),
        View("devices", lambda stage: _at(stage.guest(stage.traveller), "/devices")),
        View("devices-alone", _devices_alone),
        View("devices-end-others", lambda stage: _at(stage.guest(stage.traveller), "/devices/end-others")),
        View("organizations", lambda stage: _at(stage.guest(stage.member), "/organizations")),
        View("organizations-none", lambda stage: _at(stage.lodger(), "/organizations"), alike=True),
        View("organizations-all", lambda stage: _at(stage.guest(stage.admin), "/organizations/all")),
        View("organization", lambda stage: _at(stage.guest(stage.member), stage.groups[0])),
        View("organization-seen", lambda stage: _at(stage.guest(stage.member), stage.groups[1]), alike=True),
        View("organization-inactive", lambda stage: _at(stage.guest(stage.admin), stage.groups[2]), alike=True),
        View("organization-problems", _organization_problems, alike=True),
        View("organization-undo", _organization_undo, alike=True),
        View("organization-link", _organization_link, alike=True),
        View("organization-member", _organization_member),
        View("organization-leave-alone", _organization_part("leave"), alike=True),
        View("organization-rename", _organization_part("rename"), alike=True),
        View("organization-delete", _organization_part("delete")),
        View("invitation", lambda stage: _at(stage.guest(), "/invitation")),
        View("invitation-offer", lambda stage: _offer(stage, None)),
        View("invitation-answer", lambda stage: _offer(stage, stage.traveller), alike=True),
        View("invitation-over", _invitation_over, alike=True),
        View("signed-out-soon", _signed_out_soon),
        View("signed-out-while-typing", _signed_out_while_typing),
        View("overview", lambda stage: _at(stage.guest(stage.admin), "/overview")),
        View("approvals", lambda stage: _at(stage.guest(stage.admin), "/approvals")),
        View("approvals-open", _approvals_open),
        View("approvals-found", lambda stage: _at(stage.guest(stage.approver), "/approvals?query=brightwater")),
        View("approvals-selected", _approvals_selected),
        View("approvals-bulk", _approvals_bulk, alike=True),
        View("approvals-undo", _approvals_undo),
        View("approvals-last-page", _approvals_last_page, alike=True),
        View("approvals-empty", lambda stage: _at(stage.lodger(), "/approvals")),
        View("users", lambda stage: _at(stage.guest(stage.admin), "/users")),
        View("users-last-page", _users_last_page, alike=True),
        View("users-found", lambda stage: _at(stage.guest(stage.admin), "/users?query=brightwater&sort=name")),
        View("users-nobody", lambda stage: _at(stage.guest(stage.admin), "/users?query=brightwater&role=admin")),
        View("users-deleted", lambda stage: _at(stage.guest(stage.admin), "/users?status=deleted"), alike=True),
        View("users-selected", _users_selected),
        View("users-bulk", _users_bulk),
        View("users-bulk-done", _users_bulk_done),
        View("users-bulk-tier", _users_bulk_tier),
        View("tiers", lambda stage: _at(stage.guest(stage.admin), "/tiers")),
        View("tiers-none", lambda stage: _at(stage.lodger(), "/tiers"), alike=True),
        View("tier", lambda stage: _at(stage.guest(stage.admin), "/tiers/Free")),
        View("tier-problems", _tier_problems),
        View("tier-limit", _tier_limit, alike=True),
        View("tier-delete", lambda stage: _at(stage.guest(stage.admin), "/tiers/Free/delete"), alike=True),
        View("tier-in-use", _tier_in_use),
        View("menu", _menu),
        View("messages", _messages),
        View("messages-found", _messages_found, alike=True),
        View("messages-no-mail", lambda stage: _at(stage.lodger(), "/messages")),
        View("messages-none", lambda stage: _at(stage.lodger(), "/messages?state=failed")),
        View("statistics", _statistics),
        View("statistics-week", lambda stage: _at(stage.guest(stage.admin), "/statistics?period=7d"), alike=True),
        View("statistics-first-day", lambda stage: _at(stage.lodger(), "/statistics")),
        View("audit", _audit),
        View("audit-problems", lambda stage: _at(stage.guest(stage.admin), "/audit?actor=nobody-here&from=yesterday")),
        View("audit-none", lambda stage: _at(stage.guest(stage.admin), "/audit?action=tier_deleted"), alike=True),
        View("link", _link),
        View("import", lambda stage: _at(stage.guest(stage.admin), "/users/import")),
        View("import-checked", _import_checked),
        View("user-new", lambda stage: _at(stage.guest(stage.admin), "/users/new")),
        View("user-new-problems", _user_new_problems),
        View("user-edit", lambda stage: _at(stage.guest(stage.admin), f"/users/{stage.member.id}/edit")),
        View("users-few", lambda stage: _at(stage.lodger(), "/users"), alike=True),
        View("user", lambda stage: _user(stage, stage.member)),
        View("user-pending", lambda stage: _user(stage, stage.pending)),
        View("user-suspended", lambda stage: _user(stage, stage.suspended), alike=True),
        View("user-deleted", lambda stage: _user(stage, stage.deleted)),
        View("user-traveller", lambda stage: _user(stage, stage.traveller), alike=True),
        View("user-oneself", lambda stage: _user(stage, stage.admin)),
        *[View(f"confirm-{action}", _confirmation(action), action not in _UNLIKE) for action in _ACTIONS],
        View("confirm-change-suspension", _change_suspension, alike=True),
        View("confirm-problems", _confirm_problems),
        View("user-undo", _user_undo),
        View("temporary-password", _temporary_password),
        View("not-found", lambda stage: _at(stage.guest(), "/somewhere")),
        View("forbidden", lambda stage: _at(stage.guest(stage.approver), "/users")),
    ]


def _at(guest: Guest, path: str) -> Guest:
    guest.go(path)
    return guest


def _statistics(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/statistics")
    guest.page.locator("#sign-ins summary").click()
    return guest


def _welcome_problems(stage: Stage) -> Guest:
    guest = _at(stage.guest(house=stage.lodge), "/register")
    guest.fill(username="-ida", email="ida@example.org", full_name="Ida Torwald", password="password1")
    guest.press("Create administrator account")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _register_problems(stage: Stage) -> Guest:
    guest = _at(stage.guest(), "/register")
    guest.fill(username="marta", email="sol@example.org", full_name="Sol Ambrose", password="a heron in the reeds")
    guest.fill(institution="Reed & Co", approval_note="I count herons.")
    guest.press("Request access")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _register_strength(stage: Stage) -> Guest:
    guest = _at(stage.guest(), "/register")
    guest.fill(username="sol", email="sol@example.org", full_name="Sol Ambrose", password="Sunshine&Rain")
    expect(guest.page.locator(".strength p")).to_contain_text("guess")
    return guest


def _registration_closed(stage: Stage) -> Guest:
    stage.lodger()
    return _at(stage.guest(house=stage.lodge), "/register")


def _signed_in(stage: Stage, who: Person, heading: str) -> Guest:
    guest = _at(stage.guest(), "/login")
    guest.fill(username_or_email=who.username, password=who.password)
    guest.press("Sign in")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text(heading)
    return guest


def _about_request(stage: Stage, who: Person, link: str) -> Guest:
    waits = who is stage.pending
    guest = _signed_in(stage, who, f"Your request {'is waiting for review' if waits else 'was rejected'}")
    guest.page.get_by_role("link", name=link).click()
    expect(guest.page.get_by_label("Password", exact=True)).to_be_visible()
    return guest


def _change_refused(stage: Stage) -> Guest:
    guest = _about_request(stage, stage.pending, "Change request")
    guest.fill(current_password="not the one")
    guest.press("Save changes")
    expect(guest.page.get_by_role("alert")).to_be_focused()
    return guest


def _let_in(stage: Stage) -> Guest:
    newcomer = stage.house.applicant(**cast.LET_IN)
    guest = _signed_in(stage, newcomer, "Your request is waiting for review")
    stage.house.decide(newcomer, approved=True)
    guest.follow("Check status")
    return guest


def _login_refused(stage: Stage) -> Guest:
    guest = _at(stage.guest(), "/login")
    guest.fill(username_or_email=stage.member.username, password="not the password")
    guest.press("Sign in")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _forgot_sent(stage: Stage) -> Guest:
    guest = _at(stage.guest(), "/forgot-password")
    guest.fill(email="somebody@example.org").get_by_role("button", name="Request reset link").click()
    return guest


def _forgot_noted(stage: Stage) -> Guest:
    guest = _at(stage.guest(house=stage.lodge), "/forgot-password")
    guest.fill(email="somebody@example.org")
    guest.press("Request reset link")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Your request was received")
    return guest


def _verify_problems(stage: Stage) -> Guest:
    guest = _at(stage.guest(), "/verify#token=a-code-of-before")
    guest.press("Confirm address")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _messages(stage: Stage) -> Guest:
    full = {"state": "failed", "attempts": 9, "why": "552 5.2.2 Mailbox full", "created_at": -timedelta(days=4)}
    stage.house.let_mail(stage.traveller, **full)
    later = {"state": "due", "attempts": 3, "why": "451 4.7.1 Come back later", "due_at": timedelta(minutes=7)}
    stage.house.let_mail(stage.member, **later, created_at=-timedelta(minutes=9))
    stage.house.let_mail(stage.approver, state="suppressed", why="There were enough of its kind within the hour.")
    return _at(stage.guest(stage.admin), "/messages")


def _audit(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/audit")
    guest.page.locator("main tbody summary").first.click()
    return guest


def _messages_found(stage: Stage) -> Guest:
    return _at(stage.guest(stage.admin), f"/messages?user={stage.traveller.id}&state=accepted")


def _link(stage: Stage) -> Guest:
    guest = _at(stage.lodger(), "/messages")
    guest.press("Create link", exact=False)
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Confirmation link")
    return guest


def _reset_password(stage: Stage) -> Guest:
    return _at(stage.guest(), "/reset-password#token=a-code-from-a-mail")


def _reset_problems(stage: Stage) -> Guest:
    guest = _reset_password(stage)
    guest.fill(password=PASSWORD)
    guest.press("Set new password")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _verified(stage: Stage) -> Guest:
    link = stage.house.mail_to(stage.pending, "Confirm your email address").link
    guest = _at(stage.guest(), link.removeprefix(stage.house.address))
    guest.press("Confirm address")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Your email address is confirmed")
    return guest


def _account_problems(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.member), "/account")
    guest.fill(current_password=PASSWORD, new_password="password1")
    guest.press("Change password")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _devices_alone(stage: Stage) -> Guest:
    newcomer = stage.house.member(**cast.NEWCOMER)
    stage.house.age(newcomer, timedelta(days=2))
    return _at(stage.guest(newcomer), "/devices")


def _signed_out_soon(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.traveller), "/devices")
    guest.page.route("**/account/awake", lambda route: route.fulfill(json={"seconds_left": 118}))
    guest.come_back()
    expect(guest.page.get_by_role("alertdialog")).to_contain_text("in 2 minutes")
    guest.page.unroute("**/account/awake")
    return guest


def _signed_out_while_typing(stage: Stage) -> Guest:
    away = stage.house.member(**cast.CALLED_AWAY)
    stage.house.make_approver(away)
    stage.house.age(away, timedelta(days=90))
    guest = _at(stage.guest(away), "/approvals")
    guest.page.get_by_text("Reject…").first.click()
    guest.page.get_by_label("Reason").first.fill("We know nobody at the Harbour Observatory")
    guest.forget()
    guest.come_back()
    expect(guest.page.get_by_role("alertdialog")).to_contain_text("You have been signed out.")
    return guest


def _organization_problems(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.member), stage.groups[0])
    guest.fill(email=cast.INVITED)
    guest.press("Send invitation")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _organization_undo(stage: Stage) -> Guest:
    guest = _organization_member(stage)
    guest.follow("Make owner")
    guest.press("Make owner")
    expect(guest.page.get_by_role("button", name="Undo")).to_be_visible()
    return guest


def _organization_member(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.member), stage.groups[0])
    guest.page.get_by_role("rowheader").last.get_by_role("link").click()
    expect(guest.page.get_by_role("heading", name="Actions")).to_be_visible()
    return guest


def _organization_part(part: str) -> Callable[[Stage], Guest]:
    return lambda stage: _at(stage.guest(stage.member), f"{stage.groups[0]}/{part}")


def _organization_link(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.member), stage.groups[0])
    guest.page.get_by_role("button", name="Create new link", exact=True).first.click()
    expect(guest.page.get_by_role("heading", level=1)).to_contain_text("Invitation link to")
    return guest


def _offer(stage: Stage, who: Person | None) -> Guest:
    made = stage.house.ask_as(stage.member, "POST", f"{stage.groups[0]}/invitations", role="member")
    guest = _at(stage.guest(who), made["link"].removeprefix(stage.house.address))
    expect(guest.page.get_by_role("heading", level=1)).to_contain_text("Join")
    return guest


def _invitation_over(stage: Stage) -> Guest:
    guest = _at(stage.guest(), "/invitation#token=a-code-of-before")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _tier_problems(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/tiers/Partner")
    guest.fill(path="users", amount="0")
    guest.press("Add limit")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _tier_in_use(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), f"/users/{stage.member.id}")
    guest.page.get_by_label("API limits for this person").select_option("Partner")
    guest.press("Save the tier")
    guest.go("/tiers/Partner/delete")
    expect(guest.page.get_by_role("link", name="Move accounts to another tier…")).to_be_visible()
    return guest


def _tier_limit(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/tiers/Free")
    guest.page.get_by_role("link", name="Change").first.click()
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Limit of Free")
    return guest


def _menu(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/tiers")
    guest.page.locator("summary", has_text="More").click()
    return guest


def _temporary_password(stage: Stage) -> Guest:
    lost = stage.house.member(**cast.LOCKED_OUT)
    guest = _at(stage.guest(stage.admin), f"/users/{lost.id}/reset-password")
    guest.press("Set temporary password")
    return guest


def _account_temporary(stage: Stage) -> Guest:
    lost = stage.house.member(**cast.FORGETFUL)
    desk = _at(stage.guest(stage.admin), f"/users/{lost.id}/reset-password")
    desk.press("Set temporary password")
    password = desk.page.get_by_label("Temporary password").input_value()
    found = Person(lost.id, lost.username, lost.email, password)
    return _at(stage.guest(found), "/account")


def _approvals_open(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.approver), "/approvals")
    guest.page.get_by_text("Reject…").nth(1).click()
    guest.page.get_by_text("Read all").click()
    return guest


def _approvals_selected(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.approver), "/approvals")
    for number in (0, 1):
        guest.page.get_by_role("checkbox", name=re.compile("^Select ")).nth(number).check()
    expect(guest.page.locator("[data-bulk-count]")).to_have_text("2 selected")
    return guest


def _approvals_bulk(stage: Stage) -> Guest:
    guest = _approvals_selected(stage)
    guest.press("Reject… those selected")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Reject 2 people?")
    return guest


def _approvals_last_page(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/approvals")
    guest.follow("Next page")
    return guest


def _approvals_undo(stage: Stage) -> Guest:
    hasty = stage.house.applicant(**cast.HASTY)
    stage.house.age(hasty, timedelta(days=7))
    guest = _at(stage.guest(stage.approver), "/approvals")
    request = guest.page.locator(f"#request-{hasty.id}")
    request.get_by_text("Reject…").click()
    request.get_by_role("button", name="Reject").click()
    expect(guest.page.get_by_role("button", name="Undo")).to_be_visible()
    return guest


def _account_edit_problems(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.member), "/account/edit")
    guest.fill(email="imogen@maps.example")
    guest.press("Save changes")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _account_closed(stage: Stage) -> Guest:
    leaving = stage.house.member(**cast.LEAVING)
    guest = _at(stage.guest(leaving), "/account/deactivate")
    guest.press("Close account")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("You closed your account")
    return guest


def _users_selected(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/users?query=hallgrove")
    for number in (0, 1):
        guest.page.get_by_role("checkbox", name=re.compile("^Select ")).nth(number).check()
    guest.page.get_by_label("With those selected").last.select_option("deactivate")
    return guest


def _users_bulk(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/users?query=brightwater")
    guest.page.get_by_label("Select all on this page").check()
    guest.page.get_by_label("With those selected").last.select_option("approve")
    guest.press("Continue…")
    expect(guest.page.get_by_role("heading", level=1)).to_contain_text("Approve ")
    return guest


def _users_bulk_done(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/users?query=polar")
    guest.page.get_by_label("Select all on this page").check()
    guest.page.get_by_label("With those selected").last.select_option("approve")
    guest.press("Continue…")
    guest.press("Approve ", exact=False)
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Nothing was changed")
    return guest


def _users_bulk_tier(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/users?query=polar")
    guest.page.get_by_label("Select all on this page").check()
    guest.page.get_by_label("With those selected").last.select_option("tier")
    guest.press("Continue…")
    expect(guest.page.get_by_label("Tier")).to_have_value("")
    return guest


def _import_checked(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/users/import")
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": cast.FILE.encode()}
    guest.page.get_by_label("File", exact=True).set_input_files(file)  # type: ignore[arg-type]  # Playwright's own shape
    guest.press("Check file")
    expect(guest.page.locator("#result")).to_contain_text("would be skipped")
    return guest


def _user_new_problems(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/users/new")
    guest.fill(username="imogen", email="sol@example.org", full_name="Sol Ambrose", password="password1")
    guest.press("Create account")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _confirm_problems(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), f"/users/{stage.member.id}/anonymize")
    guest.fill(typed_name="somebody")
    guest.press("Erase for good")
    expect(guest.page.locator("#problems")).to_be_focused()
    return guest


def _user_undo(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), f"/users/{stage.suspended.id}/activate")
    guest.press("Reactivate")
    _at(guest, f"/users/{stage.suspended.id}/suspend")
    guest.fill(until="2031-05-17", reason="A lost laptop.")
    guest.press("Suspend")
    expect(guest.page.get_by_role("button", name="Undo")).to_be_visible()
    return guest


def _users_last_page(stage: Stage) -> Guest:
    guest = _at(stage.guest(stage.admin), "/users")
    guest.follow("Next page")
    return guest


def _user(stage: Stage, who: Person) -> Guest:
    return _at(stage.guest(stage.admin), f"/users/{who.id}")


def _change_suspension(stage: Stage) -> Guest:
    return _at(stage.guest(stage.admin), f"/users/{stage.suspended.id}/change-suspension")


def _confirmation(action: str) -> Callable[[Stage], Guest]:
    return lambda stage: _at(stage.guest(stage.admin), f"/users/{stage.member.id}/{action}")
