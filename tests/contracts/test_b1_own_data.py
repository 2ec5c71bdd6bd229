"""`/api/v1/users/me/export`: all that is kept about oneself in one zip, and nothing about anybody else."""

import asyncio
import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest

from backend.errors import Busy, DownloadsBusy, TooManyRequests
from backend.models import User
from backend.services import Origin, own_data
from backend.services.own_data import OwnData
from tests.application import PATIENCE, Application
from tests.contracts.answers import TIME, code, refusal
from tests.contracts.dialect_c import bearer, browser_of, sign_in
from tests.factories import People, Person

EXPORT: Final = "/api/v1/users/me/export"
ALWAYS: Final = {
    "README.txt",
    "account.json",
    "sessions.json",
    "history.json",
    "mails.json",
    "organizations.json",
    "invitations.json",
}


@pytest.fixture
async def person(people: People) -> Person:
    """Somebody who may sign in, and has."""
    return await people.active()


def home(running: Application, person: Person) -> Path:
    return running.data_dir / "users" / str(person.id)


def opened(answer: httpx.Response) -> zipfile.ZipFile:
    """The zip of an answer, whole and sound."""
    assert answer.status_code == 200, answer.text
    found = zipfile.ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    return found


async def told(person: Person, name: str) -> Any:
    """One of the JSON files that somebody is given."""
    return json.loads(opened(await person.get(EXPORT)).read(name))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


async def taken(running: Application, person: Person, hangs_up: Callable[[int], bool], *, full: bool = False) -> int:
    """Ask over a connection whose other end may hang up: `hangs_up` is told how many bytes have come so far.

    The buffers of the connection are `full` then, or take a little more.
    """
    come, opening, gone = 0, [{"type": "http.request", "body": b"", "more_body": False}], asyncio.Event()

    async def receive() -> Any:
        if opening:
            return opening.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal come
        come += len(message.get("body", b""))
        if hangs_up(come):
            gone.set()
            await (asyncio.Event().wait() if full else asyncio.sleep(0))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": EXPORT,
        "raw_path": EXPORT.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"authorization", f"Bearer {person.token}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await running.app(scope, receive, send)
    return come


async def test_everything_comes_as_one_zip_that_nobody_keeps(running: Application, person: Person) -> None:
    (home(running, person) / "graphs" / "waves.json").write_text("[1, 2]")
    answer = await person.get(EXPORT)
    found = opened(answer)

    assert answer.headers["content-type"] == "application/zip"
    assert (
        answer.headers["content-disposition"] == f'attachment; filename="own-data-{running.clock.now():%Y-%m-%d}.zip"'
    )
    assert answer.headers["cache-control"] == "no-store"
    names = set(found.namelist())
    assert {name for name in names if not name.startswith("files/")} == ALWAYS
    assert {"files/graphs/waves.json", "files/node_registry.json"} <= names
    assert found.read("files/graphs/waves.json") == b"[1, 2]"
    assert {info.external_attr >> 16 for info in found.infolist()} == {0o100600}
    assert all(name in found.read("README.txt").decode() for name in ALWAYS - {"README.txt"})


async def test_the_account_has_every_column_but_the_password(people: People, person: Person) -> None:
    account, row = await told(person, "account.json"), await people.row(person)
    assert account.keys() == User.model_fields.keys() - {"hashed_password"}
    assert (account["id"], account["email"], account["status"]) == (str(person.id), person.email, "active")
    assert TIME.fullmatch(account["created_at"])
    assert row.hashed_password not in json.dumps(account)


async def test_sessions_are_told_without_what_opens_them(running: Application, person: Person) -> None:
    token = await sign_in(running.client, person, {"User-Agent": "App/1", "X-Device-Name": "Telefon f%C3%BCr %C3%84"})
    browser = await browser_of(running, person)
    await running.client.post("/api/v1/auth/logout", headers=bearer(token["access_token"]))
    answer = await browser.get(EXPORT)
    sessions = json.loads(opened(answer).read("sessions.json"))

    (ended,) = [one for one in sessions if one["ended_at"]]
    assert len(sessions) == 3
    assert (ended["device_name"], ended["user_agent"], ended["ip_address"]) == ("Telefon für Ä", "App/1", "127.0.0.1")
    assert (ended["ended_because"], bool(TIME.fullmatch(ended["ended_at"]))) == ("user_logout", True)
    whole = b"".join(opened(answer).read(name) for name in ALWAYS)
    secrets = [token["refresh_token"], token["access_token"], *browser.cookies.values()]
    assert not any(secret.encode() in whole for secret in secrets)
    assert not re.search(rb"digest|hashed_password|[0-9a-f]{64}", whole)


async def test_the_history_tells_what_one_did_and_what_was_done(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    client = running.browser(**{"User-Agent": "Desk of an administrator"})
    change = {"username": "renamed"}
    await client.put(f"/api/auth/admin/users/{person.id}", json=change, headers=admin.bearer)
    mine, theirs = await told(person, "history.json"), await told(admin, "history.json")

    (done,) = [one for one in mine if one["action"] == "admin_user_update"]
    assert done["actor_id"] == str(admin.id)
    assert done["details"]["changes"][0]["new"] == "renamed"
    assert not {"ip_address", "user_agent", "request_id"} & done.keys()
    assert "Desk of an administrator" not in json.dumps(mine)
    (did,) = [one for one in theirs if one["action"] == "admin_user_update"]
    assert (did["target_id"], did["user_agent"]) == (str(person.id), "Desk of an administrator")
    assert not {"details", "reason"} & did.keys()
    assert "renamed" not in json.dumps(theirs)
    signed_in = next(one for one in mine if one["action"] == "signin_succeeded")
    assert (signed_in["ip_address"], bool(TIME.fullmatch(signed_in["at"]))) == ("127.0.0.1", True)


async def test_the_mails_one_was_sent_are_listed(running: Application, person: Person) -> None:
    await running.client.post("/api/auth/forgot-password", json={"email": person.email})
    waiting = await told(person, "mails.json")
    await running.mails()
    (mail,) = await told(person, "mails.json")
    assert [one["sent_at"] for one in waiting] == [None]
    assert (mail["purpose"], bool(TIME.fullmatch(mail["sent_at"]))) == ("reset_password", True)


async def test_a_history_of_many_pages_is_whole_and_in_order(people: People, person: Person) -> None:
    async with people.work() as work:
        for number in range(1001):
            await work.audit.record("profile_updated", target=person.id, actor=person.id, number=number)  # type: ignore[arg-type]
    history = await told(person, "history.json")
    numbers = [one["details"]["number"] for one in history if one["action"] == "profile_updated"]
    assert numbers == list(range(1001))
    assert len({one["id"] for one in history}) == len(history)


async def test_that_one_asked_is_on_record_before_anything_is_sent(people: People, person: Person) -> None:
    history = await told(person, "history.json")
    (event,) = await people.audit("own_data_exported", about=person)
    assert (event.actor_id, event.ip_address) == (person.id, "127.0.0.1")
    assert history[-1]["action"] == "own_data_exported"


async def test_a_cookie_is_enough_and_nothing_is_not(running: Application, person: Person) -> None:
    browser = await browser_of(running, person)
    assert (await browser.get(EXPORT)).status_code == 200
    assert refusal(await running.browser().get(EXPORT)) == (401, "NOT_AUTHENTICATED", "Not authenticated")


async def test_five_an_hour_for_each_account(people: People) -> None:
    person, other = await people.active(), await people.active()
    answers = [await person.get(EXPORT) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert code(answers[-1]) == (429, "RATE_LIMITED")
    assert (await other.get(EXPORT)).status_code == 200


async def test_whatever_files_are_called_the_zip_is_safe_to_open(running: Application, person: Person) -> None:
    place = home(running, person)
    wild = ["a\nb.txt", "C:\\evil.exe", ".. ", "...", "\u202egpj.exe", " blank ", "ünï.txt", "a;b|c", "-rf", "%2e%2e"]
    for name in wild:
        (place / name).write_text(name)
    for raw in (b"\xff\xfe.bin", b"\xff\xfd.bin"):
        with open(os.fsencode(place) + b"/" + raw, "wb") as file:  # noqa: ASYNC230, PTH123
            file.write(raw)
    found = opened(await person.get(EXPORT))
    names = [name.removeprefix("files/") for name in found.namelist() if name.startswith("files/")]

    assert len(set(names)) == len(names) == len(wild) + 2 + 5
    assert {"ünï.txt", " blank ", "-rf", "%2e%2e"} <= set(names)
    assert all(name.isprintable() and "\\" not in name and ":" not in name for name in names)
    assert not any(part.strip(". ") == "" for name in names for part in name.split("/"))
    assert {found.read(f"files/{name}") for name in names} >= {name.encode() for name in wild}


async def test_links_pipes_and_strangers_files_are_left_out_and_named(
    running: Application, person: Person, tmp_path: Path
) -> None:
    place, secret = home(running, person), tmp_path / "secret"
    secret.write_text("not theirs")
    (place / "link").symlink_to(secret)
    (place / "etc").symlink_to("/etc")
    os.mkfifo(place / "pipe")
    async with asyncio.timeout(PATIENCE):
        found = opened(await person.get(EXPORT))

    left_out = json.loads(found.read("left_out.json"))
    assert (left_out["count"], set(left_out["names"])) == (3, {"link", "etc", "pipe"})
    assert not any(b"not theirs" in found.read(name) for name in found.namelist())
    assert not any(name.startswith("files/etc") for name in found.namelist())


async def test_a_whole_directory_that_is_a_link_is_not_followed(
    running: Application, person: Person, tmp_path: Path
) -> None:
    place, elsewhere = home(running, person), tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    assert set(opened(await person.get(EXPORT)).namelist()) == ALWAYS


async def test_times_that_zips_do_not_know_do_no_harm(running: Application, person: Person) -> None:
    place = home(running, person)
    for name, moment in (("old", -(10**9)), ("new", 10**11)):
        (place / name).touch()
        os.utime(place / name, (moment, moment))
    years = {info.filename: info.date_time[0] for info in opened(await person.get(EXPORT)).infolist()}
    assert (years["files/old"], years["files/new"]) == (1980, 2107)


async def test_no_connection_to_the_database_is_held_while_somebody_takes_their_time(
    running: Application, person: Person
) -> None:
    (home(running, person) / "large").write_bytes(os.urandom(2**21))
    lent = set()

    def look(_: int) -> bool:
        lent.add(running.context.database.pool_status()[1])
        return False

    assert await taken(running, person, look) > 2**21
    assert lent == {0}


@pytest.mark.parametrize("full", [True, False], ids=["full-buffers", "room"])
async def test_who_hangs_up_leaves_nothing_open(running: Application, person: Person, *, full: bool) -> None:
    (home(running, person) / "large").write_bytes(os.urandom(2**23))
    await person.get(EXPORT)
    before = descriptors()
    come = await taken(running, person, lambda come: come > 2**20, full=full)
    async with asyncio.timeout(PATIENCE):
        while descriptors() > before:  # noqa: ASYNC110  # nobody announces it
            await asyncio.sleep(0)  # a thread may be at the last piece
    assert 2**20 < come < 2**22
    assert (await person.get(EXPORT)).status_code == 200


@pytest.mark.settings(inactivity_minutes=5)
async def test_a_session_that_is_over_gets_nothing(running: Application, person: Person) -> None:
    running.clock.move(minutes=6)
    assert code(await person.get(EXPORT)) == (401, "SESSION_INACTIVE")


async def test_one_download_at_a_time_and_eight_in_all(running: Application, person: Person) -> None:
    taken = await own_data.begin(running.context, person.id, Origin(), by=person.id)
    again = await person.get(EXPORT)
    taken.close()
    assert again.status_code == 429
    assert (await person.get(EXPORT)).status_code == 200

    running.context.downloads.update(uuid4() for _ in range(8))
    busy = await person.get(EXPORT)
    assert (busy.status_code, busy.json()["error_code"]) == (503, "DOWNLOADS_BUSY")


async def test_of_those_who_ask_at_once_nobody_is_one_too_many(running: Application, people: People) -> None:
    context, everybody = running.context, await people.crowd(9)

    async def ask(who: UUID) -> OwnData | Busy | TooManyRequests:
        try:
            return await own_data.begin(context, who, Origin(), by=who)
        except (Busy, TooManyRequests) as refused:
            return refused

    same = await asyncio.gather(*(ask(everybody[0]) for _ in range(3)))
    others = await asyncio.gather(*(ask(who) for who in everybody[1:]))
    for one in (*same, *others):
        if isinstance(one, OwnData):
            one.close()

    assert [type(one) for one in same] == [OwnData, TooManyRequests, TooManyRequests]
    assert [type(one) for one in others] == [OwnData] * 7 + [DownloadsBusy]
    assert not context.downloads


async def test_nobody_asks_for_the_head_of_it_alone(person: Person) -> None:
    assert (await person.client.head(EXPORT, headers=person.bearer)).status_code == 405
