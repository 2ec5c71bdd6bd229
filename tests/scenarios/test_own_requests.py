"""A request for access in the hands of who made it, by pages in a browser without script: amended, withdrawn, again."""

import asyncio
from typing import Any

import httpx
import pytest

from backend.models import MailPurpose, Status
from tests.application import Application
from tests.factories import PASSWORD, People, Person
from tests.scenarios.desk import at_the_desk, said, text_of

WRONG = "This is not the password you chose. Please try again."
MOVED = "Your request has changed in the meantime. Look at where it stands now."


async def _waiting(running: Application, person: Person) -> httpx.AsyncClient:
    """Let an applicant sign in, which brings them to the page that shows where they stand."""
    browser = running.browser()
    answer = await browser.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    assert answer.headers["location"] == "/waiting"
    return browser


async def _send(browser: httpx.AsyncClient, word: str, password: str = PASSWORD, **fields: Any) -> httpx.Response:
    return await browser.post(f"/waiting/{word}", data={"current_password": password, **fields})


async def test_who_waits_says_it_better_and_who_decides_sees_that(running: Application, people: People) -> None:
    approver, person = await people.approver(), await people.pending(approval_note="looms", institution="Mill")
    browser = await _waiting(running, person)
    form = await browser.get("/waiting/amend")
    wrong = await _send(browser, "amend", "another password", institution="Reef <Lab>", approval_note="I dive.\nDaily.")
    too_long = await _send(browser, "amend", institution="x" * 201, approval_note="y" * 2001)
    before = await people.row(person)
    done = await _send(browser, "amend", institution="Reef <Lab>", approval_note=" I dive.\r\nDaily. ")
    same = await _send(browser, "amend", institution="Reef <Lab>", approval_note="I dive.\nDaily.")
    shown, after = await browser.get("/waiting"), await people.row(person)
    seen = await (await at_the_desk(running, approver)).read("/approvals")

    assert ("looms</textarea>" in form.text, 'value="Mill"' in form.text) == (True, True)
    assert (wrong.status_code, WRONG in wrong.text, "I dive.\nDaily.</textarea>" in wrong.text) == (400, True, True)
    assert (too_long.status_code, text_of(too_long).count("at most")) == (422, 4)
    assert (before.approval_note, before.institution) == ("looms", "Mill")
    assert (done.status_code, done.headers["location"]) == (303, "/waiting")
    assert said(done) == said(same) == "Your request was changed. Whoever reviews it sees the new version."
    assert (after.approval_note, after.institution) == ("I dive.\nDaily.", "Reef <Lab>")
    assert (after.status, after.created_at) == (Status.PENDING, before.created_at)
    assert ("Reef &lt;Lab&gt;" in shown.text, "Changed" in text_of(shown)) == (True, True)
    assert "Changed by the applicant just now" in seen
    [record] = await people.audit("request_amended", about=person)
    assert record.actor_id == person.id
    assert {change["field"]: change["old"] for change in record.details["changes"]} == {
        "institution": "Mill",
        "approval_note": "looms",
    }


async def test_a_request_is_withdrawn_after_a_question_and_its_names_are_free(
    running: Application, people: People
) -> None:
    admin, person = await people.admin(), await people.pending()
    browser, elsewhere = await _waiting(running, person), await _waiting(running, person)
    question, nothing = await browser.get("/waiting/withdraw"), await _send(browser, "withdraw", "")
    waits = (await people.row(person)).status
    done, again = await _send(browser, "withdraw"), await _send(elsewhere, "withdraw")
    left, told = await browser.get("/waiting"), await browser.get(done.headers["location"])
    row = await people.row(person)
    new = {"username": person.username, "email": person.email, "password": PASSWORD}
    anew = await running.client.post("/api/auth/register", json=new)
    late = await elsewhere.get("/waiting/amend")

    assert "Your username and your email address are free again at once" in text_of(question)
    assert (nothing.status_code, waits) == (400, Status.PENDING)
    assert (done.status_code, done.headers["location"]) == (303, "/login?why=withdrawn")
    assert (left.status_code, left.headers["location"]) == (303, "/login")
    assert "Your request was withdrawn" in text_of(told)
    assert (again.headers["location"], said(again), said(late)) == ("/waiting", MOVED, MOVED)
    assert (row.status, row.status_before_deletion) == (Status.DELETED, Status.PENDING)
    assert anew.status_code == 201
    assert [event.actor_id for event in await people.audit("request_withdrawn", about=person)] == [person.id]
    assert "Withdrew their request" in await (await at_the_desk(running, admin)).read(f"/users/{person.id}")


@pytest.mark.settings(require_approval_note=True)
async def test_who_was_rejected_reads_why_and_asks_again_once_a_day(running: Application, people: People) -> None:
    approver, person = await people.approver(), await people.pending(approval_note="looms", institution="Mill")
    path = f"/api/auth/admin/users/{person.id}/approve"
    await approver.post(path, {"approved": False, "reason": "Which mill?"})
    browser = await _waiting(running, person)
    told, form = await browser.get("/waiting"), await browser.get("/waiting/again")
    silent = await _send(browser, "again", institution="", approval_note="")
    withdrawn = await _send(browser, "withdraw")
    sent = await _send(browser, "again", institution="Mill of Ghent", approval_note="looms")
    waits, seen = await people.row(person), await (await at_the_desk(running, approver)).read("/approvals")
    mails = await running.mails(MailPurpose.ACCOUNT_REJECTED)
    await approver.post(path, {"approved": False, "reason": "Still no"})
    running.clock.move(minutes=2)
    mails += await running.mails(MailPurpose.ACCOUNT_REJECTED)
    soon = await _send(browser, "again", institution="Mill of Ghent", approval_note="looms")
    running.clock.move(days=1, minutes=1)
    later = await _send(await _waiting(running, person), "again", institution="Mill of Ghent", approval_note="looms")

    assert ("Which mill?" in told.text, 'href="/waiting/again"' in told.text) == (True, True)
    assert ("Which mill?" in form.text, "looms</textarea>" in form.text) == (True, True)
    assert (silent.status_code, "Please fix 2 problems." in text_of(silent)) == (422, True)
    assert said(withdrawn) == MOVED
    assert (sent.status_code, said(sent)) == (303, "Your request was sent again.")
    assert ["Still no" in mail.body for mail in mails] == [True]  # the first one was taken back
    assert (waits.status, waits.institution, waits.decision_reason) == (Status.PENDING, "Mill of Ghent", None)
    assert "Rejected before, sent again just now" in seen
    [sent_again, *_] = sorted(await people.audit("request_sent_again", about=person), key=lambda event: event.at)
    assert sent_again.details["changes"] == [{"field": "institution", "old": "Mill", "new": "Mill of Ghent"}]
    assert (soon.status_code, "once a day" in text_of(soon), later.status_code) == (409, True, 303)
    assert (await people.row(person)).status is Status.PENDING


async def test_a_wrong_password_there_is_a_guess_like_any_other(running: Application, people: People) -> None:
    person = await people.pending()
    browser = await _waiting(running, person)
    answers = [(await _send(browser, "withdraw", f"guess {n}")).status_code for n in range(5)]
    right = await _send(browser, "withdraw")
    elsewhere = await running.client.post(
        "/api/auth/login", json={"username_or_email": person.username, "password": PASSWORD}
    )

    assert (answers, right.status_code, elsewhere.status_code) == ([400] * 5, 429, 429)
    assert (await people.row(person)).status is Status.PENDING
    refused = await people.audit("refused", about=person)
    assert {event.reason for event in refused} == {"WRONG_CURRENT_PASSWORD"}


async def test_without_having_signed_in_lately_nobody_gets_near_a_request(running: Application, people: People) -> None:
    person, stranger = await people.pending(), running.browser()
    unknown = [await _send(stranger, word, approval_note="mine now") for word in ("amend", "again", "withdraw")]
    foreign = await (await _waiting(running, person)).post(
        "/waiting/withdraw", data={"current_password": PASSWORD}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    browser = await _waiting(running, person)
    running.clock.move(hours=25)
    stale = await _send(browser, "withdraw")

    assert [(answer.status_code, answer.headers["location"]) for answer in (*unknown, stale)] == [(303, "/login")] * 4
    assert foreign.status_code == 403
    assert (await people.row(person)).status is Status.PENDING


async def test_who_decides_first_has_decided(running: Application, people: People) -> None:
    person = await people.pending(approval_note="looms")
    browser = await _waiting(running, person)
    async with people.work() as work:
        await work.decisions.approve(person.id, by=None, reason=None, reconsider=False)
        amending = asyncio.create_task(_send(browser, "amend", approval_note="reefs"))
        await asyncio.wait({amending}, timeout=0.3)  # as far as it comes: to the lock, or only to the password
    late = await amending
    row = await people.row(person)

    assert (late.status_code, MOVED in text_of(late)) == (409, True) or said(late) == MOVED
    assert (row.status, row.approval_note) == (Status.ACTIVE, "looms")
    assert await people.audit("request_amended", about=person) == []
