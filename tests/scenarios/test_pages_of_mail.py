"""Mail and recovery by pages, in a browser without script: the ledger, links handed over, and every way back in."""

import re
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from backend.models import Mail, MailPurpose, MailState
from backend.stores.mails import WantedMails
from tests.application import Application
from tests.factories import PASSWORD, People, Person
from tests.scenarios.desk import Desk, at_the_desk, text_of

NEW = "a kettle on the sill"
SENDING = pytest.mark.settings(smtp_url="smtp://127.0.0.1:9", mail_from="entrance@example.org")
NOWHERE = pytest.mark.settings(env="production", bootstrap="first-user")


@SENDING
async def test_the_ledger_tells_what_was_sent_to_whom(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    empty = await desk.read("/messages")
    await _queued(people, member, MailPurpose.RESET_PASSWORD)
    await running.mails()
    await _queued(people, member, MailPurpose.PASSWORD_CHANGED)
    text = await desk.read("/messages")

    assert "No mail yet" in empty
    assert "All 2 Queued 1 Sending 0 Sent 1 Undeliverable 0 Not sent 0" in text
    assert f"Password changed {member.username} {member.email} Queued just now" in text
    assert f"Link to reset the password {member.username} {member.email} Sent just now Send again" in text
    assert text.rindex("Password changed") < text.rindex("Link to reset the password")


@SENDING
async def test_mail_is_found_by_state_purpose_and_person(running: Application, people: People) -> None:
    desk, ana, ben = await at_the_desk(running, await people.admin()), await people.active(), await people.active()
    await _queued(people, ana, MailPurpose.RESET_PASSWORD, MailPurpose.PASSWORD_CHANGED)
    await _queued(people, ben, MailPurpose.RESET_PASSWORD)
    await _became(people, ben, MailState.FAILED)
    hers, failed = await desk.read("/messages", user=ana.id), await desk.read("/messages", state="failed")
    changed = await desk.read("/messages", purpose="password_changed", state="", user="")
    nothing = await desk.read("/messages", user=ana.id, state="failed")

    assert f"Only mail to {ana.username} ." in hers
    assert ("All 2" in hers, ben.email in hers) == (True, False)
    assert ("All 3" in failed, ana.email in failed, ben.email in failed) == (True, False, True)
    assert "The mail server rejected these mails, or could not be reached for too long." in failed
    assert ("All 1" in changed, ben.email in changed) == (True, False)
    assert ("No mail found" in nothing, "All 2" in nothing) == (True, True)


async def test_an_address_that_makes_no_sense_says_so(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    answers = [await desk.get("/messages", **asked) for asked in ({"state": "lost"}, {"user": "ana"}, {"purpose": "x"})]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert all("Part of this address is not valid" in text_of(answer) for answer in answers)
    assert (await desk.get("/messages", user=uuid4())).status_code == 404
    assert (await desk.get("/messages", cursor="nonsense")).status_code == 400


@SENDING
async def test_a_long_ledger_has_older_mail_and_a_way_back(running: Application, people: People) -> None:
    admin = await people.admin()
    desk = await at_the_desk(running, admin)
    async with people.work() as services:
        many = {"purpose": MailPurpose.NEW_DEVICE, "user_id": admin.id, "state": MailState.ACCEPTED, "priority": 1}
        now = running.clock.now()
        await services.mails.add_all([{**many, "due_at": now, "created_at": now} for _ in range(52)])
    first = await desk.get("/messages", user=admin.id)
    link = first.text.partition('rel="next"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await desk.get(link)

    assert [answer.text.count('role="rowheader"') for answer in (first, second)] == [50, 2]
    assert f'href="/messages?user={admin.id}">Back to newest' in second.text
    assert "Older mail" in text_of(first)
    assert "Older mail" not in text_of(second)


@SENDING
async def test_what_failed_says_why_and_a_mail_that_waits_when_it_is_tried_next(
    running: Application, people: People
) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    await _queued(people, member, MailPurpose.PASSWORD_CHANGED)
    later = running.clock.now() + timedelta(minutes=31)
    await _became(people, member, MailState.DUE, attempts=3, why="451 <b>busy</b>", due_at=later)
    waits = await desk.get("/messages")
    await _became(people, member, MailState.FAILED, attempts=9, why="550 no such mailbox")
    failed = await desk.read("/messages")

    assert re.search(r"Queued Next attempt in 3\d minutes 3 attempts 451 <b>busy</b> just now Send now", text_of(waits))
    assert "<b>busy" not in waits.text
    assert "Undeliverable 9 attempts 550 no such mailbox just now Send again" in failed


@SENDING
async def test_a_mail_is_sent_again_and_that_is_on_record(running: Application, people: People) -> None:
    admin, member = await people.admin(), await people.active()
    desk = await at_the_desk(running, admin)
    await _queued(people, member, MailPurpose.RESET_PASSWORD)
    await _became(people, member, MailState.FAILED)
    mail = await _last(people, member)
    there, sentence = await desk.press(f"/messages/{mail.id}/again", then=f"/messages?user={member.id}")
    elsewhere, _ = await desk.press(f"/messages/{mail.id}/again", then="//evil.example/messages")
    sent = await running.mails(MailPurpose.RESET_PASSWORD)

    assert (there, elsewhere) == (f"/messages?user={member.id}", "/messages")
    assert sentence == f"A mail to {member.username} is on its way: Link to reset the password."
    assert [mail.to for mail in sent] == [member.email]
    assert [event.actor_id for event in await people.audit("admin_mail", about=member)] == [admin.id] * 2
    assert "Mail sent manually 2 times Link to reset the password" in await desk.read(f"/users/{member.id}")


@SENDING
async def test_a_mail_that_waits_is_tried_at_once(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    await _queued(people, member, MailPurpose.PASSWORD_CHANGED)
    await _became(people, member, MailState.DUE, attempts=3, due_at=running.clock.now() + timedelta(minutes=31))
    before = len(await running.mails())
    await desk.press(f"/messages/{(await _last(people, member)).id}/again")

    assert (before, len(await running.mails())) == (0, 1)


@SENDING
async def test_only_what_can_still_be_sent_has_a_button(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    gone, refused = await people.deleted(), []
    for purpose in (MailPurpose.ACCOUNT_REJECTED, MailPurpose.NEW_DEVICE, MailPurpose.EMAIL_CHANGED):
        await _queued(people, member, purpose)
        await _became(people, member, MailState.ACCEPTED)
        refused.append((await _last(people, member)).id)
    await _queued(people, member, MailPurpose.PASSWORD_CHANGED)
    await _became(people, member, MailState.SENT)
    await _queued(people, gone, MailPurpose.PASSWORD_CHANGED)
    await _became(people, gone, MailState.FAILED)
    under_way = await desk.press(f"/messages/{(await _last(people, member)).id}/again")
    told = [await desk.press(f"/messages/{id_}/again") for id_ in refused[1:]]

    assert not re.search(r"/messages/[^/?]*/(again|link)", (await desk.get("/messages")).text)
    assert under_way == ("/messages", "This mail is being sent. Try again in a few minutes.")
    assert [where for where, _ in told] == ["/messages"] * 2
    assert (await desk.press("/messages/nonsense/again"))[1] == "Message not found"
    assert (await desk.get(f"/messages/{refused[0]}/again")).headers["location"] == "/messages"


@NOWHERE
async def test_where_no_mail_leaves_a_link_is_made_and_shown_once(running: Application, people: People) -> None:
    admin, member = await people.admin(), await people.active()
    desk, guest = await at_the_desk(running, admin), running.browser()
    asked = await guest.post("/forgot-password", data={"email": member.email})
    ledger = await desk.read("/messages", user=member.id)
    mail = await _last(people, member)
    shown = await desk.send(f"/messages/{mail.id}/link", then="/messages?state=suppressed")
    newer = await desk.send(f"/messages/{mail.id}/link")
    old, new = _token(shown), _token(newer)
    resets = [await guest.post("/reset-password", data={"token": one, "password": NEW}) for one in (old, new, new)]

    assert "Contact one of them" in text_of(asked)
    assert "This server does not send mail." in ledger
    assert "Not sent There is no mail server. just now Create link" in ledger
    assert (shown.status_code, shown.headers["cache-control"], "set-cookie" in shown.headers) == (
        200,
        "no-store",
        False,
    )
    assert ("It works once, until" in text_of(shown), "This is logged." in text_of(shown)) == (True, True)
    assert 'href="/messages?state=suppressed">I have copied it' in shown.text
    assert old not in (await desk.get("/messages")).text
    assert [answer.status_code for answer in resets] == [400, 303, 400]
    assert [event.actor_id for event in await people.audit("admin_link", about=member)] == [admin.id] * 2


@NOWHERE
async def test_no_link_is_made_for_who_is_gone(running: Application, people: People) -> None:
    desk, gone = await at_the_desk(running, await people.admin()), await people.deleted()
    await _queued(people, gone, MailPurpose.VERIFY_EMAIL)
    listed = await desk.get("/messages", user=gone.id)
    refused = await desk.press(f"/messages/{(await _last(people, gone)).id}/link")

    assert "Link to confirm the email address" in text_of(listed)
    assert "/link" not in listed.text
    assert refused == ("/messages", "This account does not exist.")


@SENDING
async def test_where_mail_works_links_reach_their_person_alone(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    await _queued(people, member, MailPurpose.RESET_PASSWORD)
    mail = await _last(people, member)
    refused = [
        await desk.press(f"/messages/{mail.id}/link"),
        await desk.press(f"/users/{member.id}/make-reset-link"),
        await desk.press(f"/users/{member.id}/reset-password"),
    ]

    assert refused[0] == ("/messages", "This server sends mail, so links are only sent to the person by mail.")
    assert refused[1] == (
        f"/users/{member.id}",
        "This server sends mail, so links are only sent to the person by mail.",
    )
    assert refused[2] == (
        f"/users/{member.id}",
        "This server sends mail. Send them a link to reset the password instead.",
    )
    assert "Create link" not in await desk.read("/messages")


async def test_the_console_is_named_where_mail_goes_no_further(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    await _queued(people, member, MailPurpose.RESET_PASSWORD)
    await running.mails()
    text = await desk.read("/messages")
    _, sentence = await desk.press(f"/messages/{(await _last(people, member)).id}/again")

    assert "This server prints mail to its console and does not send it." in text
    assert "Send again" in text
    assert "Create link" in text
    assert sentence.startswith(f"A mail to {member.username} is printed to the console")


@SENDING
async def test_a_person_s_page_sends_links_where_mail_works(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    page = await desk.read(f"/users/{member.id}")
    question = await desk.read(f"/users/{member.id}/send-reset-link")
    _, reset = await desk.press(f"/users/{member.id}/send-reset-link")
    await desk.press(f"/users/{member.id}/send-verification")
    after = await desk.get(f"/users/{member.id}")

    assert "Send password reset link Send confirmation link" in page
    assert "Set temporary password" not in page
    assert f"A mail with a link goes to {member.email}." in question
    assert reset == f"A reset link is on its way to {member.username}."
    assert {mail.to for mail in await running.mails()} == {member.email}
    assert "Link to confirm the email address Queued just now Link to reset the password" in text_of(after)
    assert f'href="/messages?user={member.id}"' in after.text


@NOWHERE
async def test_a_person_s_page_makes_links_where_no_mail_leaves(running: Application, people: People) -> None:
    desk, member = await at_the_desk(running, await people.admin()), await people.active()
    page = await desk.read(f"/users/{member.id}")
    shown = await desk.send(f"/users/{member.id}/make-verification-link")
    done = await running.browser().post("/verify", data={"token": _token(shown)})
    confirmed = await desk.read(f"/users/{member.id}")

    assert "Set temporary password" in page
    assert "Create password reset link Create confirmation link" in page
    assert "First make sure that the address is theirs" in text_of(shown)
    assert f'href="/users/{member.id}">I have copied it' in shown.text
    assert "Your email address is confirmed" in text_of(done)
    assert "Create confirmation link" not in confirmed
    assert "Link created manually Link to confirm the email address" in confirmed


@SENDING
async def test_the_mail_that_proves_an_address_is_asked_for_by_address(running: Application, people: People) -> None:
    member, guest = await people.active(), running.browser()
    form, lost = await guest.get("/verify/again"), await guest.post("/verify/again", data={})
    known = await guest.post("/verify/again", data={"email": member.email})
    unknown = await guest.post("/verify/again", data={"email": "nobody@example.org"})
    await guest.post("/verify", data={"token": (await running.mails())[0].body.partition("#token=")[2].split()[0]})
    await guest.post("/verify/again", data={"email": member.email})

    assert "Get a new link" in text_of(form)
    assert lost.status_code == 422
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert "If an account has this address and it is not confirmed yet" in text_of(known)
    assert [mail.to for mail in await running.mails()] == [member.email]


@pytest.mark.settings(require_verified_email=True, smtp_url="smtp://127.0.0.1:9", mail_from="entrance@example.org")
async def test_who_has_to_prove_an_address_first_is_led_to_the_mail(running: Application, people: People) -> None:
    person = await people.pending()
    async with people.work() as services:
        await services.decisions.approve(person.id, by=None)
    form = {"username_or_email": person.username, "password": PASSWORD}
    refused = await running.browser().post("/login", data=form)
    wrong = await running.browser().post("/login", data={**form, "password": NEW})

    assert (refused.status_code, wrong.status_code) == (403, 401)
    assert "Your email address is not confirmed yet." in text_of(refused)
    assert '<a href="/verify/again">Get a new link</a>' in refused.text
    assert "/verify/again" not in wrong.text


@SENDING
async def test_one_asks_on_one_s_account_for_the_mail_that_proves_the_address(
    running: Application, people: People
) -> None:
    person = await people.active()
    desk = await at_the_desk(running, person)
    button = "Send new link" in await desk.read("/account")
    told = [await _asked_once_more(running, desk) for _ in range(3)]
    tired = await desk.press("/account/confirm-email")
    async with people.work() as services:
        await services.users.update(await services.people.one(person.id), {"is_verified": True})

    assert button
    assert told == [("/account", f"A confirmation link is on its way to {person.email}.")] * 3
    assert tired[1].startswith("Too many requests")
    assert (await desk.press("/account/confirm-email"))[1] == "Your email address is already confirmed."
    assert "Send new link" not in await desk.read("/account")


@pytest.mark.settings(rate_limits=False)
@SENDING
async def test_who_was_sent_enough_is_told_so(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.active())
    told = [(await _asked_once_more(running, desk))[1] for _ in range(4)]

    assert told[2].startswith("A confirmation link")
    assert told[3].startswith("We already sent you several links in the last hour")


@pytest.mark.settings(send_verification_emails=True)
@SENDING
async def test_a_new_address_is_asked_to_be_proven_and_the_old_one_is_told(
    running: Application, people: People
) -> None:
    person = await people.active()
    desk, form = await at_the_desk(running, person), {"username": person.username, "email": "new@example.org"}
    _, sentence = await desk.press("/account/edit", **form, current_password=PASSWORD)
    mails = await running.mails()
    _, same = await desk.press("/account/edit", **{**form, "email": "NEW@example.org"}, current_password=PASSWORD)

    assert sentence == (
        "Your changes were saved. We send a notice to your old email address. "
        "A confirmation link is on its way to new@example.org."
    )
    assert {mail.to for mail in mails} == {person.email, "new@example.org"}
    assert same == "Your changes were saved."


async def test_a_refused_password_does_not_cost_the_link(running: Application, people: People) -> None:
    member, guest = await people.active(), running.browser()
    await guest.post("/forgot-password", data={"email": member.email})
    token = (await running.mails())[-1].body.partition("#token=")[2].split()[0]
    weak = await guest.post("/reset-password", data={"token": token, "password": "password"})
    kept = weak.text.partition('name="token" value="')[2].partition('"')[0]
    done = await guest.post("/reset-password", data={"token": f" {kept} ", "password": NEW})

    assert (weak.status_code, kept) == (422, token)
    assert done.headers["location"] == "/login?why=password_changed"


async def test_a_link_that_is_over_says_what_to_do_and_keeps_nothing(running: Application, people: People) -> None:
    guest = running.browser()
    answers = [
        await guest.post("/reset-password", data={"token": "a-code-of-before", "password": NEW}),
        await guest.post("/verify", data={"token": "a-code-of-before"}),
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert all("If you got several mails, use the newest one." in text_of(answer) for answer in answers)
    assert '<a href="/forgot-password">Request a new link</a>' in answers[0].text
    assert '<a href="/verify/again">Get a new link</a>' in answers[1].text
    assert not any("a-code-of-before" in answer.text for answer in answers)
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


async def test_looking_at_a_link_uses_nothing_up(running: Application, people: People) -> None:
    member, guest = await people.active(), running.browser()
    await guest.post("/forgot-password", data={"email": member.email})
    await guest.post("/verify/again", data={"email": member.email})
    mails = [await running.mails(one) for one in (MailPurpose.RESET_PASSWORD, MailPurpose.VERIFY_EMAIL)]
    reset, verify = [found[0].body.partition("#token=")[2].split()[0] for found in mails]
    for method in ("HEAD", "GET"):
        for path in (f"/reset-password?token={reset}&password={NEW}", f"/verify?token={verify}", "/verify/again"):
            seen = await guest.request(method, path)
            assert (seen.status_code, reset in seen.text, verify in seen.text) == (200, False, False)

    assert (await guest.post("/verify", data={"token": verify})).status_code == 200
    assert (await guest.post("/reset-password", data={"token": reset, "password": NEW})).status_code == 303


@NOWHERE
async def test_who_forgot_a_password_where_no_mail_leaves_reads_whom_to_ask(
    running: Application, people: People
) -> None:
    desk, member, guest = await at_the_desk(running, await people.admin()), await people.active(), running.browser()
    form = text_of(await guest.get("/forgot-password"))
    known = await guest.post("/forgot-password", data={"email": member.email})
    unknown = await guest.post("/forgot-password", data={"email": "nobody@example.org"})
    account = await (await at_the_desk(running, member)).read("/account")

    assert "This server does not send mail." in form
    assert known.text == unknown.text
    assert "Contact one of them to get a reset link" in text_of(known)
    assert "Link to reset the password" in await desk.read("/messages", user=member.id)
    assert "Ask an administrator to confirm your address" in account


@pytest.mark.settings(private_registration=True)
@SENDING
async def test_private_registration_promises_mail_and_no_page(running: Application, people: People) -> None:
    admin, guest = await people.admin(), running.browser()
    form = text_of(await guest.get("/register"))
    answers = []
    for name, email in (("ana", "ana@example.org"), ("ben", admin.email)):
        sent = await guest.post("/register", data={"username": name, "email": email, "password": PASSWORD})
        answers.append((sent.status_code, sent.headers["location"], sorted(guest.cookies.keys())))
    received = text_of(await guest.get("/registered"))

    assert "We send the decision to the email address you enter here." in form
    assert "To check its status" not in form
    assert answers == [(303, "/registered", [])] * 2
    assert "We sent a mail to your address that says what happens next." in received


async def _queued(people: People, to: Person, *purposes: MailPurpose) -> None:
    async with people.work() as services:
        user = await services.people.one(to.id, gone=True)
        for purpose in purposes:
            before = "before@example.org" if purpose is MailPurpose.EMAIL_CHANGED else None
            await services.outbox.queue(purpose, user, address=before)


async def _last(people: People, to: Person) -> Mail:
    async with people.work() as services:
        return (await services.mails.page(WantedMails(user_id=to.id), None, 1)).rows[0]


async def _became(people: People, to: Person, state: MailState, **more: object) -> None:
    """Let the newest mail to somebody be in another state, as a mail server could bring it there."""
    mail = await _last(people, to)
    async with people.context.database.writing() as session:
        found = await session.get(Mail, mail.id)
        assert found
        for name, value in {"state": state, **more}.items():
            setattr(found, name, value)


async def _asked_once_more(running: Application, desk: Desk) -> tuple[str, str]:
    told = await desk.press("/account/confirm-email")
    await running.mails()
    return told


def _token(shown: httpx.Response) -> str:
    return text_of(shown).partition("#token=")[2].split()[0]
