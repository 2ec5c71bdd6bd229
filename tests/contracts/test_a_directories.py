"""Each person's directory on disk: whole or not at all, never overwritten, never destroyed."""

import asyncio
import shutil
import stat
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
import pytest

from backend.services import provisioning
from tests.application import PATIENCE, Application, start
from tests.contracts.answers import applicant, code
from tests.factories import People, Person

FOLDERS: Final = {"nodes", "attributeNodes", "relationNodes", "transitions", "functions", "graphs", "schemas"}
FILES: Final = {f"{kind}_registry.json" for kind in ("node", "attribute", "relation", "transition", "function")}
REGISTER: Final = "/api/auth/register"


def home(running: Application, person: Person) -> Path:
    return running.data_dir / "users" / str(person.id)


async def test_registration_makes_the_directory(running: Application, people: People) -> None:
    place = home(running, await people.pending())
    assert {path.name for path in place.iterdir() if path.is_dir()} == FOLDERS
    assert {path.name for path in place.iterdir() if path.is_file()} == FILES
    assert {(place / name).read_text() for name in FILES} == {"{}"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (place, place.parent, *map(place.joinpath, FOLDERS))} == {
        0o700
    }
    assert not any((place / name).stat().st_mode & 0o077 for name in FILES)


async def test_every_account_has_one(running: Application, client: httpx.AsyncClient, people: People) -> None:
    first = (await client.post(REGISTER, json=applicant())).json()["id"]
    admin = await people.admin()
    created = await admin.post("/api/auth/admin/users", applicant(username="otto", email="otto@example.org"))
    ids = {first, str(admin.id), created.json()["user"]["id"]}
    assert {path.name for path in (running.data_dir / "users").iterdir()} == ids


async def test_an_existing_file_is_never_overwritten(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    written, missing = home(running, person) / "node_registry.json", home(running, person) / "graphs"
    written.write_text('{"work": 1}')
    missing.rmdir()
    await admin.post(f"/api/auth/admin/users/{person.id}/approve", {"approved": True})
    assert written.read_text() == '{"work": 1}'
    assert missing.is_dir()


async def test_without_the_directory_there_is_no_account(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    await people.admin()
    users, aside = running.data_dir / "users", running.data_dir / "aside"
    users.rename(aside)
    users.write_text("in the way")
    assert code(await client.post(REGISTER, json=applicant())) == (503, "PROVISIONING_FAILED")
    users.unlink()
    aside.rename(users)
    assert "hannah" not in await people.statuses()
    assert (await client.post(REGISTER, json=applicant())).status_code == 201


async def test_without_the_account_there_is_no_directory(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    taken = await people.pending()
    before = sorted((running.data_dir / "users").iterdir())
    bodies = [applicant(email=taken.email), applicant(password="short"), applicant(username="me")]
    assert [(await client.post(REGISTER, json=body)).status_code for body in bodies] == [400, 400, 422]
    assert sorted((running.data_dir / "users").iterdir()) == before


async def test_of_two_who_want_one_name_one_gets_account_and_directory(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    await people.admin()
    bodies = [applicant(email=f"hannah{number}@example.org") for number in range(4)]
    answers = await asyncio.gather(*(client.post(REGISTER, json=body) for body in bodies))
    await provisioning.repair(running.context, settled=0)
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    assert len(list((running.data_dir / "users").iterdir())) == 2


async def test_a_start_repairs_what_a_crash_left(running: Application, people: People) -> None:
    place = home(running, await people.pending())
    shutil.rmtree(place)
    async with start(running.context.settings) as again, asyncio.timeout(PATIENCE):
        while not again.context.provisioner.complete(UUID(place.name)):  # noqa: ASYNC110  # nobody announces it
            await asyncio.sleep(0)
    assert {path.name for path in place.iterdir()} == FOLDERS | FILES


async def test_a_deleted_directory_moves_to_a_dated_trash(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    (home(running, person) / "graphs" / "work.json").write_text("years of work")
    await admin.delete(f"/api/auth/admin/users/{person.id}")
    assert not home(running, person).exists()
    (kept,) = running.data_dir.glob(f"trash/{running.clock.now():%Y-%m-%d}/{person.id}*")
    assert (kept / "graphs" / "work.json").read_text() == "years of work"


@pytest.mark.parametrize("act", ["reject", "suspend"])
async def test_who_is_kept_out_keeps_the_directory(running: Application, people: People, act: str) -> None:
    person = await (people.rejected() if act == "reject" else people.suspended())
    assert home(running, person).is_dir()
