"""People found and looked after by pages, in a browser without script."""

import base64
import json
import re
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from backend.models import Role, Status
from backend.routes.pages.words import exact
from tests.application import Application
from tests.factories import PASSWORD, People, Person
from tests.scenarios.desk import Desk, at_the_desk, filled, said, text_of

pytestmark = pytest.mark.settings(rate_limits=False)


async def test_people_are_found_by_a_part_of_a_name_and_by_filters(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    ana = await people.pending(full_name="Ana López", institution="Harbour Observatory")
    gone, active = await people.deleted(), await people.active()
    everybody, by_part = await desk.read("/users"), await desk.read("/users", query="opez")
    waiting, deleted = await desk.read("/users", status="pending"), await desk.read("/users", status="deleted")
    nobody = await desk.read("/users", query="opez", role="admin")

    assert "2 people" in await desk.read("/users", status="active")
    assert "1 person found" in by_part
    assert "Ana López" in by_part
    assert active.username not in by_part
    assert (ana.username in waiting, active.username in waiting) == (True, False)
    assert (gone.username in deleted, gone.username in everybody) == (True, False)
    assert "No people found" in nobody
    assert "To find deleted accounts, choose the status" in nobody
    assert "finds only the beginnings of words" not in nobody
    assert "finds only the beginnings of words" in await desk.read("/users", query="zq")


async def test_a_long_list_keeps_its_search_from_page_to_page(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    await people.crowd(52)
    first = await desk.get("/users", query="crowd", sort="username")
    link = first.text.partition('rel="next"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await desk.get(link)
    back = second.text.partition('rel="prev"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    beyond = await desk.read("/users", query="crowd", page="3")

    assert first.text.count('role="rowheader"') == 50
    assert second.text.count('role="rowheader"') == 2
    assert "query=crowd&sort=username&cursor=" in link
    assert "52 people found" in text_of(second)
    assert ("1–50 of 52" in text_of(first), "51–52 of 52" in text_of(second)) == (True, True)
    assert back == "/users?query=crowd&sort=username"
    assert "Previous page" not in first.text
    assert "No more people" in beyond
    assert 'href="/api/v1/users/export?format=csv&amp;bom=true&amp;query=crowd"' in first.text
    assert (await desk.get("/users", cursor="nonsense")).status_code == 400
    assert "1–50 of 52" in await desk.read("/users", query="crowd", page="nonsense")


async def test_the_place_in_a_list_stays_true_when_people_went_meanwhile(running: Application, people: People) -> None:
    desk, gone = await at_the_desk(running, await people.admin()), await people.pending(full_name="A. Crowd")
    await people.crowd(52)
    first = await desk.get("/users", query="crowd", sort="name")
    link = first.text.partition('rel="next"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    before = await desk.read(link)
    await desk.press(f"/users/{gone.id}/delete")
    after = await desk.read(link)

    assert ("51–53 of 53" in before, "50–52 of 52" in after) == (True, True)


async def test_the_heads_of_columns_sort_and_keep_the_filters(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    for name in ("Bea Lamp", "Ada Lamp"):
        await people.pending(full_name=name)
    plain = await desk.get("/users", query="lamp")
    up = await desk.get("/users?query=lamp&sort=name")
    down = await desk.get("/users?query=lamp&sort=name-last")

    def heads(page: httpx.Response) -> list[tuple[str, str]]:
        found = re.findall(
            r'<th role="columnheader"\s+scope="col"\s+(.*?)>\s*<a class="sorting" href="(.*?)"', page.text
        )
        return [(state, address.replace("&amp;", "&")) for state, address in found]

    assert heads(plain) == [
        ("", "/users?query=lamp&sort=name"),
        ('aria-sort="descending"', "/users?query=lamp&sort=oldest"),
        ("", "/users?query=lamp&sort=seen"),
    ]
    assert heads(up)[0] == ('aria-sort="ascending"', "/users?query=lamp&sort=name-last")
    assert heads(up)[1] == ("", "/users?query=lamp")
    assert heads(down)[0] == ('aria-sort="descending"', "/users?query=lamp&sort=name")
    assert [page.text.index(">Ada Lamp<") < page.text.index(">Bea Lamp<") for page in (up, down)] == [True, False]


async def test_a_filter_that_makes_no_sense_says_so_beside_itself(running: Application, people: People) -> None:
    admin, member = await people.admin(), await people.active()
    answer = await (await at_the_desk(running, admin)).get("/users", status="asleep", query="user")

    assert answer.status_code == 422
    assert "Choose one of the options." in text_of(answer)
    assert (member.username in text_of(answer), admin.email in text_of(answer)) == (True, False)


async def test_the_numbers_of_the_headline_add_up_in_people_s_own_words(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    plain = await desk.read("/users")
    for status in (Status.PENDING, Status.REJECTED, Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED):
        await people.in_status(status)
    text = await desk.read("/users")

    assert "1 account: 1 active, 0 pending. 1 administrator." in plain
    assert "6 accounts: 1 active, 1 pending, 3 inactive, 1 rejected. 1 administrator." in text
    for words in ("Pending", "Rejected", "Suspended", "Access expired", "Closed by user"):
        assert text.count(words) == 2  # in the filter, and of the one person


async def test_a_person_s_page_tells_their_state_numbers_and_sessions(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    desk = await at_the_desk(running, admin)
    page = await desk.read(f"/users/{person.id}")
    until = running.clock.now() + timedelta(days=9)
    async with people.work() as services:
        await services.closing.suspend(admin.id, person.id, "A lost laptop.", until=until)
    suspended = await desk.read(f"/users/{person.id}")

    assert "5 files, 10 bytes" in page
    assert f"ID {person.id} Copy" in page
    assert "Sign-ins 1" in page
    assert "App from 127.0.0.1" in page
    assert f"Suspended until {until.day} {until:%b %Y}" in suspended
    assert "A lost laptop." in suspended
    assert "Not signed in anywhere." in suspended


async def test_most_acts_can_be_undone(running: Application, people: People) -> None:
    admin, member, waiting = await people.admin(), await people.active(), await people.pending()
    desk, at = await at_the_desk(running, admin), f"/users/{member.id}"
    undone = [
        await desk.undo(f"{at}/suspend", reason="Too early."),
        await desk.undo(f"{at}/expire"),
        await desk.undo(f"{at}/promote"),
        await desk.undo(f"{at}/delete"),
        await desk.undo(f"/users/{waiting.id}/reject", reason="No."),
        await desk.undo(f"/approvals/{waiting.id}/reject", then="/approvals"),
    ]
    row = await people.row(member)

    assert [sentence for _, sentence in undone] == [
        f"{member.username} was reactivated.",
        f"{member.username} was reactivated.",
        f"{member.username} is now a regular user.",
        f"{member.username} was restored.",
        f"{waiting.username} is waiting again.",
        f"{waiting.username} is waiting again.",
    ]
    assert {where for where, _ in undone[:4]} == {at}
    assert (row.status, row.role) == (Status.ACTIVE, Role.USER)
    assert (await people.row(waiting)).status is Status.PENDING


async def test_who_is_let_in_by_mistake_can_only_be_suspended_and_only_by_administrators(
    running: Application, people: People
) -> None:
    admin, approver = (
        await at_the_desk(running, await people.admin()),
        await at_the_desk(running, await people.approver()),
    )
    for desk, path, offered in (
        (admin, "/users/{id}/approve", True),
        (admin, "/approvals/{id}/approve", True),
        (approver, "/approvals/{id}/approve", False),
    ):
        waiting = await people.pending()
        there, _ = await desk.press(path.format(id=waiting.id))
        page = (await desk.get(there)).text
        assert ">Undo<" not in page
        assert (f'href="/users/{waiting.id}/suspend"' in page and "Suspend…" in page) is offered


async def test_who_was_deleted_on_a_page_can_always_come_back(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    question = await desk.read(f"/users/{member.id}/delete")
    await desk.press(f"/users/{member.id}/delete")
    taken = {"username": member.username, "email": "new@example.org", "password": PASSWORD}
    refused = await running.client.post("/api/auth/register", json=taken)
    deleted = await desk.read(f"/users/{member.id}")
    _, sentence = await desk.press(f"/users/{member.id}/restore")

    assert "Nobody else can use their username and email address." in question
    assert refused.status_code == 400
    assert "Can be restored until" in deleted
    assert sentence == f"{member.username} was restored."


async def test_a_person_s_page_begins_with_what_they_wait_for(running: Application, people: People) -> None:
    admin, told = await people.admin(), {}
    desk, new = await at_the_desk(running, admin), await people.active()
    for status in Status:
        told[status] = await desk.get(f"/users/{(await people.in_status(status, signed_in=False)).id}")
    await desk.send(f"/users/{new.id}/reset-password")

    def begins(status: Status) -> tuple[bool, set[str]]:
        box = told[status].text.partition('aria-label="Status"')[2].partition("</section>")[0]
        return bool(box), set(re.findall(r'href="/users/[^/"]+/([a-z-]+)"', box))

    assert begins(Status.PENDING) == (True, {"approve", "reject"})
    assert begins(Status.REJECTED) == (True, {"approve", "reopen"})
    assert begins(Status.SUSPENDED) == (True, {"activate", "change-suspension"})
    assert begins(Status.EXPIRED) == begins(Status.DEACTIVATED) == (True, {"activate"})
    assert begins(Status.DELETED) == (True, {"restore"})
    assert begins(Status.ANONYMIZED) == (True, set())
    assert "Waiting for a decision." in text_of(told[Status.PENDING])
    assert begins(Status.ACTIVE) == (False, set())
    assert "Must choose their own password. The temporary one works until" in await desk.read(f"/users/{new.id}")


@pytest.mark.parametrize("undo", ['["anonymize", "ID"]', '["restore"]', '"restore"', '["restore", 7]', "[[], {}]"])
async def test_a_planted_notice_leads_nowhere(running: Application, people: People, undo: str) -> None:
    import base64  # noqa: PLC0415

    admin, member = await people.admin(), await people.active()
    desk = await at_the_desk(running, admin)
    notice = f'{{"text": "Look!", "kind": "ok", "undo": {undo.replace("ID", str(member.id))}}}'
    desk.browser.cookies.set("notice", base64.urlsafe_b64encode(notice.encode()).decode())
    page = await desk.get("/users")

    assert page.status_code == 200
    assert "Undo" not in page.text


async def test_an_account_that_cannot_come_back_says_why(running: Application, people: People) -> None:
    desk, gone = await at_the_desk(running, await people.admin()), await people.deleted()
    await running.client.post(
        "/api/auth/register", json={"username": gone.username, "email": "new@example.org", "password": PASSWORD}
    )
    page = await desk.read(f"/users/{gone.id}")
    there, sentence = await desk.press(f"/users/{gone.id}/restore")

    assert "Can be restored until" in page
    assert (there, sentence) == (
        f"/users/{gone.id}",
        "Another account now has this username. Nothing was changed.",
    )


async def test_a_suspension_can_have_an_end(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    past = await desk.send(f"/users/{member.id}/suspend", until="2001-05-17", reason="A long story.")
    nonsense = await desk.send(f"/users/{member.id}/suspend", until="tomorrow")
    ends = running.clock.now() + timedelta(days=3)
    await desk.press(f"/users/{member.id}/suspend", until=f"{ends:%Y-%m-%d}")
    row = await people.row(member)

    assert (past.status_code, "A long story." in past.text) == (422, True)
    assert "Choose a day in the future." in text_of(past)
    assert "Write the day as year-month-day" in text_of(nonsense)
    assert row.suspended_until == ends.replace(hour=0, minute=0, second=0)


async def test_a_suspension_is_changed_with_what_was_said_before_at_hand(running: Application, people: People) -> None:
    admin, member = await people.admin(), await people.active()
    desk, ends = await at_the_desk(running, admin), running.clock.now() + timedelta(days=3, hours=1)
    async with people.work() as services:
        await services.closing.suspend(admin.id, member.id, "A lost laptop.", until=ends)
    shown = await desk.get(f"/users/{member.id}/change-suspension")
    form = {"until": f"{ends:%Y-%m-%d}", "reason": "It was found, and is being looked at."}
    there, sentence = await desk.press(f"/users/{member.id}/change-suspension", **form)
    kept = await people.row(member)
    await desk.press(f"/users/{member.id}/change-suspension", until="")
    endless = await people.row(member)

    assert "A lost laptop." in text_of(shown)
    assert f'value="{ends:%Y-%m-%d}"' in shown.text
    assert (there, sentence) == (f"/users/{member.id}", f"The suspension of {member.username} was changed.")
    assert (kept.suspended_until, kept.decision_reason) == (ends, form["reason"])
    assert (endless.status, endless.suspended_until, endless.decision_reason) == (Status.SUSPENDED, None, None)
    assert ">Undo<" not in (await desk.get(there)).text


async def test_who_is_shut_out_reads_until_when_and_why(running: Application, people: People) -> None:
    admin, one, other = await people.admin(), await people.active(), await people.active()
    desk, ends = await at_the_desk(running, admin), running.clock.now() + timedelta(days=3)
    hint = await desk.read(f"/users/{one.id}/suspend")
    await desk.press(f"/users/{one.id}/suspend", until=f"{ends:%Y-%m-%d}", reason="<b>A lost laptop.</b>")
    async with people.work() as services:
        await services.closing.set_end(admin.id, other.id, ends)
    running.clock.move(days=2)
    paused = await where_one_stands(running, one)
    running.clock.move(days=2)
    over = await where_one_stands(running, other)

    assert "They will read this. It is saved in the account’s history." in hint
    assert f"You can sign in again from {ends.day} {ends:%b %Y}, 00:00 UTC" in paused
    assert "Reason <b>A lost laptop.</b>" in paused
    assert f"Your access expired on {exact(ends)}" in over


async def test_nobody_is_erased_without_their_name_being_typed(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    for name in ({}, {"typed_name": "somebody"}):
        refused = await desk.send(f"/users/{member.id}/anonymize", **name)
        assert (refused.status_code, member.username in text_of(refused)) == (422, True)
    question = await desk.read(f"/users/{member.id}/anonymize")
    await desk.press(f"/users/{member.id}/anonymize", typed_name=member.username.upper())
    left = await desk.read(f"/users/{member.id}")

    assert "The email address is kept in the erased record" in question
    assert "No actions are available for this account." in left
    assert f"{member.username} " not in left


async def test_only_what_fits_is_offered(running: Application, people: People) -> None:
    admin, other = await people.admin(), await people.admin()
    desk, approver, gone = await at_the_desk(running, admin), await people.approver(), await people.deleted()

    async def offered(id_: object) -> set[str]:
        page = (await desk.get(f"/users/{id_}")).text
        return {part.partition('"')[0] for part in page.split(f"/users/{id_}/")[1:]} - {"edit", "tier", "end-sessions"}

    assert await offered(admin.id) == set()
    assert {"appoint", "demote", "suspend", "delete"} <= await offered(other.id)
    assert not await offered(other.id) & {"promote", "expire", "anonymize", "restore", "approve"}
    assert {"promote", "demote", "expire", "anonymize"} <= await offered(approver.id)
    assert await offered(gone.id) == {"restore", "anonymize"}
    rejected = await offered((await people.rejected()).id)
    assert rejected == {"approve", "reopen", "delete", "anonymize", "make-verification-link"}


async def test_a_new_account_gets_a_password_that_is_shown_once(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    new = {"username": "ana", "email": "ana@example.org", "full_name": "Ana López", "role": "approver"}
    made = await desk.send("/users/new", **new, is_active="true")
    password = made.text.partition('id="temporary"')[2].partition('value="')[2].partition('"')[0]
    body = {"username_or_email": "ana", "password": password}
    signed_in = (await running.client.post("/api/auth/login", json=body)).json()["user"]
    found = await people.statuses()
    guest = running.browser()
    first = await guest.post("/login", data=body)

    assert made.status_code == 200
    assert signed_in["username"] == "ana"
    assert found["ana"] is Status.ACTIVE
    assert first.headers["location"] == "/account"
    assert "Choose your own password" in (await guest.get("/account")).text


async def test_a_temporary_password_opens_no_other_page_until_it_is_replaced(
    running: Application, people: People
) -> None:
    desk, other = await at_the_desk(running, await people.admin()), await people.admin()
    shown = await desk.send(f"/users/{other.id}/reset-password")
    temporary = shown.text.partition('id="temporary"')[2].partition('value="')[2].partition('"')[0]
    browser = running.browser()
    await browser.post("/login", data={"username_or_email": other.username, "password": temporary})
    guest = Desk(browser)
    before = [await guest.get(path) for path in ("/users", "/approvals", "/devices", "/account/edit", "/users/nobody")]
    lost = await guest.get("/nobody")
    await guest.press("/account/password", current_password=temporary, new_password="a shelf of blue jars")
    after = [await guest.get(path) for path in ("/users", "/devices")]

    assert "they must choose their own password" in text_of(shown)
    assert {answer.headers["location"] for answer in before} == {"/account"}
    assert lost.status_code == 404
    assert {answer.status_code for answer in after} == {200}


async def test_a_refused_new_account_keeps_what_was_typed(running: Application, people: People) -> None:
    admin = await people.admin()
    desk = await at_the_desk(running, admin)
    taken = await desk.send("/users/new", username="ana", email=admin.email, institution="Harbour", is_active="true")
    weak = await desk.send("/users/new", username="ana", email="ana@example.org", password="password", is_active="true")
    powerful = await desk.send("/users/new", username="ana", email="ana@example.org", role="admin")
    there, sentence = await desk.press("/users/new", username="ana", email="ana@example.org", password=PASSWORD)

    assert [answer.status_code for answer in (taken, weak, powerful)] == [409, 422, 400]
    assert "An account with this email address already exists." in text_of(taken)
    assert 'value="Harbour"' in taken.text
    assert "Only active accounts can have a role." in text_of(powerful)
    assert sentence == "The account ana was created."
    assert "Suspended" in await desk.read(there)


async def test_an_account_is_edited_and_only_what_changed_is_recorded(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    async with people.work() as services:
        ends = running.clock.now() + timedelta(days=9, hours=5)
        await services.closing.set_end(None, member.id, ends)
    form = {"username": member.username, "email": member.email, "full_name": "Ana <b>López</b>", "is_verified": "true"}
    there, _ = await desk.press(f"/users/{member.id}/edit", **form, access_expires_at=f"{ends:%Y-%m-%d}")
    kept = await people.row(member)
    page = await desk.read(there)
    await desk.press(f"/users/{member.id}/edit", **{**form, "email": "ana@example.org"})
    moved = await people.row(member)

    assert (kept.full_name, kept.is_verified, kept.access_expires_at) == ("Ana <b>López</b>", True, ends)
    assert "Full name: – → Ana <b>López</b>" in page
    assert (moved.email, moved.is_verified, moved.access_expires_at) == ("ana@example.org", False, None)
    refused = await desk.send(f"/users/{member.id}/edit", **{**form, "username": "-"})
    assert (refused.status_code, 'value="-"' in refused.text) == (422, True)
    assert (await desk.get(f"/users/{(await people.deleted()).id}/edit")).status_code == 404


async def test_many_are_suspended_after_a_question_and_once(running: Application, people: People) -> None:
    admin, one, other = await people.admin(), await people.active(), await people.active()
    desk, ids = await at_the_desk(running, admin), [str(one.id), str(other.id)]
    question = await desk.get("/users/bulk", operation="deactivate", chosen=ids, then="/users?query=user")
    key = question.text.partition('name="key" value="')[2].partition('"')[0]
    form = {"operation": "deactivate", "chosen": ids, "key": key, "then": "/users?query=user", "reason": "A break."}
    done = [await desk.press("/users/bulk", **form) for _ in range(2)]
    other_words = await desk.press("/users/bulk", **{**form, "reason": "Another one."})

    assert all(person.username in text_of(question) for person in (one, other))
    assert done == [("/users?query=user", "2 people were suspended.")] * 2
    assert len(await people.audit("admin_user_suspended", about=one)) == 1
    assert other_words[1] == "This form was already sent with different contents. Select the people again."


async def test_who_is_left_alone_is_named_with_the_reason(running: Application, people: People) -> None:
    desk, waiting, member = (
        await at_the_desk(running, await people.admin()),
        await people.pending(),
        await people.active(),
    )
    ids = [str(waiting.id), str(member.id), str(uuid4())]
    answer = await desk.send("/users/bulk", operation="approve", chosen=ids, key="k", then="/approvals")
    text = text_of(answer)

    assert answer.status_code == 200
    assert "1 person was approved 2 people were skipped:" in text
    assert "This request was already approved." in text
    assert "1 account does not exist any more." in text
    assert (await people.row(waiting)).status is Status.ACTIVE


async def test_many_need_somebody_something_and_never_oneself(running: Application, people: People) -> None:
    admin, member = await people.admin(), await people.active()
    desk = await at_the_desk(running, admin)
    nobody = await desk.get("/users/bulk", operation="delete", then="/users")
    nothing = await desk.get("/users/bulk", chosen=str(member.id), then="https://evil.example/users")
    oneself = await desk.press("/users/bulk", operation="delete", chosen=[str(admin.id)], key="k")

    assert said(nobody).startswith("Select people first")
    assert (said(nothing), nothing.headers["location"]) == ("Choose an action first.", "/users")
    assert oneself == ("/users", "Cannot include yourself in bulk operations")
    assert f'value="{admin.id}"' not in (await desk.get("/users")).text


FILE = (
    "username,email,full_name\n"
    "ana,ana@example.org,Ana López\n"
    "-,bad@example.org,<b>Bad</b>\n"
    "boris,ana@example.org,Борис\n"
)


async def test_a_file_is_checked_and_then_taken_in(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    file = {"file": ("people.csv", FILE.encode(), "text/csv")}
    checked = await desk.upload("/users/import", file, act="check")
    before = await people.statuses()
    imported = await desk.upload("/users/import", file, act="import")
    after, text = await people.statuses(), text_of(imported)

    assert "Checked: 3 rows" in text_of(checked)
    assert "1 account would be created, 2 rows would be skipped." in text_of(checked)
    assert "ana" not in before
    assert "Imported: 3 rows 1 account was created, 2 rows were skipped." in text
    assert "An account with this email address already exists." in text
    assert after["ana"] is Status.ACTIVE
    assert "boris" not in after


async def test_what_is_no_file_of_accounts_is_refused_beside_its_field(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    picture = await desk.upload("/users/import", {"file": ("me.png", b"png", "image/png")}, act="check")
    nothing = await desk.upload("/users/import", {"file": ("", b"", "application/octet-stream")}, act="check")
    torn = await desk.upload("/users/import", {"file": ("people.csv", b"name\nAna", "text/csv")}, act="import")
    huge = await desk.upload("/users/import", {"file": ("people.csv", b"x" * 11_000_000, "text/csv")}, act="check")

    assert "in a spreadsheet, save as CSV (UTF-8)." in text_of(picture)
    assert nothing.status_code in {415, 422}
    assert (torn.status_code, 'aria-invalid="true"' in torn.text) == (422, True)
    assert huge.status_code == 413


async def test_two_who_edit_one_account_overwrite_nothing_unseen(running: Application, people: People) -> None:
    member = await people.active()
    one, other = [await at_the_desk(running, await people.admin()) for _ in range(2)]
    path = f"/users/{member.id}/edit"
    shown = filled(await one.get(path))
    await other.press(path, **{**shown, "full_name": "Ana López", "institution": 'A "Lab" & more'})
    await one.press(path, **{**shown, "approval_note": "Came with Ben."})
    refused = await one.send(path, **{**shown, "full_name": "Anna Lopez", "institution": "Other"})
    first = await people.row(member)
    again = {**filled(refused), "institution": first.institution}
    await one.press(path, **again)
    then = await people.row(member)

    assert (first.full_name, first.approval_note) == ("Ana López", "Came with Ben.")
    assert (refused.status_code, again["full_name"], again["approval_note"]) == (409, "Anna Lopez", "Came with Ben.")
    assert "Someone else changed this account while you were editing it. It is now “Ana López”." in text_of(refused)
    assert (then.full_name, then.institution, then.approval_note) == ("Anna Lopez", first.institution, "Came with Ben.")


async def test_an_address_that_nobody_saw_is_not_confirmed(running: Application, people: People) -> None:
    member, desk = await people.active(), await at_the_desk(running, await people.admin())
    path = f"/users/{member.id}/edit"
    form = filled(await desk.get(path))
    async with people.work() as services:
        await services.editing.update(None, member.id, {"email": "other@example.org"})
    refused = await desk.send(path, **form, is_verified="true")

    assert (refused.status_code, (await people.row(member)).is_verified) == (409, False)
    assert "It is now “other@example.org”." in text_of(refused)


async def test_one_edits_one_s_own_data(running: Application, people: People) -> None:
    person = await people.active()
    desk = await at_the_desk(running, person)
    form = {"username": person.username, "email": person.email, "institution": "Harbour", "profile_image_url": ""}
    there, sentence = await desk.press("/account/edit", **form, full_name="Ana López")
    moved = {**form, "email": "ana@example.org"}
    unproven = await desk.send("/account/edit", **moved)
    wrong = await desk.send("/account/edit", **moved, current_password="a guess")
    told = await desk.press("/account/edit", **moved, current_password=PASSWORD)
    picture = await desk.send("/account/edit", **{**form, "profile_image_url": "javascript:alert(1)"})
    row = await people.row(person)

    assert (there, sentence) == ("/account", "Your changes were saved.")
    assert told == ("/account", "Your changes were saved. The new email address is not confirmed yet.")
    assert [answer.status_code for answer in (unproven, wrong, picture)] == [403, 403, 422]
    assert "Give your current password" in text_of(unproven)
    assert 'value="ana@example.org"' in unproven.text
    assert (row.email, row.full_name, row.institution) == ("ana@example.org", "Ana López", "Harbour")


async def test_the_proof_of_one_s_address_is_sent_once_more(running: Application, people: People) -> None:
    person = await people.active()
    desk = await at_the_desk(running, person)
    assert "not confirmed yet" in await desk.read("/account")
    there, sentence = await desk.press("/account/confirm-email")
    mails = await running.mails()

    assert (there, sentence) == ("/account", "A confirmation link is printed to the console of the server.")
    assert [mail.to for mail in mails] == [person.email]


async def test_one_closes_one_s_account_and_reads_how_to_come_back(running: Application, people: People) -> None:
    person = await people.active()
    desk = await at_the_desk(running, person)
    unsure = await desk.press("/account/deactivate")
    question = await desk.read("/account/deactivate")
    left = await desk.send("/account/deactivate", confirm="true")
    page = await desk.read(left.headers["location"])
    again = await desk.get("/account")

    assert unsure == ("/account", "Account deactivation requires confirmation")
    assert "You are signed out everywhere immediately" in question
    assert "You closed your account" in page
    assert "To use the account again, contact an administrator" in page
    assert again.headers["location"].startswith("/login")
    assert (await people.row(person)).status is Status.DEACTIVATED


async def test_the_only_administrator_stays(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    alone = await desk.get("/account/deactivate")
    refused = await desk.press("/account/deactivate", confirm="true")
    await people.admin()
    together = await desk.get("/account/deactivate")

    assert "You are the only administrator. Make someone else an administrator first." in text_of(alone)
    assert ("Close account" in alone.text, "Close account" in together.text) == (False, True)
    assert refused[1] == "Cannot deactivate the only admin account"


async def test_a_way_back_that_is_not_from_here_is_no_button(running: Application, people: People) -> None:
    admin, eve = await people.admin(), await people.active()
    planted = {"text": "Two sessions were signed out.", "kind": "ok", "undo": ["promote", eve.id.hex, "0" * 32]}
    desk = await at_the_desk(running, admin)
    desk.browser.cookies.set("notice", base64.urlsafe_b64encode(json.dumps(planted).encode()).decode())
    shown = (await desk.get("/users")).text

    assert "Two sessions were signed out." in shown
    assert "/promote" not in shown


async def where_one_stands(running: Application, person: Person) -> str:
    """What somebody reads who signs in and may not come in."""
    browser = running.browser()
    answer = await browser.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    assert answer.headers["location"] == "/waiting"
    return text_of(await browser.get("/waiting"))
