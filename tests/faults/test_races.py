"""Many at the same moment, at two real server processes on one database: exactly one wins, nobody sees a fault."""

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest
from sqlmodel import col, select

from backend.models import AuditEvent, Role, Status, User
from backend.stores.database import Database
from tests.application import PATIENCE
from tests.factories import PASSWORD
from tests.faults.house import House, at_once, opened

DECISIONS: Final = ("admin_user_approved", "admin_user_rejected")


def _body(name: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.org", "password": PASSWORD}


async def _users(database: Database) -> list[User]:
    async with database.reading() as session:
        return list((await session.exec(select(User))).all())


async def _audit(database: Database, *actions: str) -> list[AuditEvent]:
    async with database.reading() as session:
        query = select(AuditEvent).where(col(AuditEvent.action).in_(actions)).order_by(col(AuditEvent.id))
        return list((await session.exec(query)).all())


def _codes(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def _two_admins(house: House) -> tuple[tuple[str, str], tuple[str, str]]:
    """Two administrators: their ids and tokens."""
    first = await house.post("/api/auth/register", _body("first"))
    token = await house.token("first", PASSWORD)
    made = await house.post("/api/auth/admin/users", {**_body("second"), "is_superuser": True}, token)
    assert made.status_code == 200, made.text
    return (first.json()["id"], token), (made.json()["user"]["id"], await house.token("second", PASSWORD))


async def test_of_twelve_first_people_exactly_one_becomes_the_administrator(house: House, database: Database) -> None:
    asks = [partial(house.post, "/api/auth/register", _body(f"person{n}")) for n in range(12)]
    answers = await at_once(*asks)
    users = await _users(database)

    assert _codes(answers) == {201: 12}
    assert sum(answer.json()["is_superuser"] for answer in answers) == 1
    assert Counter(user.role for user in users) == {Role.ADMIN: 1, Role.USER: 11}
    assert Counter(user.status for user in users) == {Status.ACTIVE: 1, Status.PENDING: 11}
    assert len(await _audit(database, "first_user_superuser_promotion")) == 1
    assert {path.name for path in (house.place / "data" / "users").iterdir()} == {str(user.id) for user in users}


async def test_of_twelve_identical_registrations_one_wins_and_the_others_hear_why(
    house: House, database: Database
) -> None:
    await house.post("/api/auth/register", _body("first"))
    answers = await at_once(*[partial(house.post, "/api/auth/register", _body("twin"))] * 12)
    refused = [answer.json() for answer in answers if answer.status_code != 201]

    assert _codes(answers) == {201: 1, 400: 11}
    assert {body["error_code"] for body in refused} == {"REGISTER_USER_ALREADY_EXISTS"}
    assert len(await _users(database)) == 2
    assert len(list((house.place / "data" / "users").iterdir())) == 2


@pytest.mark.parametrize("act", ["demote", "suspend", "delete"])
async def test_two_administrators_never_remove_each_other(house: House, database: Database, act: str) -> None:
    async def remove(id_: str, token: str) -> httpx.Response:
        if act == "demote":
            return await house.post(f"/api/auth/admin/users/{id_}/demote", token=token)
        method, body = ("DELETE", None) if act == "delete" else ("PUT", {"is_active": False})
        return await house.request(method, f"/api/auth/admin/users/{id_}", token, body)

    (one, ones), (two, twos) = await _two_admins(house)
    for _ in range(10 if act == "demote" else 1):
        answers = await at_once(lambda: remove(two, ones), lambda: remove(one, twos))
        left = [user for user in await _users(database) if user.role is Role.ADMIN and user.status is Status.ACTIVE]
        assert len(left) == 1
        assert _codes(answers)[200] == 1
        assert set(_codes(answers)) <= {200, 400, 401, 403, 404}
        if act == "demote":
            winner = ones if str(left[0].id) == one else twos
            loser = two if winner == ones else one
            promoted = await house.post(f"/api/auth/admin/users/{loser}/promote", token=winner)
            assert promoted.status_code == 200, promoted.text


async def test_of_a_yes_and_a_no_at_once_one_is_the_decision(house: House, database: Database) -> None:
    (_, ones), (_, twos) = await _two_admins(house)
    for number in range(6):
        applicant = (await house.post("/api/auth/register", _body(f"applicant{number}"))).json()["id"]
        before = len(await _audit(database, *DECISIONS))
        answers = await at_once(
            *(
                partial(house.post, f"/api/auth/admin/users/{applicant}/approve", {"approved": word}, token)
                for word, token in ((True, ones), (False, twos), (True, twos))
            )
        )
        decided = (await _audit(database, *DECISIONS))[before:]
        status = next(user.status for user in await _users(database) if str(user.id) == applicant)
        assert _codes(answers)[200] == 1
        assert set(_codes(answers)) <= {200, 400, 409}
        assert len(decided) == 1
        assert (status is Status.ACTIVE) is (decided[0].action == "admin_user_approved")


async def test_one_reset_link_sets_one_password(house: House, database: Database) -> None:
    await house.post("/api/auth/register", _body("first"))
    before = _printed(house)
    await house.post("/api/auth/forgot-password", {"email": "first@example.org"})
    token = await _mailed(house, before)
    passwords = [f"a new horse number {n}" for n in range(8)]
    asks = [partial(house.post, "/api/auth/reset-password", {"token": token, "password": p}) for p in passwords]
    answers = await at_once(*asks)
    winner = passwords[[answer.status_code for answer in answers].index(200)]

    assert _codes(answers) == {200: 1, 400: 7}
    assert await house.token("first", winner)
    assert len(await _audit(database, "password_reset_completed")) == 1


async def test_wrong_passwords_for_one_account_are_counted_by_all_processes_together(
    database_url: str, tmp_path: Path
) -> None:
    with opened(database_url, tmp_path / "house", RATE_LIMITS="on") as built:
        async with built.visited() as house:
            await house.post("/api/auth/register", _body("first"))
            body = {"username_or_email": "first", "password": "not the password"}
            answers = [await house.post("/api/auth/login", body) for _ in range(12)]

    assert _codes(answers)[401] == 5


def _printed(house: House) -> set[str]:
    """The tokens of all mails that the servers have printed."""
    logs = "".join(log.read_text() for log in house.place.glob("log-*"))
    return {part.split()[0] for part in logs.split("#token=")[1:] if part.split()}


async def _mailed(house: House, before: set[str]) -> str:
    """The token of the mail that comes now."""
    async with asyncio.timeout(PATIENCE):
        while not (new := _printed(house) - before):  # noqa: ASYNC110  # another process prints it
            await asyncio.sleep(0.05)
    return new.pop()
