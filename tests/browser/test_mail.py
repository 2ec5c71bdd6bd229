"""Links of mails, delivered by a real mail server and followed in a real browser; and links handed over without one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Build, Visit
from tests.browser.guest import Guest
from tests.browser.house import House, Person
from tests.machines.certificates import Certificates
from tests.machines.smtp import FROM, Sink, Taken

NEW_PASSWORD = "a kettle on the sill"
BUTTON = re.compile(r'<a href="(http[^"]+#token=([^"]+))"')


@dataclass(frozen=True)
class Post:
    """A house with its administrator, and the mail server that it hands its mail to."""

    house: House
    admin: Person
    server: Sink

    def mails(self, person: Person, subject: str) -> list[Taken]:
        """The mails that somebody got so far whose subject begins so."""
        to_them = [mail for mail in list(self.server.messages) if mail.recipients == (person.email,)]
        return [mail for mail in to_them if str(mail.message["subject"]).startswith(subject)]

    def mail(self, person: Person, subject: str, number: int = 1) -> Taken:
        """The first of these mails, or a later one, as soon as it has arrived."""
        self.house.wait_until(lambda: len(self.mails(person, subject)) >= number)
        return self.mails(person, subject)[number - 1]

    def link(self, person: Person, subject: str, number: int = 1) -> tuple[str, str]:
        """Where the button of such a mail leads, and the code in it."""
        found = BUTTON.search(self.mail(person, subject, number).text("html"))
        assert found
        return found[1], found[2]


@pytest.fixture(scope="module")
def post(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """One house whose mail leaves, for all tests here."""
    server = Sink(certificates)
    house = House(tmp_path_factory.mktemp("post"), SMTP_URL=server.url, MAIL_FROM=FROM)
    yield Post(house, house.first(), server)
    house.close()
    server.stop()


def test_a_new_password_is_chosen_by_the_link_of_a_mail(post: Post, visit: Visit) -> None:
    member, guest, seen = post.house.member(), visit(post.house), list[str]()
    guest.page.on("request", lambda request: seen.append(f"{request.url} {request.headers} {request.post_data}"))
    guest.go("/forgot-password")
    guest.fill(email=member.email)
    guest.press("Send reset link")
    link, token = post.link(member, "Reset your password")
    page = guest.go(link.removeprefix(post.house.address))
    expect(page).to_have_url(re.compile("/reset-password$"))
    expect(page.get_by_label("Code from the mail")).to_be_hidden()
    before = list(seen)
    guest.fill(password="password")
    guest.press("Set new password")
    expect(page.locator("#problems")).to_be_focused()
    guest.fill(password=NEW_PASSWORD)
    guest.press("Set new password")
    expect(page.get_by_role("status").first).to_contain_text("Your password was changed.")
    guest.fill(username_or_email=member.email, password=NEW_PASSWORD)
    guest.press("Sign in")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")

    assert not [one for one in before if token in one]  # neither an address nor a Referer carries it
    assert sum(token in one for one in seen) == 2  # the two forms
    assert token not in post.house.console()


def test_a_link_that_a_newer_mail_took_the_place_of_says_so(post: Post, visit: Visit) -> None:
    member, guest = post.house.member(), visit(post.house)
    older, newer = [_asked_for(post, member, guest, number) for number in (1, 2)]
    page = guest.go(older.removeprefix(post.house.address))
    guest.fill(password=NEW_PASSWORD)
    guest.press("Set new password")
    expect(page.locator("#problems")).to_contain_text("use the newest one")
    expect(page.get_by_label("Code from the mail")).to_be_empty()
    guest.go(newer.removeprefix(post.house.address))
    guest.fill(password=NEW_PASSWORD)
    guest.press("Set new password")
    expect(page).to_have_url(re.compile("/login"))


def test_without_script_the_code_is_typed(post: Post, visit: Visit) -> None:
    member, guest = post.house.member(), visit(post.house, java_script_enabled=False)
    link, token = post.link(member, "Confirm your email address")
    page = guest.go(link.removeprefix(post.house.address))
    expect(page.get_by_label("Code from the mail")).to_be_empty()
    guest.fill(token=token)
    guest.press("Confirm address")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your email address is confirmed")


def test_a_new_address_is_proven_and_the_old_one_told(post: Post, visit: Visit) -> None:
    member = post.house.member()
    guest = visit(post.house).come_in(member)
    page = guest.go("/account/edit")
    guest.fill(email="elsewhere@example.org", current_password=member.password)
    guest.press("Save changes")
    expect(page.get_by_role("status").first).to_contain_text("is on its way to elsewhere@example.org.")
    moved = Person(member.id, member.username, "elsewhere@example.org")
    post.mail(member, "Your email address was changed")
    link, _ = post.link(moved, "Confirm your email address")
    guest.go(link.removeprefix(post.house.address))
    guest.press("Confirm address")
    guest.go("/account")
    expect(page.get_by_text("confirmed", exact=True)).to_be_visible()


def test_where_no_mail_leaves_a_link_is_handed_over(build: Build, visit: Visit) -> None:
    house = build(ENV="production", BOOTSTRAP="first-user", RATE_LIMITS="on")
    desk = visit(house, permissions=["clipboard-read", "clipboard-write"]).come_in(house.first())
    member, guest = house.member(), visit(house)
    guest.go("/forgot-password")
    guest.fill(email=member.email)
    guest.press("Request reset link")
    expect(guest.page.get_by_role("status").first).to_contain_text("Contact one of them")
    page = desk.go("/messages?purpose=reset_password")
    desk.press("Create link (Link to reset the password", exact=False)
    desk.press("Copy link")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    page.reload()
    guest.page.goto(link)
    guest.fill(password=NEW_PASSWORD)
    guest.press("Set new password")
    expect(guest.page.locator("#problems")).to_contain_text("is invalid")  # the page was loaded again: a newer link
    guest.page.goto(page.get_by_label("Link").input_value())
    guest.fill(password=NEW_PASSWORD)
    guest.press("Set new password")
    expect(guest.page.get_by_role("status").first).to_contain_text("Your password was changed.")
    desk.follow("I have copied it")
    expect(page.get_by_role("row", name=member.username)).to_contain_text("An administrator shared its link.")


def test_a_mail_is_sent_again_by_a_button(post: Post, visit: Visit) -> None:
    desk, member = visit(post.house).come_in(post.admin), post.house.member()
    post.mail(member, "Confirm your email address")
    ledger, page = f"/messages?user={member.id}&purpose=verify_email", desk.page
    post.house.wait_until(lambda: desk.go(ledger).get_by_role("cell", name="Sent", exact=False).count() == 1)
    desk.press(f"Send again (Link to confirm the email address, to {member.username})")
    expect(page.get_by_role("status").first).to_contain_text("is on its way: Link to confirm the email address.")
    post.mail(member, "Confirm your email address", 2)
    post.house.wait_until(lambda: desk.go(ledger).get_by_role("cell", name="Sent", exact=False).count() == 2)


def _asked_for(post: Post, person: Person, guest: Guest, number: int) -> str:
    """Ask for a new password, and return the link of the mail that comes then."""
    guest.go("/forgot-password")
    guest.fill(email=person.email)
    guest.press("Send reset link")
    return post.link(person, "Reset your password", number)[0]
