"""Which status may follow which: the whole table, and what leaving `active` takes with it."""

from itertools import product
from typing import Final
from uuid import UUID

import pytest

from backend.errors import InvalidTransition
from backend.models import Status, User
from backend.services import Services, unit_of_work
from backend.services.audit import Action
from backend.services.rights import Act
from tests.application import Application
from tests.factories import People

P, R, A, S, E, X, D, Z = Status  # X: deactivated, Z: anonymized
ALLOWED: Final = {
    *product([P], [R, A, D, Z]),
    *product([R], [P, A, D, Z]),
    *product([A], [S, E, X, D, Z]),
    *product([S, E, X], [A, D, Z]),
    (D, Z),
}


async def _account(services: Services, status: Status, number: int) -> User:
    now = services.context.clock.now()
    values = {"username": f"u{number}", "email": f"u{number}@example.org", "hashed_password": "!", "status": status}
    return await services.users.user_db.create({**values, "created_at": now, "updated_at": now})


async def test_every_change_of_status_is_allowed_or_refused_as_the_table_says(
    running: Application, people: People
) -> None:
    went: set[tuple[Status, Status]] = set()
    for number, (was, to) in enumerate(product(Status, Status)):
        async with unit_of_work(running.context) as services:
            user = await _account(services, was, number)
            try:
                await services.lifecycle.change(user, to, Action.USER_UPDATED, actor=None)
            except InvalidTransition:
                assert user.status is was
            else:
                assert user.status is to
                went.add((was, to))

    assert went == ALLOWED
    assert len(await people.audit("admin_user_update")) == len(ALLOWED)


@pytest.mark.parametrize("to", [S, E, X, D, Z])
async def test_whoever_leaves_active_loses_every_session_with_the_same_commit(
    running: Application, people: People, to: Status
) -> None:
    person = await people.signed_in(await people.active())
    async with unit_of_work(running.context) as services:
        user = await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
        await services.lifecycle.change(user, to, Action.USER_UPDATED, actor=None)

    assert (await person.get("/api/auth/whoami")).json()["error_code"] == "SESSION_REVOKED"
    assert [event.reason for event in await people.audit("session_ended", about=person)] == ["status"] * 2


@pytest.mark.parametrize("flag", ["is_active", "is_superuser", "is_approved"])
async def test_flags_follow_the_status_and_are_never_written(running: Application, people: People, flag: str) -> None:
    person = await people.active()
    with pytest.raises(ValueError, match="derived flags"):  # noqa: PT012  # a unit of work is a block
        async with unit_of_work(running.context) as services:
            user = await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
            await services.users.user_db.update(user, {flag: True})


async def test_a_refused_change_leaves_nothing_behind(running: Application, people: People) -> None:
    person = await people.pending()
    with pytest.raises(InvalidTransition):  # noqa: PT012  # a unit of work is a block
        async with unit_of_work(running.context) as services:
            user = await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
            await services.users.user_db.update(user, {"institution": "half a change"})
            await services.lifecycle.change(user, Status.SUSPENDED, Action.USER_SUSPENDED, actor=None)

    assert (await people.row(person)).institution is None
    assert await people.audit("admin_user_suspended") == []


@pytest.mark.settings(rate_limits=False)
async def test_the_state_is_told_only_after_the_right_password(running: Application, people: People) -> None:
    told = {
        "ACCOUNT_PENDING": await people.pending(),
        "ACCOUNT_REJECTED": await people.rejected(),
        "ACCOUNT_INACTIVE": await people.suspended(),
    }
    deleted = await people.active()
    await people.admin()
    async with unit_of_work(running.context) as services:
        await services.closing.delete(None, deleted.id)

    async def code(name: str, password: str) -> str:
        body = {"username_or_email": name, "password": password}
        return str((await running.client.post("/api/auth/login", json=body)).json()["error_code"])

    for expected, person in told.items():
        assert await code(person.username, person.password) == expected
        assert await code(person.username, "not the password") == "AUTH_INVALID_CREDENTIALS"
        form = {"username": person.username, "password": person.password}
        oauth = await running.client.post("/api/auth/jwt/login", data=form)
        assert (oauth.status_code, oauth.json()["detail"]) == (400, "LOGIN_BAD_CREDENTIALS")
    assert await code(deleted.username, deleted.password) == "AUTH_INVALID_CREDENTIALS"
    assert await code("nobody", "not the password") == "AUTH_INVALID_CREDENTIALS"


async def test_ids_are_never_reused_nor_guessed_by_counting(people: People) -> None:
    ids = [(await people.active()).id for _ in range(3)]

    assert len({UUID(int=id_.int & ((1 << 62) - 1)) for id_ in ids}) == 3
    assert ids == sorted(ids)
