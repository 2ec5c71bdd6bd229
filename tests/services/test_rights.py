"""Who may do what: the whole table, every act for every role, on oneself and on others."""

from itertools import product
from typing import Final
from uuid import UUID

import pytest

from backend.errors import AdminRequired, UserNotFound
from backend.models import Role, Status
from backend.services import unit_of_work
from backend.services.rights import WHO_MAY, Act, may
from tests.application import Application
from tests.factories import People

OWN, DECIDERS, ADMINS, ADMINS_AND_OWN = "self", "decide", "admin", "admin+self"
GRID: Final = {
    Act.DECIDE: DECIDERS,
    Act.SEE_PEOPLE: ADMINS,
    Act.SEE_PERSON: ADMINS_AND_OWN,
    Act.CREATE: ADMINS,
    Act.UPDATE: ADMINS_AND_OWN,
    Act.CHANGE_ROLE: ADMINS,
    Act.CLOSE: ADMINS,
    Act.DEACTIVATE: OWN,
    Act.DELETE: ADMINS_AND_OWN,
    Act.ANONYMIZE: ADMINS,
    Act.RESET_PASSWORD: ADMINS,
    Act.SEND_MAIL: ADMINS,
    Act.END_SESSIONS: ADMINS_AND_OWN,
    Act.TAKE_DATA: OWN,
    Act.BULK: ADMINS,
    Act.MANAGE_TIERS: ADMINS,
    Act.READ_AUDIT: ADMINS,
}
ALLOWED: Final = {
    OWN: {*product(Role, [True])},
    DECIDERS: {*product([Role.APPROVER, Role.ADMIN], [True, False])},
    ADMINS: {*product([Role.ADMIN], [True, False])},
    ADMINS_AND_OWN: {*product([Role.ADMIN], [True, False]), *product(Role, [True])},
}
"""Which roles, each on oneself (True) and on others."""


def test_every_act_stands_in_the_grid() -> None:
    assert GRID.keys() == set(Act) == WHO_MAY.keys()


@pytest.mark.parametrize("act", Act)
def test_a_role_may_do_what_the_grid_says_and_nothing_else(act: Act) -> None:
    allowed = {(role, oneself) for role, oneself in product(Role, [True, False]) if may(act, role, oneself=oneself)}
    assert allowed == ALLOWED[GRID[act]]


async def _allowed(running: Application, by: UUID | None, act: Act, target: UUID) -> bool:
    try:
        async with unit_of_work(running.context) as services:
            await services.lifecycle.account(target, by=by, act=act)
    except AdminRequired:
        return False
    return True


async def test_services_ask_the_grid_at_the_moment_of_the_act(running: Application, people: People) -> None:
    cast = {Role.ADMIN: await people.admin(), Role.APPROVER: await people.approver(), Role.USER: await people.active()}
    other = await people.active()
    for act, (role, person), oneself in product(Act, cast.items(), [True, False]):
        target = person.id if oneself else other.id
        assert await _allowed(running, person.id, act, target) is may(act, role, oneself=oneself), (act, role, oneself)


async def test_whoever_is_not_active_may_do_nothing(running: Application, people: People) -> None:
    other = await people.active()
    for status in set(Status) - {Status.ACTIVE}:
        person = await people.in_status(status)
        for act in Act:
            assert not await _allowed(running, person.id, act, other.id), (status, act)
            if status not in {Status.DELETED, Status.ANONYMIZED}:
                assert not await _allowed(running, person.id, act, person.id), (status, act)


async def test_the_command_line_may_do_everything_to_whom_there_is(running: Application, people: People) -> None:
    person, gone = await people.active(), await people.deleted()
    for act in Act:
        assert await _allowed(running, None, act, person.id)
    with pytest.raises(UserNotFound):
        await _allowed(running, None, Act.CLOSE, gone.id)
