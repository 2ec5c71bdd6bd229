"""What must never be found: passwords and tokens in logs, in the audit or in a stolen database; rights in a body."""

import io
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backend import logs
from backend.models import Role, Status, metadata
from tests.application import Application
from tests.factories import PASSWORD, People

NEW: str = "an entirely new horse"
TEMPTING: Mapping[str, Any] = {
    "is_superuser": True,
    "is_active": True,
    "is_verified": True,
    "is_approved": True,
    "role": "admin",
    "status": "active",
    "id": "01900000-0000-7000-8000-000000000000",
    "hashed_password": "x",
    "approved_by": None,
    "isSuperuser": True,
    "is_superuser[]": True,
    "user": {"is_superuser": True},
    "roles": ["admin"],
    "approved_at": "2026-01-01T00:00:00Z",
    "__class__": "Admin",
    "must_change_password": False,
    "tier_id": 1,
}


@dataclass
class Told:
    """Everything a story gave away: logs, answers, and the secrets of it."""

    log: io.StringIO = field(default_factory=io.StringIO)
    secrets: list[str] = field(default_factory=list)


@pytest.fixture
async def told(running: Application, people: People) -> AsyncIterator[Told]:
    """What is left after a whole life: every kind of secret was made and used, some were refused."""
    told, client = Told(), running.client
    logs.configure(running.context.settings, stream=told.log)
    admin, person, browser = await people.admin(), await people.active(), running.browser()
    await client.post("/api/auth/forgot-password", json={"email": person.email})
    reset = (await running.mails())[-1].body.partition("#token=")[2].split()[0]
    await client.post("/api/auth/reset-password", json={"token": reset, "password": NEW})
    await client.post("/api/auth/reset-password", json={"token": reset, "password": PASSWORD})
    login = await client.post("/api/auth/login", json={"username_or_email": person.email, "password": NEW})
    await client.post("/api/auth/login", json={"username_or_email": PASSWORD, "password": PASSWORD})
    await client.post("/api/auth/jwt/login", data={"username": person.username, "password": PASSWORD})
    await browser.post("/login", data={"username_or_email": person.username, "password": NEW})
    given = (await admin.post("/api/auth/admin/reset-user-password", {"user_id": str(person.id)})).json()
    await client.get(f"/verify?token={reset}")
    mail = (await admin.post("/api/v1/messages", {"user_id": str(person.id), "purpose": "verify_email"})).json()
    link = (await admin.post(f"/api/v1/messages/{mail['id']}/link")).json()["link"].partition("#token=")[2]
    await client.post("/verify", data={"token": "x" + link})
    await admin.put(f"/api/auth/admin/users/{person.id}", {"email": "moved@example.org"})
    await admin.delete(f"/api/auth/admin/users/{person.id}")
    told.secrets = [PASSWORD, NEW, reset, link, login.json()["access_token"], login.json()["refresh_token"]]
    told.secrets += [given["temp_password"], browser.cookies["session_id"], browser.cookies["csrf_token"]]
    told.secrets += [login.json()["access_token"].rpartition(".")[2], (await people.row(person)).hashed_password]
    yield told
    logs.configure(running.context.settings)


async def test_no_secret_and_no_address_is_in_the_logs(told: Told) -> None:
    log = told.log.getvalue()

    assert log.count("\n") > 20
    assert "path=/api/auth/jwt/login " in log
    assert [secret for secret in told.secrets if secret in log] == []
    assert "@example.org" not in log


async def test_no_secret_is_in_a_dump_of_the_database(running: Application, told: Told) -> None:
    dump = ""
    async with running.context.database.reading() as session:
        for table in metadata.sorted_tables:
            rows = (await (await session.connection()).execute(select(table))).mappings().all()
            dump += json.dumps([dict(row) for row in rows], default=str)

    kept = told.secrets[:-1]  # all but the hash, which belongs there
    assert [secret for secret in kept if secret in dump] == []
    assert told.secrets[-1] in dump


async def test_no_secret_is_in_the_audit(people: People, told: Told) -> None:
    events = await people.audit()
    audit = json.dumps([event.model_dump(mode="json") for event in events])

    assert len(events) > 10
    assert [secret for secret in told.secrets if secret in audit] == []


async def test_one_log_line_is_one_line_whatever_the_path(running: Application, told: Told) -> None:
    before = told.log.getvalue().count("\n")
    await running.client.get("/x%0a2026-01-01T00:00:00Z%20[info]%20admin_user_promotion%1b[31m%1b]0;owned%07")
    added = told.log.getvalue()

    assert added.count("\n") == before + 1
    assert "\x1b" not in added


@pytest.mark.settings(env="production", bootstrap="first-user")
async def test_one_log_line_is_one_line_in_production_too(running: Application) -> None:
    stream = io.StringIO()
    logs.configure(running.context.settings, stream=stream)
    await running.client.get('/x%0a{"event":"admin_user_promotion"}%1b[31m', headers={"User-Agent": '"},{"event"'})
    logs.configure(running.context.settings)

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["request"]


def _leaks(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (name for name in value if "hash" in name or name == "password")
        for inner in value.values():
            yield from _leaks(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaks(inner)


async def test_no_answer_shows_a_hash(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    path = f"/api/auth/admin/users/{person.id}"
    answers = [
        await admin.get("/api/auth/admin/users"),
        await admin.get("/api/auth/admin/pending-approvals"),
        await admin.post(f"{path}/approve", {"approved": True}),
        await admin.put(path, {"username": "another"}),
        await admin.post(f"{path}/promote"),
        await admin.post(f"{path}/demote"),
        await admin.delete(path),
        await client.post("/api/auth/login", json={"username_or_email": admin.username, "password": PASSWORD}),
        await client.post(
            "/api/auth/register", json={"username": "x1", "email": "x1@example.org", "password": PASSWORD}
        ),
    ]

    assert {answer.status_code for answer in answers} == {200, 201}
    assert [name for answer in answers for name in _leaks(answer.json())] == []
    assert not any("$argon2" in answer.text for answer in answers)


@pytest.mark.parametrize("path", ["/api/auth/register", "/register"])
async def test_nobody_writes_their_own_rights(running: Application, people: People, path: str) -> None:
    admin = await people.admin()
    body = {"username": "mallory", "email": "mallory@example.org", "password": PASSWORD, **TEMPTING}
    given = {"json": body} if path.startswith("/api") else {"data": {name: str(value) for name, value in body.items()}}
    await running.client.post(path, **given)
    listed = (await admin.get("/api/auth/admin/users")).json()["users"][0]

    assert (listed["username"], listed["is_superuser"], listed["is_approved"]) == ("mallory", False, False)
    assert (listed["is_active"], listed["is_verified"]) == (False, False)
    assert listed["id"] != TEMPTING["id"]
    assert (await people.statuses())["mallory"] is Status.PENDING
    assert (await people.row(admin)).role is Role.ADMIN


async def test_an_update_changes_what_it_names_and_nothing_else(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    before = (await people.row(person)).model_dump()
    tempting = {name: value for name, value in TEMPTING.items() if name not in {"is_superuser", "is_active"}}
    running.clock.move(seconds=1)
    answer = await admin.put(f"/api/auth/admin/users/{person.id}", {"username": "renamed", **tempting})
    after = (await people.row(person)).model_dump()

    assert answer.status_code == 200
    assert {name for name in before if before[name] != after[name]} == {"username", "updated_at"}


async def test_a_decision_carries_no_other_change(people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    await admin.post(f"/api/auth/admin/users/{person.id}/approve", {**TEMPTING, "approved": True})
    row = await people.row(person)

    assert (row.role, row.is_verified, row.approved_by) == (Role.USER, False, admin.id)
