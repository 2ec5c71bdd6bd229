"""An administrator's home: who waits, what failed, what is unusual, in one look."""

import shutil
from datetime import timedelta

import pytest

from backend.models import MailPurpose, MailState
from backend.services.audit import Action
from tests.application import Application
from tests.factories import PASSWORD, People
from tests.scenarios.desk import at_the_desk, text_of

SENDING = pytest.mark.settings(smtp_url="smtp://127.0.0.1:9", mail_from="entrance@example.org")
NOWHERE = pytest.mark.settings(env="production", bootstrap="first-user")


async def test_an_administrator_begins_here_and_nobody_else_may(running: Application, people: People) -> None:
    admin, member = await at_the_desk(running, await people.admin()), await at_the_desk(running, await people.active())

    assert (await admin.get("/")).headers["location"] == "/overview"
    assert (await member.get("/")).headers["location"] == "/account"
    assert (await member.get("/overview")).status_code == 403
    assert (await running.browser().get("/overview")).headers["location"].startswith("/login")


async def test_a_new_installation_says_that_all_is_well(running: Application, people: People) -> None:
    text = await (await at_the_desk(running, await people.admin())).read("/overview")

    assert "Pending requests No pending requests. New ones appear here" in text
    assert "Unusual lately Nothing unusual today or yesterday, compared with the last four weeks." in text
    assert "You are the only administrator. If you lose your password" in text
    assert "Active accounts 1 All accounts 1" in text


async def test_those_who_wait_longest_stand_first(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    running.clock.move(days=-9)
    waiting = []
    for _ in range(4):
        waiting.append(await people.pending())
        running.clock.move(days=2)
    running.clock.move(days=1)
    text = await desk.read("/overview")

    assert "4 requests are waiting for review, the oldest sent 9 days ago ." in text
    places = [text.index(f" {one.username} ") for one in waiting[:3]]
    assert places == sorted(places)
    assert f" {waiting[3].username} " not in text


@SENDING
async def test_mail_that_fails_is_told_until_it_is_a_week_ago(running: Application, people: People) -> None:
    admin, member = await people.admin(), await people.active()
    await people.admin()
    desk = await at_the_desk(running, admin)
    well = await desk.read("/overview")
    async with people.work() as work:
        user = await work.people.one(member.id)
        for purpose in (MailPurpose.PASSWORD_CHANGED, MailPurpose.USERNAME_CHANGED):
            await work.outbox.queue(purpose, user)
    async with people.work() as work:
        now = running.clock.now()
        for _ in range(2):
            mail = await work.mails.claim(2, now, now + timedelta(minutes=2), tried=False)
            assert mail
            await work.mails.conclude(mail.id, 1, MailState.DUE, "away", due_at=now, sent_at=None)
    held_up = await desk.read("/overview")

    assert "Needs attention Nothing needs attention. Mail is sent, and all directories are in place." in well
    assert "2 mails failed and will be tried again." in held_up


async def test_given_up_mail_counts_for_a_week(running: Application, people: People) -> None:
    admin = await people.admin()
    async with people.work() as work:
        await work.audit.record(Action.MAIL_GIVEN_UP, target=admin.id)
    then = await (await at_the_desk(running, admin)).read("/overview")
    running.clock.move(days=8)
    later = await (await at_the_desk(running, admin)).read("/overview")

    assert "One mail was undeliverable in the last seven days. Often the address is wrong" in then
    assert "undeliverable" not in later


@NOWHERE
async def test_no_mail_server_is_told(running: Application, people: People) -> None:
    text = await (await at_the_desk(running, await people.admin())).read("/overview")

    assert "This server does not send mail. Set VESTIBULE_SMTP_URL and VESTIBULE_MAIL_FROM" in text


async def test_a_full_disk_is_told(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    shutil.rmtree(running.data_dir / "users")
    (running.data_dir / "users").write_text("in the way")
    body = {"username": "ben", "email": "ben@example.org", "password": PASSWORD}
    answers = [await running.client.post("/api/auth/register", json=body) for _ in range(2)]
    (running.data_dir / "users").unlink()

    assert {answer.json()["error_code"] for answer in answers} == {"PROVISIONING_FAILED"}
    assert "2 requests failed in the last seven days because a directory" in await desk.read("/overview")


@pytest.mark.settings(login_max_attempts_per_address=100)
async def test_a_burst_of_wrong_passwords_is_unusual_after_midnight_too(running: Application, people: People) -> None:
    admin = await people.admin()
    desk = await at_the_desk(running, admin)
    member = await people.active()
    for number in range(12):
        name = f"nobody-{number}" if number else member.username
        body = {"username_or_email": name, "password": "a wrong one"}
        await running.client.post("/api/auth/login", json=body)
    page = await desk.get("/overview")
    read = []
    for _ in range(2):
        running.clock.move(days=1)
        read.append(await (await at_the_desk(running, admin)).read("/overview"))

    assert "Sign-ins with a wrong name or password: 12 today Usually there are none." in text_of(page)
    assert "Sign-ins with a wrong name or password: 0 today, 12 yesterday Usually there are none." in read[0]
    assert "Nothing unusual today or yesterday" in read[1]
    assert 'href="/statistics#sign-ins"' in page.text
