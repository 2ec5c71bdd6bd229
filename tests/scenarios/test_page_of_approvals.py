"""Approvals: requests found and decided, one by one or many at once, in a browser without script."""

import re
from urllib.parse import urlencode

import pytest

from backend.models import MailPurpose, Status
from tests.application import Application
from tests.factories import People
from tests.scenarios.desk import at_the_desk, said, text_of

pytestmark = pytest.mark.settings(rate_limits=False)

BULK = "/approvals/bulk"


async def test_an_approver_decides_about_many_after_a_question(running: Application, people: People) -> None:
    one, other = await people.pending(full_name="Ana López"), await people.pending()
    desk = await at_the_desk(running, await people.approver())
    page = (await desk.get("/approvals")).text
    chosen = {"operation": "approve", "chosen": [str(one.id), str(other.id)], "then": "/approvals"}
    question = await desk.get(BULK, **chosen)
    key = question.text.partition('name="key" value="')[2].partition('"')[0]
    done = [await desk.press(BULK, **chosen, key=key, reason="Welcome.") for _ in range(2)]
    rows = [await people.row(person) for person in (one, other)]

    assert [f'value="{person.id}" form="many"' in page for person in (one, other)] == [True, True]
    assert f'action="{BULK}"' in page
    assert "Approve 2 people?" in text_of(question)
    assert ("Ana López" in text_of(question), other.username in text_of(question)) == (True, True)
    assert done == [("/approvals", "2 people were approved.")] * 2
    assert [(row.status, row.decision_reason) for row in rows] == [(Status.ACTIVE, "Welcome.")] * 2
    assert len(await people.audit("admin_user_approved", about=one)) == 1


async def test_whoever_is_skipped_is_named_with_the_reason(running: Application, people: People) -> None:
    waiting, quick = await people.pending(), await people.pending(full_name="Ana López")
    gone, approver = await people.deleted(), await people.approver()
    desk = await at_the_desk(running, approver)
    async with people.work() as services:
        await services.decisions.approve(quick.id, by=None)
    ids = [str(waiting.id), str(quick.id), str(gone.id)]
    answer = await desk.send(BULK, operation="reject", chosen=ids, key="k", then="/approvals")
    text = text_of(answer)

    assert "1 person was rejected 2 people were skipped: Ana López" in text
    assert (gone.username in text, "1 account does not exist any more." in text) == (False, True)
    assert ("/users/" in answer.text, 'class="chip' in answer.text) == (False, False)
    assert (await people.row(waiting)).status is Status.REJECTED


async def test_the_question_names_nobody_but_those_who_wait(running: Application, people: People) -> None:
    waiting, member, gone = await people.pending(), await people.active(), await people.deleted()
    desk = await at_the_desk(running, await people.approver())
    some = await desk.get(BULK, operation="approve", chosen=[str(waiting.id), str(member.id), str(gone.id)])
    none = await desk.get(BULK, operation="approve", chosen=[str(member.id)])

    assert "Approve 1 person?" in text_of(some)
    assert "2 of those you selected are not waiting any more." in text_of(some)
    assert [name in some.text for name in (waiting.username, member.username, gone.username)] == [True, False, False]
    assert (none.headers["location"], said(none)) == ("/approvals", "Nobody you selected is waiting any more.")


async def test_an_approver_does_nothing_else_to_many(running: Application, people: People) -> None:
    waiting, approver = await people.pending(), await people.approver()
    desk, chosen = await at_the_desk(running, approver), [str(waiting.id)]
    other = await desk.press(BULK, operation="delete", chosen=chosen, key="k")
    by_admin = await (await at_the_desk(running, await people.admin())).press(BULK, operation="delete", chosen=chosen)
    elsewhere = await desk.send("/users/bulk", operation="approve", chosen=chosen, key="k")
    by_api = await approver.post("/api/v1/users/bulk", {"user_ids": chosen, "operation": "approve"})

    assert other == by_admin == ("/approvals", "Choose an action first.")
    assert (elsewhere.status_code, by_api.status_code) == (403, 403)
    assert (await people.row(waiting)).status is Status.PENDING


async def test_where_one_person_waits_the_page_offers_nothing_for_many(running: Application, people: People) -> None:
    await people.pending()
    desk = await at_the_desk(running, await people.approver())
    alone = (await desk.get("/approvals")).text
    await people.pending()
    together = (await desk.get("/approvals")).text

    assert [sign in alone for sign in (BULK, 'role="search"')] == [False, False]
    assert [sign in together for sign in (BULK, 'role="search"')] == [True, True]


async def test_requests_are_found_by_a_part_of_a_name_and_sorted(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.approver())
    ana = await people.pending(full_name="Ana López", institution="Harbour Observatory")
    running.clock.move(minutes=1)
    ben = await people.pending(institution="Harbour Observatory")
    running.clock.move(minutes=1)
    other = await people.pending()
    found = await desk.get("/approvals", query="harb", sort="newest")
    nobody, brief = await desk.read("/approvals", query="kites"), await desk.read("/approvals", query="zz")
    address = f"/approvals?{urlencode({'query': 'harb', 'sort': 'newest'})}"

    assert _order(found.text) == [str(ben.id), str(ana.id)]
    assert _order((await desk.get("/approvals")).text) == [str(one.id) for one in (ana, ben, other)]
    assert ("3 people are waiting." in text_of(found), "2 people found." in text_of(found)) == (True, True)
    assert f'name="then" value="{address.replace("&", "&amp;")}#request-{ana.id}"' in found.text
    assert (await desk.press(f"/approvals/{ben.id}/approve", then=f"{address}#request-{ana.id}"))[0].startswith(address)
    assert "No people found" in nobody
    assert "one or two letters" in brief


async def test_only_those_who_wait_are_found(running: Application, people: People) -> None:
    member, waiting = await people.active(), await people.pending()
    desk = await at_the_desk(running, await people.approver())
    found = await desk.get("/approvals", query="example")

    assert (waiting.username in found.text, member.username in found.text) == (True, False)


async def test_an_address_that_makes_no_sense_says_so_beside_the_field(running: Application, people: People) -> None:
    await people.pending()
    desk = await at_the_desk(running, await people.approver())
    answers = [await desk.get("/approvals", **asked) for asked in ({"sort": "loudest"}, {"query": "x" * 201})]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert ['aria-invalid="true"' in answer.text for answer in answers] == [True, True]
    assert (await desk.get("/approvals", cursor="nonsense")).status_code == 400


async def test_a_long_list_keeps_its_order_from_page_to_page(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.approver())
    await people.crowd(52, Status.PENDING)
    first = await desk.get("/approvals", sort="newest")
    link = first.text.partition('rel="next"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await desk.get(link)
    then = re.findall(r'name="then" value="([^"#]+)', second.text)

    assert (len(_order(first.text)), len(_order(second.text))) == (50, 2)
    assert not set(_order(first.text)) & set(_order(second.text))
    assert {address.replace("&amp;", "&") for address in then[:-1]} == {link}


async def test_a_request_leads_to_its_person_for_who_may_see_them(running: Application, people: People) -> None:
    person = await people.pending()
    pages = [
        (await (await at_the_desk(running, who)).get("/approvals")).text
        for who in (await people.admin(), await people.approver())
    ]

    assert [f'href="/users/{person.id}"' in page for page in pages] == [True, False]


async def test_an_address_that_is_proven_bears_a_mark(running: Application, people: People) -> None:
    person = await people.pending()
    desk = await at_the_desk(running, await people.approver())
    before = await desk.read("/approvals")
    async with people.work() as services:
        user = await services.users.lock(person.id)
        assert user
        await services.users.update(user, {"is_verified": True})

    assert ("confirmed" in before, "confirmed" in await desk.read("/approvals")) == (False, True)


async def test_an_approval_can_have_a_reason(running: Application, people: People) -> None:
    person = await people.pending()
    desk = await at_the_desk(running, await people.approver())
    await desk.press(f"/approvals/{person.id}/approve", reason="Come on Monday.")
    (mail,) = await running.mails(MailPurpose.ACCOUNT_APPROVED)

    assert (await people.row(person)).decision_reason == "Come on Monday."
    assert "Come on Monday." in mail.body


async def test_a_rejection_undone_at_once_leaves_no_mail(running: Application, people: People) -> None:
    person = await people.pending(full_name="Ana López")
    desk = await at_the_desk(running, await people.approver())
    await desk.press(f"/approvals/{person.id}/reject", reason="Nobody knows you.")
    before = list(await running.mails(MailPurpose.ACCOUNT_REJECTED))
    there, sentence = await desk.press(f"/approvals/{person.id}/reopen")
    running.clock.move(hours=1)

    assert (there, sentence) == (f"/approvals#request-{person.id}", "Ana López is waiting again.")
    assert (before, await running.mails(MailPurpose.ACCOUNT_REJECTED)) == ([], [])


async def test_whoever_undoes_a_rejection_too_late_reads_that_its_mail_has_left(
    running: Application, people: People
) -> None:
    admin, one, other = await people.admin(), await people.pending(full_name="Ana López"), await people.pending()
    desk = await at_the_desk(running, admin)
    for person in (one, other):
        await desk.press(f"/approvals/{person.id}/reject")
    running.clock.move(minutes=1)
    mails = await running.mails(MailPurpose.ACCOUNT_REJECTED)
    _, sentence = await desk.press(f"/approvals/{one.id}/reopen")
    _, on_their_page = await desk.press(f"/users/{other.id}/reopen")

    assert {mail.to for mail in mails} == {one.email, other.email}
    assert sentence == "Ana López is waiting again. The rejection mail was already sent."
    assert on_their_page.endswith("The rejection mail was already sent.")


def _order(page: str) -> list[str]:
    """Whose requests a page shows, from top to bottom."""
    return re.findall(r'id="request-([0-9a-f-]{36})"', page)
