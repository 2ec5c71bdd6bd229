"""The courier and its ledger: nothing is lost, nothing is sent twice without need, and what was not sent says why."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from backend.models import Mail, MailPurpose, MailState, Status
from backend.notifiers import Message, ServerAway, TryLater, Undeliverable
from backend.services import courier, reading
from backend.services.audit import Action
from backend.services.courier import LEASE, Outcome
from backend.services.letters import Letters
from backend.services.outbox import NO_SERVER, REPLACED, TOO_MANY
from backend.stores.mails import WantedMails
from tests.application import Application
from tests.contracts.answers import token_in
from tests.factories import PASSWORD, People, Person

FORGOT, RESET = "/api/auth/forgot-password", "/api/auth/reset-password"
NEW = "a new one, long enough"


@dataclass
class Unsteady:
    """A notifier that fails as it is told, and keeps what it took."""

    failures: list[Exception] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def send(self, message: Message) -> None:
        if self.meanwhile:
            await self.meanwhile()
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(message)

    async def rest(self) -> None:
        """Nothing is kept open."""


@dataclass
class Unheard:
    """A mail server that takes a mail and is not heard saying so, the first time."""

    fails: bool = True
    seen: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        self.seen.append(message)
        if self.fails:
            self.fails = False
            raise TryLater("the connection was lost")

    async def rest(self) -> None:
        """Nothing is kept open."""


async def ledger(running: Application, **wanted: object) -> list[Mail]:
    """The mails on record, oldest first."""
    async with reading(running.context) as look:
        return list(reversed((await look.mails.page(WantedMails(**wanted), None, 1000)).rows))  # type: ignore[arg-type]


@pytest.fixture
async def person(people: People) -> Person:
    return await people.active()


async def _forget(running: Application, person: Person) -> None:
    assert (await running.client.post(FORGOT, json={"email": person.email})).status_code == 202


async def _ask(people: People, person: Person, purpose: MailPurpose = MailPurpose.RESET_PASSWORD) -> None:
    """Queue a mail past the limits of doors."""
    async with people.work() as services:
        user = await services.users.lock(person.id)
        assert user
        await services.outbox.queue(purpose, user)


async def test_a_mail_that_leaves_is_on_the_ledger(running: Application, person: Person) -> None:
    await _forget(running, person)
    (due,) = await ledger(running)
    assert (due.state, due.purpose, due.user_id, due.attempts) == (MailState.DUE, "reset_password", person.id, 0)
    await running.mails()
    (gone,) = await ledger(running)
    assert (gone.state, gone.attempts, gone.why) == (MailState.ACCEPTED, 1, None)
    assert gone.sent_at == running.clock.now()


async def test_a_failure_that_may_pass_is_tried_again_later_and_later(running: Application, person: Person) -> None:
    away = Unsteady([TryLater("no answer"), OSError("refused"), TimeoutError()])
    await _forget(running, person)
    pauses = []
    for outcome in (Outcome.PUT_OFF, Outcome.SERVER_AWAY, Outcome.SERVER_AWAY):
        assert await courier.deliver(running.context, away) is outcome
        assert await courier.deliver(running.context, away) is None
        (mail,) = await ledger(running)
        pauses.append((mail.due_at - running.clock.now()).total_seconds())
        running.clock.at = mail.due_at
    assert [48 <= pauses[0] <= 72, 96 <= pauses[1] <= 144, 192 <= pauses[2] <= 288] == [True] * 3
    assert await courier.deliver(running.context, away) is Outcome.DONE
    assert [message.to for message in away.taken] == [person.email]


async def test_a_mail_that_is_refused_for_good_is_given_up_at_once(running: Application, people: People) -> None:
    person = await people.active()
    await _forget(running, person)
    await courier.deliver(running.context, Unsteady([Undeliverable("550 no such user")]))
    (mail,) = await ledger(running)
    assert (mail.state, mail.why) == (MailState.FAILED, "550 no such user")
    (record,) = await people.audit(Action.MAIL_GIVEN_UP)
    assert record.details == {"mail_id": str(mail.id), "purpose": "reset_password", "attempts": 1}
    assert record.target_id == person.id


@pytest.mark.parametrize(("purpose", "hours"), [(MailPurpose.RESET_PASSWORD, 6), (MailPurpose.NEW_DEVICE, 48)])
async def test_a_mail_server_that_stays_away_is_given_up_some_time(
    running: Application, people: People, purpose: MailPurpose, hours: int
) -> None:
    person = await people.active()
    await _ask(people, person, purpose)
    begin = running.clock.now()
    while (mail := (await ledger(running))[-1]).state is MailState.DUE:
        running.clock.at = max(running.clock.now(), mail.due_at)
        await courier.deliver(running.context, Unsteady([TryLater("away")]))
    assert (mail.state, mail.why) == (MailState.FAILED, "away")
    assert hours - 1.3 <= (running.clock.now() - begin).total_seconds() / 3600 <= hours
    assert len(await people.audit(Action.MAIL_GIVEN_UP)) == 1


async def test_a_sender_that_died_is_succeeded_and_neither_of_its_links_is_dead(
    running: Application, person: Person
) -> None:
    lost, second = Unsteady(), Unsteady()

    async def die() -> None:
        raise KeyboardInterrupt

    lost.meanwhile = die
    await _forget(running, person)
    with pytest.raises(KeyboardInterrupt):
        await courier.deliver(running.context, lost)
    assert [mail.state for mail in await ledger(running)] == [MailState.SENT]
    assert await courier.deliver(running.context, second) is None
    running.clock.at += LEASE
    assert await courier.deliver(running.context, second) is Outcome.DONE
    (mail,) = await ledger(running)
    assert (mail.state, mail.attempts, second.taken[0].id) == (MailState.ACCEPTED, 2, str(mail.id))


async def test_a_mail_sent_twice_carries_two_tokens_and_one_use(running: Application, person: Person) -> None:
    server = Unheard()
    await _forget(running, person)
    await courier.deliver(running.context, server)
    running.clock.move(minutes=2)
    await courier.deliver(running.context, server)
    one, other = (token_in(message) for message in server.seen)
    assert one != other
    assert server.seen[0].id == server.seen[1].id
    answers = [await running.client.post(RESET, json={"token": token, "password": NEW}) for token in (one, other)]
    assert [answer.status_code for answer in answers] == [200, 400]


async def test_a_slow_sender_does_not_overwrite_what_another_has_done(running: Application, person: Person) -> None:
    quick, slow = Unsteady(), Unsteady([TryLater("too slow")])

    async def be_overtaken() -> None:
        running.clock.at += LEASE
        await courier.deliver(running.context, quick)

    slow.meanwhile = be_overtaken
    await _forget(running, person)
    await courier.deliver(running.context, slow)
    assert [(mail.state, mail.attempts) for mail in await ledger(running)] == [(MailState.ACCEPTED, 2)]


async def test_mails_somebody_waits_for_overtake_the_others(running: Application, people: People) -> None:
    persons = [await people.pending() for _ in range(2)]
    await running.mails()
    for person in persons:
        async with people.work() as services:
            await services.decisions.approve(person.id, by=None)
    await _forget(running, persons[1])
    box = Unsteady()
    while await courier.deliver(running.context, box):
        pass
    assert [mail.purpose for mail in await ledger(running)][-1] == MailPurpose.RESET_PASSWORD
    assert token_in(box.taken[0])


@pytest.mark.settings(mails_per_hour=2)
async def test_no_more_mails_leave_in_an_hour_than_the_setting_says(running: Application, people: People) -> None:
    persons = [await people.active() for _ in range(3)]
    for person in persons:
        await _ask(people, person, MailPurpose.USERNAME_CHANGED)
    assert len(await running.mails()) == 2
    await _forget(running, persons[0])
    assert len(await running.mails()) == 3
    running.clock.move(hours=1)
    assert len(await running.mails()) == 4
    assert {mail.state for mail in await ledger(running)} == {MailState.ACCEPTED}


async def test_nobody_gets_more_than_three_of_a_kind_an_hour(running: Application, people: People) -> None:
    person = await people.active()
    for _ in range(5):
        await _ask(people, person, MailPurpose.USERNAME_CHANGED)
    assert len(await running.mails()) == 3
    assert [mail.why for mail in await ledger(running, state=MailState.SUPPRESSED)] == [TOO_MANY] * 2


async def test_who_asks_twice_before_the_first_mail_left_gets_one(running: Application, person: Person) -> None:
    await _forget(running, person)
    await _forget(running, person)
    assert len(await running.mails()) == 1


async def test_what_is_not_true_any_more_is_not_said(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await _forget(running, person)
    await admin.patch(f"/api/v1/users/{person.id}", {"status": "suspended"})
    assert await running.mails(MailPurpose.RESET_PASSWORD) == []
    (mail,) = await ledger(running, purpose=MailPurpose.RESET_PASSWORD)
    assert (mail.state, mail.why) == (MailState.SUPPRESSED, courier.NOT_TRUE)


async def test_a_reset_that_is_hours_late_is_not_sent(running: Application, person: Person) -> None:
    await _forget(running, person)
    running.clock.move(hours=7)
    assert await running.mails() == []
    assert [(mail.state, mail.why) for mail in await ledger(running)] == [(MailState.SUPPRESSED, courier.TOO_LATE)]


@pytest.mark.settings(env="production", send_verification_emails=True)
async def test_without_a_mail_server_nothing_waits_in_the_outbox(running: Application, people: People) -> None:
    await people.pending()
    rows = await ledger(running)
    assert {(mail.state, mail.why) for mail in rows} == {(MailState.SUPPRESSED, NO_SERVER)}
    assert {mail.purpose for mail in rows} == {MailPurpose.VERIFY_EMAIL, MailPurpose.APPLICANTS_WAITING}


async def test_a_mail_that_cannot_be_written_stops_nobody(running: Application, people: People, person: Person) -> None:
    (running.data_dir / "mail").mkdir(exist_ok=True)
    (running.data_dir / "mail" / "reset_password.txt").write_text("{{ broken")
    await _forget(running, person)
    assert len(await running.mails(MailPurpose.RESET_PASSWORD)) == 1


async def test_approvers_hear_of_many_applicants_once_an_hour(running: Application, people: People) -> None:
    approver = await people.approver()
    for _ in range(3):
        await people.pending()
    first = [mail for mail in await running.mails(MailPurpose.APPLICANTS_WAITING) if mail.to == approver.email]
    assert len(first) == 1
    await people.pending()
    await people.pending()
    assert len([one for one in await running.mails(MailPurpose.APPLICANTS_WAITING) if one.to == approver.email]) == 1
    running.clock.move(hours=1)
    later = [mail for mail in await running.mails(MailPurpose.APPLICANTS_WAITING) if mail.to == approver.email]
    assert len(later) == 2
    assert "5" in later[1].body


async def test_approvers_hear_nothing_when_nobody_waits_any_more(running: Application, people: People) -> None:
    approver, person = await people.approver(), await people.pending()
    async with people.work() as services:
        await services.decisions.approve(person.id, by=None)
    assert [mail.to for mail in await running.mails() if mail.to == approver.email] == []
    assert (await people.row(person)).status is Status.ACTIVE


@pytest.mark.settings(tell_approvers=False)
async def test_approvers_can_be_left_in_peace(running: Application, people: People) -> None:
    await people.approver()
    await people.pending()
    assert await running.mails(MailPurpose.APPLICANTS_WAITING) == []


async def test_a_mail_that_cannot_be_written_now_is_tried_again_and_holds_up_nobody(
    running: Application, people: People, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, box = await people.active(), Unsteady()
    await _forget(running, person)
    with monkeypatch.context() as broken:
        broken.setattr(Letters, "write", _fail)
        assert await courier.deliver(running.context, box) is Outcome.SERVER_AWAY
    await _forget(running, other)
    await courier.deliver(running.context, box)
    assert [message.to for message in box.taken] == [other.email]
    running.clock.move(minutes=2)
    await courier.deliver(running.context, box)
    assert [message.to for message in box.taken] == [other.email, person.email]


def _fail(*_: object) -> None:
    raise RuntimeError("out of something")


async def test_what_was_never_tried_overtakes_what_fails_again_and_again(running: Application, people: People) -> None:
    grey = [await people.active() for _ in range(3)]
    for person in grey:
        await _ask(people, person)
    box = Unsteady([TryLater("451 later")] * 3)
    outcomes = [await courier.deliver(running.context, box) for _ in grey]
    assert outcomes == [Outcome.PUT_OFF] * 3
    running.clock.move(minutes=2)
    fresh = await people.active()
    await _ask(people, fresh)
    await courier.deliver(running.context, box)
    assert [message.to for message in box.taken] == [fresh.email]


async def test_who_asks_again_after_an_outage_waits_no_longer_for_the_first_mail(
    running: Application, person: Person
) -> None:
    await _forget(running, person)
    for _ in range(7):
        await courier.deliver(running.context, Unsteady([ServerAway("away")]))
        running.clock.at = (await ledger(running))[0].due_at
    await courier.deliver(running.context, Unsteady([ServerAway("away")]))
    await _forget(running, person)
    assert len(await running.mails()) == 1


async def test_a_clock_that_was_far_ahead_silences_nobody(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(days=400)
    for _ in range(3):
        await _ask(people, person)
        await running.mails()
    await _ask(people, person)
    running.clock.move(days=-400)
    before = len(running.box.messages)
    await _ask(people, person)
    assert len(await running.mails()) == before + 1


async def test_nobody_gets_more_than_ten_of_a_kind_a_day(running: Application, people: People) -> None:
    person = await people.active()
    for _ in range(6):
        for _ in range(3):
            await _ask(people, person, MailPurpose.USERNAME_CHANGED)
        running.clock.move(hours=1, minutes=1)
    assert len(await running.mails()) == 12 - 2


async def test_news_that_is_days_old_is_none(running: Application, people: People) -> None:
    person = await people.active()
    await _ask(people, person, MailPurpose.NEW_DEVICE)
    running.clock.move(days=3)
    assert await running.mails() == []
    assert [mail.why for mail in await ledger(running)] == [courier.TOO_LATE]


@pytest.mark.settings(mails_per_hour=2, send_verification_emails=True)
async def test_sign_ups_do_not_use_up_what_resets_need(running: Application, people: People) -> None:
    person = await people.active()
    for _ in range(4):
        await people.pending()
    await running.mails()
    await _forget(running, person)
    assert len(await running.mails(MailPurpose.RESET_PASSWORD)) == 1


@pytest.mark.settings(send_verification_emails=True)
async def test_one_mailbox_gets_three_mails_an_hour_whatever_stands_behind_its_plus(
    running: Application, people: People
) -> None:
    await people.admin()
    for number in range(6):
        body = {"username": f"someone{number}", "email": f"victim+{number}@example.org", "password": PASSWORD}
        assert (await running.client.post("/api/auth/register", json=body)).status_code == 201
    assert len(await running.mails(MailPurpose.VERIFY_EMAIL)) == 3
    assert [mail.why for mail in await ledger(running, state=MailState.SUPPRESSED)] == [TOO_MANY] * 3


async def _reject(people: People, person: Person, reason: str | None = None) -> None:
    async with people.work() as services:
        await services.decisions.reject(person.id, by=None, reason=reason)


async def _reopen(people: People, person: Person) -> bool:
    """Let somebody wait again; tells whether the mail about the rejection had left."""
    async with people.work() as services:
        return (await services.decisions.reopen(person.id, by=None)).mail_left


async def test_the_mail_about_a_rejection_waits_a_minute(running: Application, people: People) -> None:
    person = await people.pending()
    await _reject(people, person)
    running.clock.move(seconds=59)
    assert await running.mails(MailPurpose.ACCOUNT_REJECTED) == []
    running.clock.move(seconds=1)
    assert [mail.to for mail in await running.mails(MailPurpose.ACCOUNT_REJECTED)] == [person.email]


async def test_a_rejection_taken_back_meanwhile_is_not_told(running: Application, people: People) -> None:
    person = await people.pending()
    await _reject(people, person, "By mistake.")
    assert await _reopen(people, person) is False
    await _reject(people, person, "For good.")
    running.clock.move(minutes=1)
    (mail,) = await running.mails(MailPurpose.ACCOUNT_REJECTED)
    assert "For good." in mail.body
    rows = await ledger(running, purpose=MailPurpose.ACCOUNT_REJECTED)
    assert [(row.state, row.why) for row in rows] == [(MailState.SUPPRESSED, REPLACED), (MailState.ACCEPTED, None)]


async def test_what_never_left_uses_up_nobodys_mails(running: Application, people: People) -> None:
    person = await people.pending()
    for _ in range(10):
        await _reject(people, person, "By mistake.")
        await _reopen(people, person)
    await _reject(people, person, "For good.")
    running.clock.move(minutes=1)
    (mail,) = await running.mails(MailPurpose.ACCOUNT_REJECTED)
    assert "For good." in mail.body


async def test_a_rejection_taken_back_later_was_told(running: Application, people: People) -> None:
    person = await people.pending()
    await _reject(people, person)
    running.clock.move(minutes=1)
    await running.mails()
    assert await _reopen(people, person) is True


async def test_who_was_rejected_and_then_approved_reads_of_the_approval_alone(
    running: Application, people: People
) -> None:
    person = await people.pending()
    await _reject(people, person)
    async with people.work() as services:
        await services.decisions.approve(person.id, by=None, reconsider=True)
    running.clock.move(minutes=1)
    await running.mails()
    (mail,) = await ledger(running, purpose=MailPurpose.ACCOUNT_REJECTED)
    assert (mail.state, mail.why) == (MailState.SUPPRESSED, courier.NOT_TRUE)
    assert len(await running.mails(MailPurpose.ACCOUNT_APPROVED)) == 1


async def test_a_rejection_s_mail_that_is_sent_by_hand_waits_for_nothing(running: Application, people: People) -> None:
    person = await people.pending()
    await _reject(people, person)
    (mail,) = await ledger(running, purpose=MailPurpose.ACCOUNT_REJECTED)
    for expected in (1, 2):
        async with people.work() as services:
            await services.messages.again(None, mail.id)
        assert len(await running.mails(MailPurpose.ACCOUNT_REJECTED)) == expected


@pytest.mark.settings(env="production")
async def test_where_no_mail_leaves_no_rejection_was_told(running: Application, people: People) -> None:
    person = await people.pending()
    await _reject(people, person)
    running.clock.move(minutes=2)
    assert await _reopen(people, person) is False
