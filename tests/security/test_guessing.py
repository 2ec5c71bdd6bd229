"""Guessing passwords: however somebody goes about it, so many are checked and no more."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlmodel import col, select

from backend.models import Mail, MailPurpose, SignInAttempts, Status, UserSession
from backend.services import retention
from backend.services.audit import Origin
from backend.services.guesses import Guesses
from backend.services.throttle import Throttle
from backend.tokens import digest
from tests.application import PATIENCE, Application
from tests.contracts.answers import code
from tests.factories import PASSWORD, People, Person
from tests.hashers import THREADS, WatchedHasher
from tests.scenarios.desk import text_of
from tests.security.doors import DOORS, SIGN_INS, WRONG, at, fail, sign_in

LIMITED = (429, "RATE_LIMITED")


async def _rows(running: Application) -> list[SignInAttempts]:
    async with running.context.database.reading() as session:
        return list((await session.exec(select(SignInAttempts))).all())


async def _warned(running: Application) -> list[UUID]:
    async with running.context.database.reading() as session:
        query = select(Mail.user_id).where(col(Mail.purpose) == MailPurpose.SIGN_IN_BLOCKED)
        return list((await session.exec(query)).all())


async def _left_by_others(running: Application, person: Person, under_way: int = 0, failures: int = 0) -> None:
    """What other processes have written: one that died, or one whose settings allowed more."""
    now = running.clock.now()
    row = {"subject": digest(str(person.id))[:32], "started_at": now, "touched_at": now, "level": 0}
    async with running.context.database.writing() as session:
        await session.exec(insert(SignInAttempts).values(under_way=under_way, failures=failures, **row))


async def test_l1_a_closed_account_opens_by_itself_and_all_is_on_record(running: Application, people: People) -> None:
    person = await people.active()
    assert await fail(running.client, person, 6) == [401] * 5 + [429]
    assert code(await sign_in(running.client, person)) == LIMITED
    running.clock.move(minutes=15)
    assert (await sign_in(running.client, person)).status_code == 200
    assert len(await people.audit("signin_failed", about=person)) == 5


async def test_the_page_says_to_known_and_unknown_names_alike_how_long_to_wait_and_how_to_get_in(
    running: Application, people: People
) -> None:
    await people.admin()
    told = set()
    for name in ((await people.active()).username, "nobody.here"):
        browser = running.browser()
        form = {"username_or_email": name, "password": WRONG}
        pages = [await browser.post("/login", data=form) for _ in range(6)]
        told.add((pages[-1].status_code, text_of(pages[-1]).replace(name, "")))
        running.clock.move(hours=1)
    (status, text), *others = told

    assert (status, others) == (429, [])
    assert "Too many wrong passwords. Try again in 15 minutes, or reset your password now. Reset your password" in text


@pytest.mark.settings(login_max_attempts=2, login_max_attempts_per_address=1000)
async def test_l1_each_closing_lasts_twice_as_long_up_to_four_hours(running: Application, people: People) -> None:
    person = await people.active()
    for minutes in (15, 30, 60, 120, 240, 240):
        for name in (person.username, "nobody"):
            assert await fail(running.client, name, 2) == [401] * 2
        running.clock.move(minutes=minutes - 1)
        for name in (person.username, "nobody"):
            answer = await sign_in(running.client, name)
            assert (code(answer), answer.json()["retry_after"]) == (LIMITED, 60)
        running.clock.move(minutes=1)


@pytest.mark.settings(login_max_attempts=2)
async def test_l1_a_day_without_a_guess_forgets_the_closings(running: Application, people: People) -> None:
    person = await people.active()
    for wait in (timedelta(minutes=15), timedelta(hours=24, minutes=15), timedelta(0)):
        await fail(running.client, person, 2)
        running.clock.at += wait
    assert (await sign_in(running.client, person)).json()["retry_after"] == 15 * 60


@pytest.mark.settings(login_max_attempts=2, login_window_minutes=10 * 60)
async def test_l1_no_closing_is_shorter_than_the_window(running: Application, people: People) -> None:
    person = await people.active()
    for _ in range(2):
        await fail(running.client, person, 2)
        assert (await sign_in(running.client, person)).json()["retry_after"] == 10 * 3600
        running.clock.move(hours=10)


async def test_l1_a_clock_that_was_ahead_closes_nothing_for_good(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(days=400)
    await fail(running.client, person, 6)
    running.clock.move(days=-400)
    assert (await sign_in(running.client, person)).status_code == 200
    assert await fail(running.client, "nobody", 6) == [401] * 5 + [429]


@pytest.mark.settings(argon2="16384,2,1")
async def test_l2_of_fifty_guesses_at_once_five_are_checked(
    running: Application, people: People, hasher: WatchedHasher
) -> None:
    person, doors = await people.active(), list(SIGN_INS.values())
    hasher.checked = 0
    guessers = [at(running, f"203.0.113.{number}") for number in range(50)]
    guesses = [doors[number % len(doors)](guesser, person, WRONG) for number, guesser in enumerate(guessers)]
    answers = await asyncio.gather(*guesses)
    assert sum(answer.status_code == 429 for answer in answers) == 45
    assert hasher.checked == 5


@pytest.mark.settings(argon2="16384,2,1")
async def test_l2_of_fifty_names_at_once_from_one_address_five_are_checked(
    running: Application, people: People, hasher: WatchedHasher
) -> None:
    names = [(await people.active()).username, *(f"nobody{number}" for number in range(49))]
    hasher.checked = 0
    answers = await asyncio.gather(*(sign_in(running.client, name, WRONG) for name in names))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 45
    assert hasher.checked == 5


async def test_right_passwords_at_once_are_all_let_in(running: Application, people: People) -> None:
    person = await people.active()
    await fail(running.client, person, 3)
    answers = await asyncio.gather(*(sign_in(running.client, person) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert [(row.subject, row.failures) for row in await _rows(running)] == [("from 127.0.0.1", 3)]


@pytest.mark.settings(hash_queue=1)
async def test_who_finds_the_desk_too_busy_has_not_guessed(
    running: Application, people: People, hasher: WatchedHasher
) -> None:
    crowd = [await people.active() for _ in range(8)]
    with hasher.held_up():
        asked = [sign_in(at(running, f"203.0.113.{number}"), person, WRONG) for number, person in enumerate(crowd)]
        asking = [asyncio.create_task(ask) for ask in asked]
        await hasher.busy(waiting=1)
        async with asyncio.timeout(PATIENCE):
            while sum(ask.done() for ask in asking) < len(crowd) - THREADS - 1:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    answers = await asyncio.gather(*asking)
    assert sorted(answer.status_code for answer in answers) == [401] * (THREADS + 1) + [503] * (7 - THREADS)
    assert len([row for row in await _rows(running) if row.subject.startswith("from")]) == THREADS + 1
    assert not any(row.under_way for row in await _rows(running))


async def test_who_goes_away_has_not_guessed(running: Application, people: People, hasher: WatchedHasher) -> None:
    person = await people.active()
    with hasher.held_up():
        leaving = [asyncio.create_task(sign_in(running.client, person, WRONG)) for _ in range(5)]
        await hasher.busy(waiting=5 - THREADS)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        assert await _rows(running) == []


async def test_who_waits_for_their_account_holds_up_no_colleague(running: Application, people: People) -> None:
    busy, colleague = await people.active(), await people.active()
    await _left_by_others(running, busy, under_way=5)
    with running.context.lines.at("from 127.0.0.1") as line:
        waiting = asyncio.create_task(sign_in(running.client, busy))
        while line.people < 2:  # noqa: ASYNC110  # a queue tells nobody who joins it
            await asyncio.sleep(0)
        assert (await sign_in(running.client, colleague)).status_code == 200
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.settings(hash_queue=1)
async def test_no_line_is_longer_than_the_queue_before_the_hashing(running: Application, people: People) -> None:
    person = await people.active()
    with running.context.lines.at("from 127.0.0.1"):
        assert code(await sign_in(running.client, person)) == (503, "SERVER_BUSY")
    assert (await sign_in(running.client, person)).status_code == 200


async def test_a_lower_limit_holds_for_what_was_counted_before(running: Application, people: People) -> None:
    person = await people.active()
    await _left_by_others(running, person, failures=8)
    answer = await sign_in(running.client, person)
    assert (code(answer), answer.json()["retry_after"]) == (LIMITED, 15 * 60)


@pytest.mark.settings(hash_queue_seconds=1)
async def test_what_a_dead_process_was_busy_with_is_forgotten_after_a_minute(
    running: Application, people: People
) -> None:
    person = await people.active()
    await _left_by_others(running, person, under_way=5)
    busy = await sign_in(running.client, person)
    running.clock.move(minutes=1)
    assert (code(busy), (await sign_in(running.client, person)).status_code) == ((503, "SERVER_BUSY"), 200)


async def test_what_somebody_else_is_busy_with_is_waited_for(running: Application, people: People) -> None:
    person = await people.active()
    await _left_by_others(running, person, under_way=5)
    waiting = asyncio.create_task(sign_in(running.client, person))
    await asyncio.sleep(0.05)
    await Guesses(running.context, Origin()).forget(person.id)  # the other process has done
    assert (await waiting).status_code == 200


@pytest.mark.settings(login_max_attempts=1, login_max_attempts_per_address=1000)
async def test_l5_a_guess_at_one_door_counts_at_all_others(running: Application, people: People) -> None:
    passed = []
    for name, door in DOORS.items():
        person = await people.active()
        assert (await door(running.browser(), person, WRONG)).status_code not in {200, 429}, name
        for other, knock in DOORS.items():
            answer = await knock(running.browser(), person, PASSWORD)
            passed += [(name, other)] if answer.status_code != 429 else []

    assert passed == []


async def test_l5_somebody_elses_right_password_launders_nothing(running: Application, people: People) -> None:
    person = await people.active()
    async with at(running, "203.0.113.1") as guesser, at(running, "203.0.113.2") as owner:
        for times in (2, 2, 1):
            assert await fail(guesser, person, times) == [401] * times
            assert (await sign_in(owner, person)).status_code == (429 if times == 1 else 200)


async def test_ones_own_mistakes_are_forgiven_and_those_of_others_are_not(running: Application, people: People) -> None:
    person = await people.active()
    async with at(running, "203.0.113.1") as guesser, at(running, "203.0.113.2") as owner:
        await fail(guesser, person, 2)
        await fail(owner, person, 2)
        assert (await sign_in(owner, person)).status_code == 200
        assert await fail(owner, person, 4) == [401] * 3 + [429]


async def test_what_is_left_is_told_alike_for_all_and_nothing_of_what_others_did(
    running: Application, people: People
) -> None:
    person = await people.active()
    async with at(running, "203.0.113.1") as somebody:
        await fail(somebody, person, 2)
    for address, name in (("203.0.113.2", person.username), ("203.0.113.3", "nobody")):
        async with at(running, address) as client:
            answers = [await sign_in(client, name, WRONG) for _ in range(2)]
        told = [(answer.headers["ratelimit"], answer.headers["ratelimit-policy"]) for answer in answers]
        assert told == [('"default";r=4;t=900', '"default";q=5;w=900'), ('"default";r=3;t=900', '"default";q=5;w=900')]


async def test_l11_a_password_without_end_is_refused_before_anybody_hashes_it(
    running: Application, people: People, hasher: WatchedHasher
) -> None:
    person = await people.active()
    hasher.checked = 0
    lengths = {256: 401, 1000: 401, 5000: 422, 1024 * 1024: 413, 10 * 1024 * 1024: 413}
    answers = {length: (await sign_in(running.client, person, "x" * length)).status_code for length in lengths}
    assert (answers, hasher.checked) == (lengths, 2)


@pytest.mark.settings(rate_limits=False)
async def test_l11_others_are_answered_while_many_sign_in(
    running: Application, people: People, hasher: WatchedHasher
) -> None:
    person = await people.active()
    with hasher.held_up():  # with hashing on the loop nobody would get any further
        crowd = asyncio.gather(*(sign_in(running.client, person, "x" * 1000) for _ in range(16)))
        await hasher.busy(waiting=16 - THREADS)
        healthy = await running.client.get("/health/live")
        known = await person.get("/api/auth/whoami")
    assert (healthy.status_code, known.status_code) == (200, 200)
    assert [answer.status_code for answer in await crowd] == [401] * 16


@pytest.mark.settings(login_max_attempts=100)
async def test_l13_the_right_password_opens_no_door_of_an_account_that_is_not_active(
    running: Application, people: People
) -> None:
    for status in set(Status) - {Status.ACTIVE}:
        person = await people.in_status(status)
        for name, door in SIGN_INS.items():
            answer = await door(running.browser(), person, PASSWORD)
            assert answer.status_code in {303, 400, 401, 403}, (status, name)
            assert "session_id" not in answer.cookies, (status, name)
            assert "access_token" not in answer.text, (status, name)
        async with running.context.database.reading() as session:
            live = select(UserSession).where(UserSession.user_id == person.id, col(UserSession.ended_at).is_(None))
            assert (await session.exec(live)).all() == [], status


async def test_l14_one_guess_at_each_of_many_accounts_is_stopped_and_harms_none_of_them(
    running: Application, people: People
) -> None:
    crowd = [await people.active() for _ in range(8)]
    answers = [(await fail(running.client, person, 1))[0] for person in crowd]
    assert answers == [401] * 5 + [429] * 3
    async with at(running, "203.0.113.1") as elsewhere:
        assert [(await sign_in(elsewhere, person)).status_code for person in crowd] == [200] * 8


@pytest.mark.settings(login_failures_per_minute=10)
async def test_l14_guesses_from_everywhere_are_stopped_for_a_minute(running: Application, people: People) -> None:
    person = await people.active()
    answers = []
    for number in range(12):
        async with at(running, f"203.0.113.{number}") as guesser:
            answers += await fail(guesser, f"name{number}", 1)
    refused = await sign_in(running.client, person)
    assert answers == [401] * 10 + [429] * 2
    assert (code(refused), refused.json()["limit"], refused.json()["window"]) == (LIMITED, 10, 60)
    assert 0 < refused.json()["retry_after"] <= 60


@pytest.mark.settings(login_max_attempts_per_address=20)
async def test_a_house_with_one_address_may_have_a_limit_of_its_own(running: Application, people: People) -> None:
    crowd = [await people.active() for _ in range(5)]
    for person in crowd:
        assert await fail(running.client, person, 4) == [401] * 4
    assert (await sign_in(running.client, crowd[0])).json()["limit"] == 20


@pytest.mark.settings(refusal_seconds=0.3)
async def test_e5_refusals_take_as_long_whatever_was_checked(running: Application, people: People) -> None:
    person, deleted = await people.active(), await people.deleted()
    other = await people.active()
    answers = await asyncio.gather(
        sign_in(running.client, person, WRONG),
        sign_in(running.client, deleted, PASSWORD),
        sign_in(running.client, "nobody", WRONG),
        *(DOORS[door](running.client, other, WRONG) for door in ("A, new password", "C, new address")),
    )
    assert [answer.status_code for answer in answers] == [401, 401, 401, 400, 403]
    assert min(answer.elapsed.total_seconds() for answer in answers) >= 0.3


@pytest.fixture
def slow(running: Application) -> None:
    """Refusals take longer than any test."""
    context = running.context
    context.settings = context.settings.model_copy(update={"refusal_seconds": 10 * PATIENCE})


@pytest.mark.usefixtures("slow")
async def test_e5_who_has_to_wait_keeps_no_connection(running: Application, people: People) -> None:
    person = await people.active()
    waiting = asyncio.create_task(sign_in(running.client, person, WRONG))
    async with asyncio.timeout(PATIENCE):  # until all is done but waiting
        while not await people.audit("signin_failed") or running.context.database.pool_status()[1]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not waiting.done()
    waiting.cancel()


@pytest.mark.usefixtures("slow")
async def test_e5_who_is_let_in_does_not_wait(running: Application, people: People) -> None:
    person = await people.active()
    async with asyncio.timeout(PATIENCE):
        assert (await sign_in(running.client, person)).status_code == 200


@pytest.mark.settings(login_max_attempts=2, login_max_attempts_per_address=1000)
async def test_an_owner_is_told_once_a_day_that_others_guess(running: Application, people: People) -> None:
    person, waiting = await people.active(), await people.pending()
    for name in (person.username, waiting.username, "nobody", person.email):
        await fail(running.client, name, 3)
        running.clock.move(minutes=15)
    assert await _warned(running) == [person.id]
    running.clock.move(hours=24, minutes=15)
    await DOORS["A, new password"](running.client, await people.signed_in(person), WRONG)
    await DOORS["C, new address"](running.client, person, WRONG)
    assert await _warned(running) == [person.id] * 2


async def test_nobody_fills_the_audit_by_being_refused(running: Application, people: People) -> None:
    person, waiting = await people.active(), await people.pending()
    throttle = Throttle.of(running.context)
    for account in [person.id, waiting.id] * 98:
        await throttle.record_is_due(account, None)
    for _ in range(4):
        await person.get("/api/auth/admin/users")
        await sign_in(running.client, waiting)
        await running.client.post("/api/auth/reset-password", json={"token": "none", "password": PASSWORD})
    assert len(await people.audit("refused")) == 2 + 4
    assert len(await people.audit("signin_failed", about=waiting)) == 2


async def test_what_does_not_count_any_more_is_removed(running: Application, people: People) -> None:
    person = await people.active()
    await fail(running.client, person, 5)
    async with at(running, "203.0.113.1") as somebody:
        await fail(somebody, "nobody", 2)
    running.clock.move(minutes=16)
    await retention.clean_up(running.context)
    assert [row.level for row in await _rows(running)] == [1]
    running.clock.move(days=3)
    await retention.clean_up(running.context)
    assert await _rows(running) == []
