"""Two transactions, interleaved by hand, never deadlock, and neither loses what the other one has written."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel, col, select

from backend.errors import BadResetToken, UsernameTaken
from backend.models import (
    BulkCall,
    Carrier,
    Invitation,
    InvitationToken,
    Mail,
    MailPurpose,
    MailState,
    OneTimeToken,
    SessionEnd,
    Tally,
    TallyKind,
    TokenPurpose,
    User,
    UserSession,
)
from backend.services import Origin, bulk, courier, retention, unit_of_work
from backend.services.bulk import Call, Operation
from backend.services.organization_rights import Act
from backend.services.outbox import Priority
from backend.services.revocation import end_cookie, sign_everybody_out
from backend.stores.database import Database
from backend.stores.tallies import TallyStore, settle
from backend.stores.touches import Touches
from backend.stores.users import UserStore
from backend.tokens import digest
from tests.application import ON_SQLITE, PATIENCE, Application
from tests.contracts.answers import token_in
from tests.factories import PASSWORD, People, Person

LONG_AGO = timedelta(days=100)
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def _waits(database: Database, *tasks: "asyncio.Task[object]") -> None:
    """Go on when each of these waits for a lock or is done. SQLite has one lock; its pool is the queue before it."""
    async with asyncio.timeout(PATIENCE):
        while await _waiting(database) < sum(not task.done() for task in tasks):  # noqa: ASYNC110  # nobody announces it
            await asyncio.sleep(0.01)


async def _waiting(database: Database) -> int:
    if database.embedded:
        pool: Any = database._writers.pool
        return len(pool._pool._queue._getters)
    async with database.reading() as look:
        return int((await (await look.connection()).execute(_WAITING)).scalar_one())


@asynccontextmanager
async def _held(database: Database, row: type[SQLModel], **key: object) -> AsyncIterator[None]:
    """Somebody who has a row locked."""
    async with database.writing() as session:
        assert (await session.exec(select(row).filter_by(**key).with_for_update())).all()
        yield


async def _sessions(running: Application, person: Person, number: int, *, ago: timedelta = timedelta()) -> list[UUID]:
    """Sessions of somebody that nobody has ended, which lie in the database in the opposite order of their ids."""
    now = running.context.clock.now() - ago
    made = [
        UserSession(
            user_id=person.id,
            carrier=Carrier.BEARER,
            created_at=now,
            last_activity=now,
            expires_at=now + timedelta(days=1),
        )
        for _ in range(number)
    ]
    for one in reversed(made):
        async with running.context.database.writing() as session:
            session.add(one)
    return sorted(one.id for one in made)


async def _save(running: Application, ids: Sequence[UUID]) -> None:
    """Write what a process knows about the use of these sessions."""
    touches, now = Touches(), running.context.clock.now()
    for id_ in ids:
        pulse = touches.pulse(id_, now)
        touches.touch(pulse, now + timedelta(seconds=1))
    await touches.save(running.context.database)


async def _organization(owner: Person) -> str:
    made = await owner.post("/api/v1/organizations", {"name": "Ours"})
    assert made.status_code == 201, made.text
    return str(made.json()["data"]["id"])


async def _live(database: Database) -> Sequence[UserSession]:
    async with database.reading() as look:
        return (await look.exec(select(UserSession).where(col(UserSession.ended_at).is_(None)))).all()


async def test_activity_is_written_while_the_sessions_of_several_people_end(
    running: Application, people: People
) -> None:
    context, one, two = running.context, await people.active(), await people.active()
    ids = [(await _sessions(running, person, 1))[0] for person in (one, two)]
    async with unit_of_work(context) as services:
        await services.sessions.end_all(two.id, SessionEnd.ADMIN)
        saving = asyncio.create_task(_save(running, ids))
        await _waits(context.database, saving)
        await services.sessions.end_all(one.id, SessionEnd.ADMIN)
    await saving

    assert not await _live(context.database)


async def test_activity_is_written_while_everybodys_sessions_end(running: Application, people: People) -> None:
    database, (low, middle, high) = running.context.database, await _sessions(running, await people.active(), 3)
    async with _held(database, UserSession, id=middle):
        ending = asyncio.create_task(sign_everybody_out(running.context, Origin()))
        await _waits(database, ending)
        saving = asyncio.create_task(_save(running, [low, high]))
        await _waits(database, ending, saving)
    await asyncio.gather(ending, saving)

    assert not await _live(database)


async def test_activity_that_somebody_held_up_is_written_after_all(running: Application, people: People) -> None:
    database, ids = running.context.database, await _sessions(running, await people.active(), 3)
    async with _held(database, UserSession, id=ids[1]):
        saving = asyncio.create_task(_save(running, ids))
        await _waits(database, saving)
    await saving

    moved = {one.id for one in await _live(database) if one.last_activity > one.created_at}
    assert moved == set(ids)


async def test_accounts_are_closed_while_everybodys_sessions_end(running: Application, people: People) -> None:
    database, (low, middle, high) = running.context.database, await people.crowd(3)
    for id_ in (middle, low):  # PostgreSQL looks through the table as it was written
        async with database.writing() as session:
            await UserStore(session).update(await session.get_one(User, id_), {"full_name": "Later"})
    async with _held(database, User, id=middle):
        ending = asyncio.create_task(sign_everybody_out(running.context, Origin()))
        await _waits(database, ending)
        call = Call(Operation.DEACTIVATE, [str(low), str(high)])
        closing = asyncio.create_task(bulk.run(running.context, None, call, Origin()))
        await _waits(database, ending, closing)
    await ending

    assert not (await closing).failed


async def test_whoever_leaves_everywhere_waits_for_whoever_ends_their_sessions(
    running: Application, people: People
) -> None:
    context, person = running.context, await people.active()
    (_, middle, _), (over,) = await _sessions(running, person, 3), await _sessions(running, person, 1, ago=LONG_AGO)

    async def leave() -> None:
        async with unit_of_work(context) as services:
            await services.sessions.end_all(person.id, SessionEnd.USER_LOGOUT_ALL)

    async def close() -> None:
        async with unit_of_work(context) as services:
            await services.users.lock(person.id)
            await services.session_store.end_of(person.id, context.clock.now(), SessionEnd.STATUS)

    async with _held(context.database, UserSession, id=middle):
        closing = asyncio.create_task(close())
        await _waits(context.database, closing)
        leaving = asyncio.create_task(leave())
        await _waits(context.database, closing, leaving)
    await asyncio.gather(closing, leaving)

    assert over not in {one.id for one in await _live(context.database)}


async def test_a_mail_is_sent_again_while_its_reader_chooses_a_password(running: Application, people: People) -> None:
    context, person = running.context, await people.active()
    async with unit_of_work(context) as services:
        mail = await services.messages.send(None, person.id, MailPurpose.RESET_PASSWORD)

    async def again() -> Mail:
        async with unit_of_work(context) as services:
            return await services.messages.again(None, mail.id)

    async with unit_of_work(context) as services:
        user = await services.users.lock(person.id)
        assert user
        sending = asyncio.create_task(again())
        await _waits(context.database, sending)
        await services.outbox.take_back(MailPurpose.RESET_PASSWORD, user)

    assert (await sending).state is MailState.DUE


async def test_two_sign_in_at_once_each_in_the_browser_of_the_other(running: Application, people: People) -> None:
    context, one, two = running.context, await people.active(), await people.active()
    olds, cookies = [(await _sessions(running, person, 1, ago=LONG_AGO))[0] for person in (one, two)], ["one", "two"]
    async with unit_of_work(context) as services:
        for old, cookie in zip(olds, cookies, strict=True):
            await services.session_store.attach(old, digest(cookie))

    async def sign_in(person: Person, cookie: str, other: "list[asyncio.Task[None]]") -> None:
        async with unit_of_work(context) as services:
            user = await services.users.lock(person.id)
            assert user
            await end_cookie(services, user, cookie)
            if not other:
                other.append(asyncio.create_task(sign_in(two, cookies[0], other)))
                await _waits(context.database, *other)
            await services.sessions.open_cookie(user)

    tasks: list[asyncio.Task[None]] = []
    await sign_in(one, cookies[1], tasks)
    await asyncio.gather(*tasks)

    assert not {live.id for live in await _live(context.database)} & set(olds)


async def test_a_password_is_chosen_by_a_link_while_a_newer_link_is_written(
    running: Application, people: People
) -> None:
    context, person, now = running.context, await people.active(), running.clock.now()
    async with unit_of_work(context) as services:
        await services.messages.send(None, person.id, MailPurpose.RESET_PASSWORD)
    (old,) = await running.mails()
    due: dict[str, Any] = {"purpose": MailPurpose.RESET_PASSWORD, "user_id": person.id, "due_at": now}
    mails = [Mail(**due, priority=Priority.RESET, created_at=now) for _ in range(2)]
    async with context.database.writing() as session:
        session.add_all(mails)

    async def choose() -> None:
        async with unit_of_work(context) as services:
            await services.recovery.reset(token_in(old), f"another {PASSWORD}")

    async with _held(context.database, Mail, id=mails[0].id):
        choosing = asyncio.create_task(choose())
        await _waits(context.database, choosing)
        writing = asyncio.create_task(courier.deliver(context, running.box))
        await _waits(context.database, choosing, writing)
    ends = await asyncio.gather(choosing, writing, return_exceptions=True)

    # SQLite lets either of them go first; the newer link voids the older one.
    assert [end for end in ends if isinstance(end, Exception) and not isinstance(end, BadResetToken)] == []


async def test_of_two_who_take_each_others_names_none_waits_for_the_other(running: Application, people: People) -> None:
    context, one, two = running.context, await people.active(), await people.active()

    async def rename(person: Person, name: str) -> None:
        async with unit_of_work(context) as services:
            await services.profile.update(person.id, {"username": name})

    refused: list[asyncio.Task[None]] = []

    async def swap() -> None:
        async with unit_of_work(context) as services:
            await services.profile.update(two.id, {"username": "somebody.else"})
            renaming = asyncio.create_task(rename(one, two.username))
            await _waits(context.database, renaming)
            refused.append(renaming)
            await services.profile.update(two.id, {"username": one.username})

    with pytest.raises(UsernameTaken):
        await swap()
    with pytest.raises(UsernameTaken):
        await refused[0]


@pytest.mark.settings(private_registration=True)
async def test_private_registration_does_not_tell_of_an_address_that_is_being_taken(
    running: Application, people: People
) -> None:
    context, person, email = running.context, await people.active(), "new@example.org"
    body = {"username": "newcomer", "email": email, "password": PASSWORD}
    async with unit_of_work(context) as services:
        await services.profile.update(person.id, {"email": email}, PASSWORD)
        registering = asyncio.create_task(running.client.post("/api/auth/register", json=body))
        await _waits(context.database, registering)
    taken = await registering
    free = await running.client.post("/api/auth/register", json={**body, "email": "free@example.org"})

    assert (taken.status_code, taken.text) == (free.status_code, free.text)


async def test_old_sessions_are_cleared_away_while_their_person_comes_back(
    running: Application, people: People
) -> None:
    context, person = running.context, await people.active()
    old = await _sessions(running, person, 40, ago=LONG_AGO)
    async with unit_of_work(context) as services:
        user = await services.users.lock(person.id)
        assert user
        await services.sessions.end(old[20], person.id, SessionEnd.EXPIRED)
        clearing = asyncio.create_task(retention.clean_up(context))
        await _waits(context.database, clearing)
        await services.sessions.open_bearer(user)
    await clearing

    assert not {one.id for one in await _live(context.database)} & set(old)


@pytest.mark.parametrize("what", [OneTimeToken, Mail, Invitation, Tally, BulkCall])
async def test_clearing_away_passes_over_what_somebody_holds(
    running: Application, people: People, what: type[SQLModel]
) -> None:
    context, person = running.context, await people.active()
    embedded = context.database.embedded
    then = context.clock.now() - LONG_AGO
    id_, organization_id = person.id, UUID(await _organization(person))
    rows: dict[type[SQLModel], list[SQLModel]] = {
        OneTimeToken: [
            OneTimeToken(
                user_id=id_,
                purpose=TokenPurpose.VERIFY_EMAIL,
                digest=str(n),
                email_key="",
                created_at=then,
                expires_at=then,
            )
            for n in range(5)
        ],
        Mail: [
            Mail(purpose=MailPurpose.NEW_DEVICE, user_id=id_, state=MailState.ACCEPTED, due_at=then, created_at=then)
            for _ in range(5)
        ],
        Invitation: [Invitation(organization_id=organization_id, created_at=then, expires_at=then) for _ in range(5)],
        BulkCall: [BulkCall(actor_id=id_, key=str(n), digest="", created_at=then) for n in range(5)],
        Tally: [Tally(kind=TallyKind.SEEN, key=f"2026-01-01T0{n}", count=0) for n in range(5)],
    }
    async with context.database.writing() as session:
        session.add_all(rows[what])
    key = {column.name: getattr(rows[what][2], column.name) for column in what.__table__.primary_key}  # type: ignore[attr-defined]
    async with _held(context.database, what, **key):
        clearing = asyncio.create_task(retention.clean_up(context))
        await _waits(context.database, clearing)
        done = clearing.done()
    await clearing

    assert done or embedded


async def test_a_call_is_made_again_while_it_is_cleared_away(running: Application, people: People) -> None:
    context, admin, ids = running.context, await people.admin(), await people.crowd(3)
    call = Call(Operation.DEACTIVATE, [str(id_) for id_ in ids], key="a key")
    await bulk.run(context, admin.id, call, Origin())
    running.clock.move(days=2)

    async with context.database.writing() as session:
        (kept,) = (await session.exec(select(BulkCall).with_for_update())).all()
        again = asyncio.create_task(bulk.run(context, admin.id, call, Origin()))
        await _waits(context.database, again)
        await session.delete(kept)

    assert (await again).succeeded == 3


async def test_counting_anew_waits_for_whoever_counts(running: Application, people: People) -> None:
    person, context = await people.active(), running.context

    async def recount() -> None:
        async with unit_of_work(context) as services:
            await services.installation.lock()
            await services.users.tallies.recount()

    running.clock.move(hours=2)
    async with context.database.writing() as session:
        store = UserStore(session)
        user = await store.lock(person.id)
        assert user
        await store.signed_in(user, context.clock.now())
        await settle(session)
        counting = asyncio.create_task(recount())
        await _waits(context.database, counting)
    await counting
    async with context.database.reading() as look:
        seen = await TallyStore(look).seen_since(context.clock.now() - timedelta(days=1))

    assert [(hour, count) for hour, count in seen.items() if count] == [(f"{context.clock.now():%Y-%m-%dT%H}", 1)]


async def test_an_invitation_is_sent_while_whom_it_is_for_is_erased(running: Application, people: People) -> None:
    context, owner, guest = running.context, await people.active(), await people.active()
    made = await _organization(owner)
    body = {"email": guest.email, "role": "member"}
    invited = await owner.post(f"/api/v1/organizations/{made}/invitations", body)
    assert invited.status_code == 201, invited.text

    async def erase() -> None:
        async with unit_of_work(context) as services:
            await services.erasure.anonymize(None, guest.id)

    async with unit_of_work(context) as services:
        by = (await services.session_store.of(owner.id))[0]
        found = await services.session_store.find(by.id)
        assert found
        await services.invitations.entry.enter(found.identity, UUID(made), Act.INVITE)
        (invitation,) = await services.invitation_store.open_in(UUID(made), context.clock.now())
        erasing = asyncio.create_task(erase())
        await _waits(context.database, erasing)
        await services.invitations.delivery.link(invitation, owner.id)
    await erasing
    async with context.database.reading() as look:
        left = (await look.exec(select(InvitationToken))).all()

    assert not left


@ON_SQLITE
async def test_writers_of_the_embedded_database_come_in_turn(running: Application) -> None:
    database = running.context.database
    came: list[int] = []

    async def write(number: int) -> None:
        async with database.writing() as session:
            await (await session.connection()).execute(text("SELECT 1"))
            came.append(number)

    async with database.writing() as session:
        await (await session.connection()).execute(text("SELECT 1"))
        writers = [asyncio.create_task(write(number)) for number in range(20)]
        await asyncio.sleep(0.1)
    await asyncio.gather(*writers)

    assert came == list(range(20))
