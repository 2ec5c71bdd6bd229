"""Which status may follow which: the whole table, and what leaving `active` takes with it."""

from collections.abc import Awaitable, Callable, Mapping
from itertools import product
from typing import Final
from uuid import UUID

import pytest

from backend.errors import InvalidTransition, VestibuleError
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

Way = Callable[[Services, UUID], Awaitable[object]]
WAYS: Final[Mapping[str, tuple[Way, dict[Status, Status | str]]]] = {
    "suspend": (lambda work, id_: work.closing.suspend(None, id_), {A: S, S: S}),
    "expire": (lambda work, id_: work.closing.expire(None, id_), {A: E}),
    "deactivate": (lambda work, id_: work.closing.deactivate(id_, confirmed=True), {A: X}),
    "activate": (
        lambda work, id_: work.closing.activate(None, id_),
        {S: A, E: A, X: A, P: "NOT_APPROVED", R: "NOT_APPROVED"},
    ),
    "approve": (
        lambda work, id_: work.decisions.approve(id_, by=None, reconsider=True),
        {P: A, R: A, **dict.fromkeys((A, S, E, X), "ALREADY_APPROVED")},
    ),
    "reject": (
        lambda work, id_: work.decisions.reject(id_, by=None),
        {P: R, R: "ALREADY_DECIDED", **dict.fromkeys((A, S, E, X), "ALREADY_APPROVED")},
    ),
    "reopen": (lambda work, id_: work.decisions.reopen(id_, by=None), {R: P}),
    "delete": (lambda work, id_: work.deletion.delete(None, id_), dict.fromkeys((P, R, A, S, E, X), D)),
    "restore": (lambda work, id_: work.deletion.restore(None, id_), {D: A}),
    "anonymize": (lambda work, id_: work.erasure.anonymize(None, id_), dict.fromkeys((P, R, A, S, E, X, D), Z)),
}
"""What each way does to whom, or the code by which it is refused; whoever is not named here has no such way."""


async def _account(services: Services, status: Status, number: int) -> User:
    now = services.context.clock.now()
    values = {"username": f"u{number}", "email": f"u{number}@example.org", "hashed_password": "!", "status": status}
    return await services.users.create({**values, "created_at": now, "updated_at": now})


async def test_every_way_leads_where_the_table_says(running: Application, people: People) -> None:
    await people.admin()
    for (way, (go, leads)), status in product(WAYS.items(), Status):
        person, became = await people.in_status(status, signed_in=False), None
        try:
            async with unit_of_work(running.context) as services:
                await go(services, person.id)
        except VestibuleError as refused:
            became = refused.code
        now = (await people.row(person)).status
        expected = leads.get(status, "")
        if isinstance(expected, Status):
            assert (now, became) == (expected, None), (way, status)
        else:
            nobody = {"USER_NOT_FOUND", "INVALID_TRANSITION", "ADMIN_REQUIRED"}
            assert (now, became in ({expected} if expected else nobody)) == (status, True), (way, status, became)


async def test_a_deleted_account_becomes_what_it_was_and_nothing_else(running: Application, people: People) -> None:
    for was, to in product((P, R, A, S, E, X), Status):
        async with unit_of_work(running.context) as services:
            user = await _account(services, was, await _next(people))
            await services.lifecycle.change(user, D, Action.USER_DELETED, actor=None)
            try:
                await services.lifecycle.change(user, to, Action.USER_RESTORED, actor=None)
            except InvalidTransition:
                assert user.status is D
            assert (user.status is to) is (to in {was, Z}) or to is D
            assert (user.status_before_deletion is None) is (to is was)


async def _next(people: People) -> int:
    return len(await people.statuses())


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
            await services.users.update(user, {flag: True})


async def test_a_refused_change_leaves_nothing_behind(running: Application, people: People) -> None:
    person = await people.pending()
    with pytest.raises(InvalidTransition):  # noqa: PT012  # a unit of work is a block
        async with unit_of_work(running.context) as services:
            user = await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
            await services.users.update(user, {"institution": "half a change"})
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
        await services.deletion.delete(None, deleted.id)

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
