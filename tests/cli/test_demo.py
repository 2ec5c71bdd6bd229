"""An installation to look at: who is in it, that it is whole and true in itself, and where it is refused."""

import asyncio
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlmodel import select

from backend.errors import StartError
from backend.models import AuditEvent, MailState, Status, Tally, TallyKind, User
from backend.services import reading, unit_of_work
from backend.services.audit import COUNTED
from backend.services.waits import wait_of
from backend.settings import Environment
from backend.stores.listings import Order, Wanted
from backend.stores.mails import WantedMails
from backend.stores.tallies import week
from tests.application import Application, start
from tests.cli.terminal import Finished, Terminal
from tests.factories import People

SCRIPTS = {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL", "THAI"} | {
    *("CJK", "HANGUL", "GEORGIAN", "ARMENIAN", "ETHIOPIC")
}


async def _run(terminal: Terminal, running: Application, *arguments: str) -> Finished:
    """Run a command on the data of an application that runs beside it."""
    places = {"DATABASE_URL": running.context.settings.database, "DATA_DIR": str(running.data_dir)}
    return await asyncio.to_thread(_patient(terminal).run, *arguments, REGISTRATION="closed", **places)


def _patient(terminal: Terminal) -> Terminal:
    return replace(terminal, patience=600)


async def _people(running: Application) -> list[User]:
    async with running.context.database.reading() as session:
        return list((await session.exec(select(User))).all())


async def _tallies(running: Application) -> Mapping[tuple[TallyKind, str], int]:
    async with running.context.database.reading() as session:
        rows = (await session.exec(select(Tally.kind, Tally.key, Tally.count))).all()
    return {(TallyKind(kind), key): count for kind, key, count in rows if count}


async def _counted_anew(running: Application) -> Mapping[tuple[TallyKind, str], int]:
    """What the rows themselves say: of accounts by the recount, of the rest by the audit."""
    async with unit_of_work(running.context) as services:
        await services.users.tallies.recount()
    async with running.context.database.reading() as session:
        events = (await session.exec(select(AuditEvent))).all()
    happened = (TallyKind.HAPPENED, TallyKind.WAITED, TallyKind.ACTIVE)
    counts = Counter({key: count for key, count in (await _tallies(running)).items() if key[0] not in happened})
    came = {event.target_id: event.at for event in events if event.action == "registered"}
    days, weeks, decided = set(), set(), set()
    for event in sorted(events, key=lambda event: event.at):
        if event.action in COUNTED:
            why = f"/{event.reason.lower()}" if event.action == "signin_failed" and event.reason else ""
            counts[TallyKind.HAPPENED, f"{event.at:%Y-%m-%d}/{event.action}{why}"] += 1
        if event.action == "signin_succeeded":
            days.add((event.target_id, str(event.at.date())))
            weeks.add((event.target_id, week(event.at.date())))
        if event.action in {"admin_user_approved", "admin_user_rejected"} and event.target_id not in decided:
            decided.add(event.target_id)
            waited = wait_of(event.at - came[event.target_id])
            counts[TallyKind.WAITED, f"{event.at:%Y-%m-%d}/{waited}"] += 1
    counts.update((TallyKind.ACTIVE, key) for _, key in days | weeks)
    return counts


def _script(letter: str) -> str:
    return unicodedata.name(letter).split()[0]


async def test_a_newcomer_finds_people_in_every_state_whose_history_is_whole(
    running: Application, terminal: Terminal
) -> None:
    running.context.stop()  # half a minute after its start, it would change accounts whose time has come
    first = await _run(terminal, running, "demo", "--people", "40", "--json")
    people, kept = await _people(running), await _tallies(running)
    again = await _run(terminal, running, "demo", "--json")
    check = await _run(terminal, running, "provision", "check")

    assert (first.code, again.code, check.code) == (0, 0, 0), first.err
    assert [one["password"] for one in first.json["accounts"]] == ["admin123", "user123"]
    assert first.json["filled"]["people"] == len(people) == 42
    assert {user.status for user in people} == set(Status)
    assert (again.json["filled"], len(await _people(running))) == (None, 42)
    assert again.json["why_not"].startswith("This installation already has demo data")
    assert await _counted_anew(running) == kept

    async with reading(running.context) as look:
        mails = await look.mails.states(WantedMails())
        assert {state for state, count in mails.items() if count} == {
            *(MailState.ACCEPTED, MailState.FAILED, MailState.SUPPRESSED)
        }
        named = [user for user in people if user.status is not Status.ANONYMIZED]
        for user in named:
            page, _ = await look.people.page(
                Wanted((user.full_name or "").split()[-1], status=user.status), Order(), size=100
            )
            assert user.id in {one.id for one in page.rows}
        scripts = {_script((user.full_name or "").split()[-1][0]) for user in named}
        assert len(SCRIPTS - scripts) <= len(people) - len(named)  # on some days the one of a script is erased
        waiting = await look.people.waiting(None, 100)
        assert (running.clock.now() - waiting.rows[0].created_at).days >= 10
        places = [place for user in waiting.rows for place in await look.organizations.mine(user.id)]
        assert [place.is_active for place in places] == [False]

    applicant = {"username_or_email": first.json["filled"]["applicant"], "password": first.json["filled"]["password"]}
    refused = await running.client.post("/api/auth/login", json=applicant)
    assert refused.json()["error_code"] == "ACCOUNT_PENDING"
    production = running.context.settings.model_copy(update={"env": Environment.PRODUCTION})
    with pytest.raises(StartError, match="contains demo accounts"):
        async with start(production):
            pass


async def test_an_installation_of_others_is_left_to_them_unless_somebody_insists(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "annika")

    refused = terminal.run("demo", "--fill", ENV="production")
    only = terminal.run("demo", "--only-accounts")
    polite = terminal.run("demo", "--json")
    both = terminal.run("demo", "--only-accounts", "--fill")
    filled = _patient(terminal).run("demo", "--fill", "--people", "40")
    listed = terminal.run("users", "list", "--json")

    assert (refused.code, only.code, polite.code, both.code, filled.code) == (1, 0, 0, 2, 0), filled.err
    assert "admin123" in only.out
    assert (polite.json["filled"], polite.json["accounts"][0]["created"]) == (None, False)
    assert "--fill" in polite.json["why_not"]
    assert "1 were skipped because their names are already taken." in filled.out
    assert "http://127.0.0.1:8000/login" in filled.out
    assert "/statistics" in filled.out
    assert "Filling: " in filled.err
    who = {user["username"]: user for user in listed.json["users"]}
    assert who["boss"]["role"] == "admin"
    assert who["annika"]["email"] == "annika@example.org"
    assert who["tomas"]["role"] == "approver"


async def test_where_a_name_is_taken_nothing_is_filled_nor_noted(
    running: Application, people: People, terminal: Terminal
) -> None:
    await people.admin()
    await people.pending(username="admin")
    refused = await _run(terminal, running, "demo", "--fill")

    assert refused.code == 1
    assert "Username already taken" in refused.err
    async with reading(running.context) as look:
        assert (await look.installation.get()).filled_at is None
