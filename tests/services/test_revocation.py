"""Everybody is signed out: in every batch, at every door, and whatever a backup brings back."""

import pytest
from sqlalchemy import update
from sqlmodel import col

from backend.models import SessionEnd, UserSession
from backend.services import COMMAND_LINE
from backend.services.revocation import sign_everybody_out
from tests.application import Application
from tests.contracts.answers import code
from tests.factories import People, Person

WHO = "/api/auth/whoami"


@pytest.fixture
async def everybody(people: People) -> list[Person]:
    """The first and the last of more people than one transaction is for."""
    first = await people.admin()
    await people.crowd(1000)
    return [first, await people.active()]


async def test_everybody_has_to_sign_in_again(running: Application, people: People, everybody: list[Person]) -> None:
    seen: list[int] = []
    ended = await sign_everybody_out(running.context, COMMAND_LINE, progress=seen.append)
    refused = [code(await person.get(WHO)) for person in everybody]
    for person in everybody:
        await people.signed_in(person)

    assert (ended, sum(seen)) == (2, 1002)
    assert refused == [(401, "SESSION_REVOKED")] * 2
    assert [(await person.get(WHO)).status_code for person in everybody] == [200, 200]
    assert len(await people.audit("everybody_signed_out")) == 1


async def test_a_session_that_a_backup_brings_back_opens_nothing(running: Application, everybody: list[Person]) -> None:
    await sign_everybody_out(running.context, COMMAND_LINE)
    async with running.context.database.writing() as session:
        ended = update(UserSession).where(col(UserSession.ended_because) == SessionEnd.ADMIN)
        await session.exec(ended.values(ended_at=None, ended_because=None))

    assert [code(await person.get(WHO)) for person in everybody] == [(401, "SESSION_REVOKED")] * 2
