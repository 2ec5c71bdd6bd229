"""When disks refuse and databases go away: nothing half-made, a plain 503, and everything well again afterwards."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from backend.errors import DatabaseUnavailable, ProvisioningFailed
from backend.models import MailPurpose
from backend.provisioners.directories import DirectoryProvisioner
from backend.services import unit_of_work
from backend.settings import Settings
from backend.stores.database import Database
from tests.application import PATIENCE, Application, start
from tests.factories import PASSWORD, People
from tests.machines.postgres import Postgres

ADA = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}


class FullDisk(DirectoryProvisioner):
    """A provisioner whose disk is full while `full`."""

    full = False

    def provision(self, user_id: UUID) -> None:
        if self.full:
            raise ProvisioningFailed
        super().provision(user_id)

    def provision_all(self, user_ids: Collection[UUID]) -> Collection[UUID]:
        if self.full:
            raise ProvisioningFailed
        return super().provision_all(user_ids)

    def withdraw(self, user_id: UUID, now: datetime) -> None:
        if self.full:
            raise OSError(28, os.strerror(28))
        super().withdraw(user_id, now)


@pytest.fixture
def disk(settings_for_test: Settings) -> FullDisk:
    """A disk that a test may fill."""
    return FullDisk(settings_for_test.data_dir)


@pytest.fixture
async def running(settings_for_test: Settings, disk: FullDisk) -> AsyncIterator[Application]:
    """The application on that disk."""
    async with start(settings_for_test, provisioner=disk) as application:
        yield application


@pytest.mark.settings(send_verification_emails=True)
async def test_without_a_directory_there_is_no_account_no_mail_and_no_lost_name(
    running: Application, people: People, disk: FullDisk
) -> None:
    disk.full = True
    refused = await running.client.post("/api/auth/register", json=ADA)
    left = (await people.statuses(), await running.mails(), await people.audit("registered"))
    disk.full = False
    again = await running.client.post("/api/auth/register", json=ADA)

    assert (refused.status_code, refused.json()["error_code"]) == (503, "PROVISIONING_FAILED")
    assert int(refused.headers["retry-after"]) > 0
    assert left == ({}, [], [])
    assert (again.status_code, again.json()["is_superuser"]) == (201, True)


async def test_an_approval_that_cannot_make_the_directory_decides_nothing(
    running: Application, people: People, disk: FullDisk
) -> None:
    admin, person = await people.admin(), await people.pending()
    path, disk.full = f"/api/auth/admin/users/{person.id}/approve", True
    refused = await admin.post(path, {"approved": True})
    status = (await people.statuses())[person.username]
    mails = await running.mails(MailPurpose.ACCOUNT_APPROVED)
    disk.full = False
    again = await admin.post(path, {"approved": True})

    assert (refused.status_code, status, mails) == (503, "pending", [])
    assert (again.status_code, len(await people.audit("admin_user_approved"))) == (200, 1)


async def test_a_deletion_counts_even_if_the_directory_cannot_be_moved(
    running: Application, people: People, disk: FullDisk
) -> None:
    admin, person = await people.admin(), await people.active()
    disk.full = True
    deleted = await admin.delete(f"/api/auth/admin/users/{person.id}")

    assert deleted.status_code == 200
    assert (await person.get("/api/auth/whoami")).status_code == 401
    assert disk.complete(person.id)


async def _break_audit(running: Application) -> None:
    """Let the database refuse every further record, as a full disk would."""
    async with running.context.database.writing() as session:
        connection = await session.connection()
        if running.context.database.embedded:
            refuse = "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            await connection.execute(text(f"CREATE TRIGGER full BEFORE INSERT ON audit_events {refuse}"))
            return
        body = "BEGIN RAISE 'disk full'; END"
        await connection.execute(text(f"CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"))
        trigger = "CREATE TRIGGER f BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION full()"
        await connection.execute(text(trigger))


async def test_what_cannot_be_recorded_does_not_happen(running: Application, people: People) -> None:
    admin, person, user = await people.admin(), await people.pending(), await people.active()
    before = await people.statuses()
    await _break_audit(running)
    body = {"current_password": PASSWORD, "new_password": "another horse entirely"}
    answers = [
        await admin.post(f"/api/auth/admin/users/{person.id}/approve", {"approved": True}),
        await admin.post(f"/api/auth/admin/users/{user.id}/promote"),
        await admin.delete(f"/api/auth/admin/users/{user.id}"),
        await user.post("/api/auth/change-password", body),
        await running.client.post("/api/auth/register", json=ADA),
        await running.client.post("/api/auth/login", json={"username_or_email": user.email, "password": PASSWORD}),
    ]

    assert {answer.status_code for answer in answers} <= {500, 503}
    assert await people.statuses() == before
    assert not (await people.row(user)).is_superuser
    assert (await user.get("/api/auth/whoami")).status_code == 200


async def test_a_refusal_stands_even_if_it_cannot_be_recorded(running: Application, people: People) -> None:
    admin = await people.admin()
    await _break_audit(running)
    body = {"username_or_email": admin.email, "password": "not the password"}
    wrong = await running.client.post("/api/auth/login", json=body)
    refused = await admin.post(f"/api/auth/admin/users/{admin.id}/demote")

    assert wrong.status_code in {401, 500, 503}
    assert refused.status_code in {400, 500, 503}
    assert "access_token" not in wrong.text


async def test_a_commit_that_fails_is_never_a_success(running: Application, people: People) -> None:
    """The failure comes with the commit itself: a constraint that is checked only then."""
    await people.admin()
    async with running.context.database.writing() as session:
        connection = await session.connection()
        if running.context.database.embedded:
            for statement in (
                "CREATE TABLE late (gone INTEGER REFERENCES users(id) DEFERRABLE INITIALLY DEFERRED)",
                "CREATE TRIGGER l AFTER INSERT ON users BEGIN INSERT INTO late (gone) VALUES (999); END",
            ):
                await connection.execute(text(statement))
        else:
            body = "BEGIN RAISE 'too late'; END"
            await connection.execute(text(f"CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"))
            trigger = "CREATE CONSTRAINT TRIGGER l AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED"
            await connection.execute(text(f"{trigger} FOR EACH ROW EXECUTE FUNCTION late()"))
    answer = await running.client.post("/api/auth/register", json=ADA)

    assert answer.status_code in {500, 503}
    assert "ada" not in await people.statuses()
    assert answer.json()["success"] is False


async def test_connections_that_were_cut_are_a_503_at_most_once_and_then_well_again(
    running: Application, people: People, postgres_server: Postgres
) -> None:
    person = await people.active()
    if running.context.database.embedded:
        await running.context.database.engine.dispose()
    else:
        direct = await asyncpg.connect(postgres_server.url(scheme="postgresql"))
        name = running.context.settings.database.rpartition("/")[2]
        await direct.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await direct.close()
    answers = await asyncio.gather(*(person.get("/api/auth/whoami") for _ in range(5)))
    after = await person.get("/api/auth/whoami")

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert after.status_code == 200


async def test_a_connection_that_was_cut_while_it_rested_is_nobodys_error(postgres_server: Postgres) -> None:
    database, cut = Database(postgres_server.url()), asyncio.Event()
    async with database.reading() as session:
        resting: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    resting.add_termination_listener(lambda _: cut.set())
    direct = await asyncpg.connect(postgres_server.url(scheme="postgresql"))
    await direct.execute("SELECT pg_terminate_backend($1)", resting.get_server_pid())
    await direct.close()
    async with asyncio.timeout(PATIENCE):
        await cut.wait()

    await database.ping()
    await database.close()


async def test_a_server_that_starts_and_lets_nobody_in_yet_is_a_database_that_does_not_answer() -> None:
    refusal = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
        if len(asked) == 4:  # for TLS
            writer.write(b"N")
            await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
        writer.write(b"E" + (len(refusal) + 4).to_bytes(4) + refusal)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        database = Database(f"postgresql+asyncpg://somebody:secret@127.0.0.1:{port}/nowhere", patience=PATIENCE)
        with pytest.raises(DatabaseUnavailable):
            async with database.writing() as session:
                await session.connection()
        await database.close()


async def test_a_database_somebody_else_holds_is_a_503_with_a_time_to_wait(
    running: Application, people: People
) -> None:
    await people.admin()
    patient = running.context.database
    running.context.database = Database(running.context.settings.database, patience=0.5)
    async with patient.writing() as session:
        connection = await session.connection()
        hold = "UPDATE installation SET id = 1" if patient.embedded else "LOCK TABLE installation"
        await connection.execute(text(hold))
        live = await running.client.get("/health/live")
        async with asyncio.timeout(PATIENCE / 2):
            refused = await running.client.post("/api/auth/register", json=ADA)
        await session.rollback()
    await running.context.database.close()
    running.context.database = patient
    again = await running.client.post("/api/auth/register", json=ADA)

    assert (live.status_code, refused.status_code, again.status_code) == (200, 503, 201)
    assert refused.json()["error_code"] == "DATABASE_UNAVAILABLE"
    assert int(refused.headers["retry-after"]) > 0


async def test_a_unit_of_work_that_raises_leaves_no_trace_and_does_nothing_afterwards(running: Application) -> None:
    done: list[str] = []

    async def later() -> None:
        done.append("done")

    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # a unit of work is a block
        async with unit_of_work(running.context) as services:
            services._afterwards.append(later)
            _ = 1 // 0

    assert done == []
