"""The whole walk: the first day of an installation, and the second person's way in."""

import asyncio
import re
import uuid
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Build, Visit
from tests.browser.guest import Guest
from tests.browser.house import House, Person
from tests.machines.postgres import Postgres

NOTE = "I mend the clocks of the east wing.\nMy team lead knows."
PASSWORD = "a lamp beside the stairs"
NEW_PASSWORD = "a bench below the window"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_somebody_asks_is_let_in_and_leaves(build: Build, visit: Visit, scripts: bool) -> None:  # noqa: FBT001
    house = build()
    walk(visit(house, java_script_enabled=scripts), visit(house, java_script_enabled=scripts))


@pytest.fixture
def postgres_house(build: Build, postgres_server: Postgres, migrated_postgres: str) -> Iterator[House]:
    """A house on PostgreSQL."""
    name = f"browser_{uuid.uuid4().hex}"
    yield build(DATABASE_URL=_now(postgres_server.create_database_from_template(name, migrated_postgres)))
    _now(postgres_server.drop_database(name))


def test_the_walk_is_the_same_on_postgresql(postgres_house: House, visit: Visit) -> None:
    walk(visit(postgres_house), visit(postgres_house))


def test_somebody_who_is_turned_down_reads_why(house: House, admin: Person, visit: Visit) -> None:
    reason = "We know nobody of this name. Write from your work address."
    applicant, desk = visit(), visit().come_in(admin)
    register(applicant, "turned.down")
    page = desk.go("/approvals")
    request = page.get_by_role("article", name="turned.down")
    request.get_by_text("Reject…").click()
    request.get_by_label("Reason").locator("visible=true").fill(reason)
    request.get_by_role("button", name="Reject turned.down").click()
    expect(page.get_by_role("status").first).to_have_text("The request of turned.down was rejected.")
    expect(page.get_by_role("article", name="turned.down")).to_have_count(0)
    applicant.follow("Check status")
    heading = applicant.page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Your request was rejected")
    expect(applicant.page.locator(".quote")).to_have_text(reason, use_inner_text=True)
    applicant.press("Leave this page")
    sign_in(applicant, "turned.down", PASSWORD)
    expect(heading).to_have_text("Your request was rejected")


def test_the_waiting_page_looks_again_when_one_comes_back_to_it(house: House, visit: Visit) -> None:
    person, applicant = house.applicant(), visit()
    applicant.go("/login")
    sign_in(applicant, person.username, person.password)
    expect(applicant.page).to_have_title("Your request is waiting for review · Vestibule")
    house.decide(person, approved=True)
    applicant.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(applicant.page).to_have_title("Your account is approved · Vestibule")
    expect(applicant.page.get_by_role("status")).to_have_text("Your account is approved")


def walk(first: Guest, second: Guest) -> None:
    """Go from an empty installation to somebody who was let in, changed the password and left."""
    become_the_first(first)
    ask_and_wait(second)
    let_in(first)
    come_in_change_the_password_and_leave(second)


def become_the_first(guest: Guest) -> None:
    page = guest.go("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Create the administrator account")
    guest.fill(username="Ada", email="ada@example.org", full_name="Ada Hallward", password=PASSWORD)
    guest.press("Create administrator account")
    expect(page).to_have_url(re.compile("/login"))
    sign_in(guest, "ada", PASSWORD)
    expect(page.get_by_role("navigation", name="Main")).to_contain_text("Approvals")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Approvals").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Nobody is waiting")


def ask_and_wait(guest: Guest) -> None:
    page = guest.go("/")
    guest.follow("Request access")
    expect(page.get_by_role("heading", level=1)).to_have_text("Request access")
    register(guest, "Boris", full_name="Борис Садовник", institution="House of Clocks", approval_note=NOTE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your request is waiting for review")
    expect(page.locator(".facts .said")).to_have_text(NOTE, use_inner_text=True)
    expect(page.locator(".lead time")).to_have_text("just now")
    guest.press("Leave this page")
    sign_in(guest, "boris@example.org", PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your request is waiting for review")


def let_in(guest: Guest) -> None:
    page = guest.go("/")
    expect(page).to_have_url(re.compile("/overview$"))
    guest.follow("Review requests")
    navigation = page.get_by_role("navigation", name="Main")
    expect(navigation.get_by_role("link", name=re.compile("Approvals"))).to_have_text("Approvals, 1 waiting")
    expect(page.get_by_role("article")).to_contain_text(["House of Clocks"])
    guest.press("Approve Boris")
    expect(page.get_by_role("status").first).to_have_text("Борис Садовник was approved.")
    expect(page.get_by_role("heading", level=2)).to_have_text("Nobody is waiting")
    page.reload()
    expect(page.locator(".notice")).to_have_count(0)


def come_in_change_the_password_and_leave(guest: Guest) -> None:
    page = guest.page
    guest.follow("Check status")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account is approved")
    guest.follow("Sign in")
    sign_in(guest, "Boris", PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    expect(page.get_by_role("link", name="Approvals")).to_have_count(0)
    guest.fill(current_password=PASSWORD, new_password=NEW_PASSWORD)
    guest.press("Change password")
    expect(page.get_by_role("status").first).to_contain_text("Your password was changed.")
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status").first).to_have_text("You are signed out.")
    sign_in(guest, "Boris", NEW_PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


def register(guest: Guest, username: str, **more: str) -> None:
    guest.go("/register")
    guest.fill(username=username, email=f"{username.lower()}@example.org", password=PASSWORD, **more)
    guest.press("Request access")


def sign_in(guest: Guest, name: str, password: str) -> None:
    guest.fill(username_or_email=name, password=password)
    guest.press("Sign in")


def _now(work: Coroutine[Any, Any, Any]) -> Any:  # whatever the work returns
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
