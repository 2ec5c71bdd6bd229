"""Database and disk brought into agreement again, on both databases."""

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from backend.models import Status
from backend.provisioners.directories import DirectoryProvisioner
from backend.services import provisioning, setting_aside, unit_of_work
from backend.services.provisioning import Findings
from tests.application import Application
from tests.factories import People


def _files(top: Path) -> dict[str, str]:
    return {
        str(path.relative_to(top)): path.read_text()
        for path in top.rglob("*")
        if path.is_file() and "db" not in path.name
    }


async def test_missing_stray_and_unfinished_directories_are_found_and_put_right(
    running: Application, people: People
) -> None:
    kept, lost, holed, deleted = [await people.pending() for _ in range(4)]
    users, nobody = running.data_dir / "users", uuid4()
    shutil.rmtree(users / str(lost.id))
    (users / str(holed.id) / "schemas").rmdir()
    async with unit_of_work(running.context) as services:
        await services.deletion.delete(None, deleted.id)
    for id_ in (deleted.id, nobody):
        running.context.provisioner.provision(id_)
    (users / f".unfinished-{uuid4()}-00").mkdir()
    found = await provisioning.check(running.context, settled=-1)
    await provisioning.repair(running.context, settled=-1)

    assert (set(found.missing), set(found.stray), found.unfinished) == ({lost.id, holed.id}, {deleted.id, nobody}, 1)
    assert (await provisioning.check(running.context, settled=-1)).agree
    assert {path.name for path in users.iterdir()} >= {str(one.id) for one in (kept, lost, holed)}
    assert len(list((running.data_dir / "trash").glob(f"*/{nobody}-*"))) == 1


async def test_what_is_left_of_the_anonymized_is_erased_wherever_it_lies(running: Application, people: People) -> None:
    at_home, aside = [await people.in_status(Status.ANONYMIZED) for _ in range(2)]
    deleted = await people.deleted()
    for person in (at_home, aside):
        running.context.provisioner.provision(person.id)
    running.context.provisioner.withdraw(aside.id, running.clock.now())
    found = await provisioning.check(running.context, settled=-1)
    await provisioning.repair(running.context, settled=-1)

    assert (set(found.remains), found.stray, found.agree) == ({at_home.id, aside.id}, [], False)
    assert (await provisioning.check(running.context, settled=-1)).agree
    left = [path.name for path in running.data_dir.rglob("*-*") if path.is_dir()]
    assert not any(name.startswith((str(at_home.id), str(aside.id))) for name in left)
    assert any(name.startswith(str(deleted.id)) for name in left)


async def test_others_go_on_writing_while_files_are_erased(
    running: Application, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, loop = await people.in_status(Status.ANONYMIZED), asyncio.get_running_loop()
    erased: list[UUID] = []
    running.context.provisioner.provision(person.id)
    erase = DirectoryProvisioner.erase

    async def write() -> None:
        async with unit_of_work(running.context) as services:
            await services.installation.lock()
            await services.users.lock(person.id)

    def erase_beside_a_writer(self: DirectoryProvisioner, id_: UUID) -> None:
        asyncio.run_coroutine_threadsafe(write(), loop).result(timeout=60)
        erase(self, id_)
        erased.append(id_)

    monkeypatch.setattr(DirectoryProvisioner, "erase", erase_beside_a_writer)
    await setting_aside.erase(running.context, person.id)

    assert erased == [person.id]


@dataclass
class Interrupted(DirectoryProvisioner):
    """Lets something else happen just before it brings a directory back."""

    data_dir: Path
    meanwhile: Callable[[UUID], None]

    def __post_init__(self) -> None:
        super().__init__(self.data_dir)

    def restore(self, user_id: UUID) -> bool:
        self.meanwhile(user_id)
        return super().restore(user_id)


async def test_whoever_is_deleted_or_erased_meanwhile_gets_no_directory_back(
    running: Application, people: People
) -> None:
    context, loop = running.context, asyncio.get_running_loop()
    kept, deleted, erased = [await people.active() for _ in range(3)]
    for person in (kept, deleted, erased):
        context.provisioner.withdraw(person.id, running.clock.now())

    async def go(id_: UUID) -> None:
        async with unit_of_work(context) as services:
            if id_ == deleted.id:
                await services.deletion.delete(None, id_)
            if id_ == erased.id:
                await services.erasure.anonymize(None, id_)

    def meanwhile(id_: UUID) -> None:
        asyncio.run_coroutine_threadsafe(go(id_), loop).result(timeout=30)

    context.provisioner = Interrupted(running.data_dir, meanwhile)
    await provisioning.repair(context)

    assert {path.name for path in (running.data_dir / "users").iterdir()} & {
        str(person.id) for person in (kept, deleted, erased)
    } == {str(kept.id)}
    left = [path.name for path in running.data_dir.rglob("*-*") if path.is_dir()]
    assert not any(name.startswith(str(erased.id)) for name in left)


async def test_whoever_was_restored_since_keeps_the_directory(
    running: Application, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored, deleted = await people.active(), await people.deleted()
    running.context.provisioner.provision(deleted.id)

    async def check(*_: object, **__: object) -> Findings:
        return Findings(stray=[restored.id, deleted.id])

    monkeypatch.setattr(provisioning, "check", check)
    await provisioning.repair(running.context)

    assert [running.context.provisioner.complete(person.id) for person in (restored, deleted)] == [True, False]


async def test_a_directory_of_this_moment_may_belong_to_somebody_about_to_arrive(
    running: Application, people: People
) -> None:
    await people.pending()
    fresh, old = uuid4(), uuid4()
    for id_ in (fresh, old):
        running.context.provisioner.provision(id_)
    os.utime(running.data_dir / "users" / str(old), (0, 0))
    found = await provisioning.repair(running.context)

    assert found.stray == [old]
    assert running.context.provisioner.complete(fresh)


async def test_nothing_beside_users_and_trash_is_touched(running: Application, people: People) -> None:
    await people.pending()
    for name in ("notes.txt", "users/readme.txt", "users/archive/old.txt", "keys/mine.txt"):
        path = running.data_dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    before = _files(running.data_dir)
    findings = await provisioning.repair(running.context, settled=-1)

    assert findings.agree
    assert _files(running.data_dir) == before
