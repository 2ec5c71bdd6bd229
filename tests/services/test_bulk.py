"""Bulk calls: resumed where they stopped, never done twice, one account's fault never another one's."""

import asyncio
import stat
from collections import Counter
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import delete, select

from backend.errors import AdminRequired, KeyReused, NotOneself, TierInUse, TierNotFound
from backend.models import BulkCall, Mail, MailPurpose, Role, Status
from backend.provisioners.directories import DirectoryProvisioner
from backend.services import Origin, bulk, unit_of_work
from backend.services.bulk import Call, Operation, Outcome
from backend.settings import Settings
from backend.stores.database import Database
from tests.application import Application
from tests.factories import People, Person

NOWHERE = Origin()


def _call(ids: Iterable[object], operation: Operation = Operation.APPROVE, **more: Any) -> Call:
    return Call(operation, [str(id_) for id_ in ids], **{"key": "a key", **more})


async def _run(running: Application, admin: Person | None, call: Call) -> Outcome:
    return await bulk.run(running.context, admin.id if admin else None, call, NOWHERE)


class PowerCut(Exception):
    """The process is gone."""


class FailingProvisioner(DirectoryProvisioner):
    """Works for a while."""

    batches_left = 2  # before the transaction and within it

    def provision_all(self, user_ids: Collection[UUID]) -> Collection[UUID]:
        if not self.batches_left:
            raise PowerCut
        self.batches_left -= 1
        return super().provision_all(user_ids)


async def test_a_call_that_was_cut_off_goes_on_where_it_stopped(running: Application, people: People) -> None:
    admin, ids = await people.admin(), await people.crowd(600, Status.PENDING)
    whole = running.context.provisioner
    running.context.provisioner = FailingProvisioner(running.data_dir)
    with pytest.raises(PowerCut):
        await _run(running, admin, _call(ids))
    done = [status for status in (await people.statuses()).values() if status is Status.ACTIVE]
    assert len(done) == 1 + 250

    running.context.provisioner = whole
    assert (await _run(running, admin, _call(reversed(ids)))).succeeded == 600
    again = await _run(running, admin, _call(ids))
    events = await people.audit("admin_user_approved")
    assert (again.succeeded, again.errors) == (600, {})
    assert sorted(event.target_id for event in events if event.target_id) == ids


async def test_a_call_that_is_cleared_away_half_way_goes_on_all_the_same(
    running: Application, people: People, settings_for_test: Settings
) -> None:
    admin, ids, other = await people.admin(), await people.crowd(600, Status.PENDING), await people.rejected()
    call = _call([*ids, other.id])

    async def clear_away() -> None:
        database = Database(settings_for_test.database)
        async with database.writing() as session:
            await session.exec(delete(BulkCall))
        await database.close()

    cleared: list[int] = []

    def clear_away_once(done: int) -> None:
        cleared.append(done)
        if len(cleared) == 1:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, clear_away()).result()

    outcome = await bulk.run(running.context, admin.id, call, NOWHERE, progress=clear_away_once)

    assert (outcome.succeeded, list(outcome.errors)) == (600, [str(other.id)])
    assert len(await people.audit("admin_user_approved")) == 600


async def test_two_at_once_with_one_key_share_the_work_and_the_answer(running: Application, people: People) -> None:
    admin, ids = await people.admin(), await people.crowd(300, Status.PENDING)
    other = await people.rejected()
    call = _call([*ids, other.id])
    outcomes = await asyncio.gather(*(_run(running, admin, call) for _ in range(3)))

    assert {(one.succeeded, tuple(one.errors)) for one in outcomes} == {(300, (str(other.id),))}
    assert len(await people.audit("admin_user_approved")) == 300
    async with running.context.database.reading() as session:
        assert len((await session.exec(select(Mail).where(Mail.purpose == MailPurpose.ACCOUNT_APPROVED))).all()) == 300


async def test_two_in_opposite_order_wait_for_each_other_and_never_in_a_circle(
    running: Application, people: People
) -> None:
    admin, other, ids = await people.admin(), await people.admin(), await people.crowd(520)
    suspend = _call(ids, Operation.DEACTIVATE, key=None)
    promote = _call(reversed(ids), Operation.UPDATE_ROLE, role=Role.APPROVER, key=None)
    first, second = await asyncio.gather(_run(running, admin, suspend), _run(running, other, promote))

    assert first.succeeded == 520
    assert second.succeeded + second.failed == 520
    assert {code for code, _ in second.errors.values()} <= {"NOT_ACTIVE"}


async def test_a_disk_that_fails_one_person_fails_nobody_else(running: Application, people: People) -> None:
    admin, ids = await people.admin(), await people.crowd(3, Status.PENDING)
    (running.data_dir / "users").mkdir(mode=0o700, exist_ok=True)
    (running.data_dir / "users" / str(ids[1])).write_text("in the way")
    outcome = await _run(running, admin, _call(ids, key=None))

    assert {id_: code for id_, (code, _) in outcome.errors.items()} == {str(ids[1]): "PROVISIONING_FAILED"}
    statuses = list((await people.statuses()).values())
    assert (statuses.count(Status.PENDING), statuses.count(Status.ACTIVE)) == (1, 3)
    assert stat.S_IMODE((running.data_dir / "users" / str(ids[0])).stat().st_mode) == 0o700


async def test_who_lost_the_rights_half_way_is_stopped_there(
    running: Application, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_CHUNK", 10)
    admin, ids = await people.admin(), await people.crowd(400, Status.PENDING)
    await people.admin()

    async def demote(_: int) -> None:
        async with unit_of_work(running.context) as services:
            await services.roles.demote(None, admin.id)

    demoting: list[asyncio.Task[None]] = []
    with pytest.raises(AdminRequired):
        await bulk.run(
            running.context,
            admin.id,
            _call(ids),
            NOWHERE,
            progress=lambda done: demoting.append(asyncio.ensure_future(demote(done))) if not demoting else None,
        )
    await asyncio.gather(*demoting)
    assert list((await people.statuses()).values()).count(Status.PENDING) > 0


async def test_an_approver_decides_about_many_and_changes_nothing_else(running: Application, people: People) -> None:
    approver, ids = await people.approver(), await people.crowd(4, Status.PENDING)
    await _run(running, approver, _call(ids[:2], Operation.APPROVE))
    await _run(running, approver, _call(ids[2:], Operation.REJECT, key="another"))
    for operation in set(Operation) - {Operation.APPROVE, Operation.REJECT}:
        with pytest.raises(AdminRequired):
            await _run(running, approver, _call(ids, operation, role=Role.ADMIN, key=None))

    counted = Counter(status for status in (await people.statuses()).values())
    assert (counted[Status.ACTIVE], counted[Status.REJECTED]) == (2 + 2, 2)


async def test_nobody_else_decides_about_many(running: Application, people: People) -> None:
    member, ids = await people.active(), await people.crowd(2, Status.PENDING)
    for operation in Operation:
        with pytest.raises(AdminRequired):
            await _run(running, member, _call(ids, operation, role=Role.ADMIN, key=None))


async def test_a_key_is_one_calls_and_one_persons(running: Application, people: People) -> None:
    admin, other, ids = await people.admin(), await people.admin(), await people.crowd(2)
    await _run(running, admin, _call(ids, Operation.DEACTIVATE))
    with pytest.raises(KeyReused):
        await _run(running, admin, _call(ids[:1], Operation.DEACTIVATE))
    with pytest.raises(KeyReused):
        await _run(running, admin, _call(ids, Operation.ACTIVATE))

    assert (await _run(running, other, _call(ids, Operation.ACTIVATE))).succeeded == 2


async def test_nobody_is_among_those_they_change(running: Application, people: People) -> None:
    admin, ids = await people.admin(), await people.crowd(2)
    with pytest.raises(NotOneself):
        await _run(running, admin, _call([*ids, admin.id.hex], Operation.DEACTIVATE))
    assert set((await people.statuses()).values()) == {Status.ACTIVE}


async def test_the_command_line_keeps_an_administrator_too(running: Application, people: People) -> None:
    one, other = await people.admin(), await people.admin()
    outcome = await _run(running, None, _call([one.id, other.id], Operation.DELETE))
    assert [code for code, _ in outcome.errors.values()] == ["LAST_ADMIN"]


async def test_another_tier_takes_no_administrator_away(running: Application, people: People) -> None:
    admins = [(await people.admin()).id, (await people.admin()).id]
    async with unit_of_work(running.context) as services:
        tier = await services.tiers.create(None, "gold")
    outcome = await _run(running, None, _call(admins, Operation.UPDATE_TIER, tier_id=tier.id))
    assert (outcome.succeeded, outcome.errors) == (2, {})


async def test_a_tier_is_not_deleted_while_many_move_to_it(
    running: Application, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_CHUNK", 3)
    admin, ids = await people.admin(), await people.crowd(10)
    async with unit_of_work(running.context) as services:
        tier = await services.tiers.create(None, "gold")

    async def delete() -> None:
        async with unit_of_work(running.context) as services:
            await services.tiers.delete(None, "gold")

    move = _call(ids, Operation.UPDATE_TIER, tier_id=tier.id)
    moved, deleted = await asyncio.gather(_run(running, admin, move), delete(), return_exceptions=True)

    assert (type(moved), type(deleted)) in {(Outcome, TierInUse), (TierNotFound, type(None))}
