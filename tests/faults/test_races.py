"""Many at the same moment, at two real server processes on one database: exactly one wins, nobody sees a fault."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, select

from backend.models import AuditEvent, Role, Status, User
from backend.stores.database import Database
from tests.factories import PASSWORD
from tests.faults.house import House, at_once, opened


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A look at the database the servers share."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Two real servers on one database."""
    with opened(database_url, tmp_path / "house") as house:
        yield house
        await house.close()


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


async def test_of_thirty_first_people_exactly_one_becomes_the_administrator(house: House, database: Database) -> None:
    asks = [lambda n=n: house.post("/api/auth/register", _body(f"person{n}")) for n in range(30)]  # type: ignore[misc]
    answers = await at_once(*asks)
    users = await _users(database)

    assert _codes(answers) == {201: 30}
    assert sum(answer.json()["is_superuser"] for answer in answers) == 1
    assert Counter(user.role for user in users) == {Role.ADMIN: 1, Role.USER: 29}
    assert Counter(user.status for user in users) == {Status.ACTIVE: 1, Status.PENDING: 29}
    assert len(await _audit(database, "first_user_superuser_promotion")) == 1
    assert {path.name for path in (house.place / "data" / "users").iterdir()} == {str(user.id) for user in users}


async def test_of_twelve_identical_registrations_one_wins_and_the_others_hear_why(
    house: House, database: Database
) -> None:
    await house.post("/api/auth/register", _body("first"))
    answers = await at_once(*[lambda: house.post("/api/auth/register", _body("twin"))] * 12)
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
        headers = {"Authorization": f"Bearer {token}"}
        return await next(house._turn).request(method, f"/api/auth/admin/users/{id_}", json=body, headers=headers)

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
        path, before = f"/api/auth/admin/users/{applicant}/approve", len(await _audit(database, *DECISIONS))
        answers = await at_once(
            lambda: house.post(path, {"approved": True}, ones),
            lambda: house.post(path, {"approved": False}, twos),
            lambda: house.post(path, {"approved": True}, twos),
        )
        decided = (await _audit(database, *DECISIONS))[before:]
        status = next(user.status for user in await _users(database) if str(user.id) == applicant)
        assert _codes(answers)[200] == 1
        assert set(_codes(answers)) <= {200, 400, 409}
        assert len(decided) == 1
        assert (status is Status.ACTIVE) is (decided[0].action == "admin_user_approved")


DECISIONS = ("admin_user_approved", "admin_user_rejected")


async def test_one_reset_link_sets_one_password(house: House, database: Database) -> None:
    await house.post("/api/auth/register", _body("first"))
    await house.post("/api/auth/forgot-password", {"email": "first@example.org"})
    token = await _mailed(house)
    passwords = [f"a new horse number {n}" for n in range(8)]
    asks = [
        lambda p=p: house.post("/api/auth/reset-password", {"token": token, "password": p})  # type: ignore[misc]
        for p in passwords
    ]
    answers = await at_once(*asks)
    winner = passwords[[answer.status_code for answer in answers].index(200)]

    assert _codes(answers) == {200: 1, 400: 7}
    assert await house.token("first", winner)
    assert len(await _audit(database, "password_reset_completed")) == 1


async def test_what_one_process_ends_the_other_refuses_at_once(house: House) -> None:
    (_, ones), (two, twos) = await _two_admins(house)
    here, there = house.doors
    seen = await there.get("/api/auth/whoami", headers={"Authorization": f"Bearer {twos}"})
    ended = await here.put(
        f"/api/auth/admin/users/{two}", json={"is_active": False}, headers={"Authorization": f"Bearer {ones}"}
    )
    after = await there.get("/api/auth/whoami", headers={"Authorization": f"Bearer {twos}"})

    assert (seen.status_code, ended.status_code, after.status_code) == (200, 200, 401)


async def test_wrong_passwords_for_one_account_are_counted_by_all_processes_together(
    database_url: str, tmp_path: Path
) -> None:
    with opened(database_url, tmp_path / "house", RATE_LIMITS="on") as house:
        await house.post("/api/auth/register", _body("first"))
        body = {"username_or_email": "first", "password": "not the password"}
        answers = [await house.post("/api/auth/login", body) for _ in range(12)]
        await house.close()

    assert _codes(answers)[401] == 5


async def _mailed(house: House) -> str:
    """The token of the first mail that a server prints."""
    deadline = asyncio.get_running_loop().time() + 10
    while asyncio.get_running_loop().time() < deadline:
        for log in house.place.glob("log-*"):
            _, found, rest = log.read_text().partition("#token=")
            if found and rest.split():
                return rest.split()[0]
        await asyncio.sleep(0.05)
    raise AssertionError("no mail was printed")
