"""When mail servers fail: who asks notices nothing, no mail is lost, and what was refused is not sent again.

Real server processes hand their mails to a real mail server that goes wrong in every way.
"""

import asyncio
import os
import shutil
import signal
import time
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
from sqlmodel import col, select

from backend.models import AuditEvent, Mail, MailPurpose, User
from backend.services.audit import Action
from backend.services.courier import LEASE
from backend.stores.database import Database
from tests.application import _now
from tests.factories import PASSWORD
from tests.faults.conftest import swept
from tests.faults.house import Built, House, at_once, opened
from tests.machines import programs
from tests.machines import smtp as mail_server
from tests.machines.certificates import HERE, Certificates
from tests.machines.postgres import Postgres
from tests.machines.processes import MachineError
from tests.machines.smtp import FROM, Fault, Sink

MESSAGES, FORGOT, REGISTER = "/api/v1/messages", "/api/auth/forgot-password", "/api/auth/register"
VERIFY, PROFILE = "/api/auth/request-verify-token", "/api/v1/users/me"
_PATIENCE: Final = 120.0
_BLINK: Final = 0.03
_MANY: Final = 100
LENGTHY: Final = (Fault.SILENT, Fault.SLOW)
_ON_SQLITE: Final = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
"""For what no database has a part in."""


@dataclass
class Scene:
    """An empty house but for its administrator, and the mail server all its doors know."""

    house: House
    database: Database
    sink: Sink
    logs: Path
    token: str = ""

    async def settle_in(self) -> "Scene":
        """Let the administrator come."""
        assert (await self.house.post(REGISTER, self.person("first"))).status_code == 201
        self.token = await self.house.token("first", PASSWORD)
        return self

    @staticmethod
    def person(name: str) -> dict[str, str]:
        return {"username": name, "email": f"{name}@example.org", "password": PASSWORD}

    async def asked(self, name: str) -> list[httpx.Response]:
        """Ask for a new password for the administrator, and sign up, at two doors at once; both are mails."""
        forgot = {"email": "first@example.org"}
        return await at_once(
            lambda: self.house.post(FORGOT, forgot), lambda: self.house.post(REGISTER, self.person(name))
        )

    async def ledger(self) -> list[Mail]:
        """All mails, the newest first."""
        async with self.database.reading() as session:
            return list((await session.exec(select(Mail).order_by(col(Mail.id).desc()))).all())

    async def until(self, *states: str, attempts: int = 0) -> list[Mail]:
        """Wait until all mails are in one of these states and were tried so often, and return them."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            mails = await self.ledger()
            if mails and all(mail.state in states and mail.attempts >= attempts for mail in mails):
                return mails
            assert time.monotonic() < deadline, await self.told()
            await asyncio.sleep(_BLINK)

    async def taken(self, number: int) -> None:
        """Wait until the mail server has taken so many mails."""
        await self.wait(lambda: len(self.sink.messages) >= number)

    async def wait(self, done: Callable[[], bool]) -> None:
        """Wait until something is so of the mail server."""
        deadline = time.monotonic() + _PATIENCE
        while not done():
            assert time.monotonic() < deadline, await self.told()
            await asyncio.sleep(_BLINK)

    async def told(self) -> Counter[tuple[str, int, str | None]]:
        """How many mails are in which state, after how many attempts, and why."""
        return Counter((mail.state, mail.attempts, mail.why) for mail in await self.ledger())

    async def again(self) -> None:
        """Let what waits for another attempt be tried at once."""
        for mail in await self.until("due", "accepted"):
            if mail.state == "due":
                answer = await self.house.post(f"{MESSAGES}/{mail.id}/again", token=self.token)
                assert answer.status_code == 201, answer.text

    async def headers(self) -> list[str]:
        """Let the administrator get a mail, and return the names of its headers."""
        user = await self.user()
        before = len(self.sink.messages)
        sent = await self.house.post(MESSAGES, {"user_id": str(user.id), "purpose": "reset_password"}, self.token)
        assert sent.status_code == 201, sent.text
        await self.taken(before + 1)
        return list(self.sink.messages[-1].message)

    async def user(self) -> User:
        """The administrator."""
        async with self.database.reading() as session:
            return (await session.exec(select(User))).one()

    async def audit(self, action: Action) -> list[AuditEvent]:
        async with self.database.reading() as session:
            return list((await session.exec(select(AuditEvent).where(AuditEvent.action == action))).all())

    def ids(self) -> Counter[UUID]:
        """How often the mail server has taken each mail, by its Message-ID."""
        headers = [taken.message["Message-ID"] for taken in self.sink.messages]
        return Counter(UUID(header.strip("<>").partition("@")[0]) for header in headers)


@contextmanager
def sending(
    sink: Sink, database_url: str, place: Path, *, doors: int, later: timedelta | None = None
) -> Iterator[Built]:
    """Servers that hand their mails to this one; `later` is how much their clock is ahead."""
    with opened(
        database_url,
        place,
        doors,
        _ahead(later) if later else {},
        SMTP_URL=sink.url,
        MAIL_FROM=FROM,
        TELL_APPROVERS="off",
        REFUSAL_SECONDS="0.05",
    ) as built:
        yield built


def _ahead(time: timedelta) -> dict[str, str]:
    library = programs.faketime()
    if library is None:
        raise MachineError("libfaketime is missing: run the tests with `make test`, which gets it.")
    return {"LD_PRELOAD": str(library), "FAKETIME": f"{time.total_seconds():+.0f}", "DONT_FAKE_MONOTONIC": "1"}


Houses = Callable[[str], tuple[Built, Sink]]


@pytest.fixture(scope="module")
def houses(
    request: pytest.FixtureRequest, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Houses]:
    """Two servers on a database of each kind, each with a mail server; started when they are first asked for."""
    with ExitStack() as stack:

        @cache
        def house(kind: str) -> tuple[Built, Sink]:
            place, sink = tmp_path_factory.mktemp("mails"), Sink(certificates)
            stack.callback(sink.stop)
            if kind == "sqlite":
                shutil.copy(request.getfixturevalue("migrated_sqlite"), place / "vestibule.db")
                url = f"sqlite+aiosqlite:///{place / 'vestibule.db'}"
            else:
                server: Postgres = request.getfixturevalue("postgres_server")
                name, template = f"mails_{uuid4().hex}", request.getfixturevalue("migrated_postgres")
                _now(server.create_database_from_template(name, template))
                stack.callback(lambda: _now(server.drop_database(name)))
                url = server.url(name)
            return stack.enter_context(sending(sink, url, place / "house", doors=2)), sink

        yield house


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
async def scene(kind: str, houses: Houses) -> AsyncIterator[Scene]:
    """A house with nobody's mail under way."""
    built, sink = houses(kind)
    async with swept(built) as database, built.visited() as house:
        sink.messages.clear()
        yield await Scene(house, database, sink, built.place).settle_in()
        sink.fault = Fault.NONE
        sink.hang_up()


def shape(answer: httpx.Response) -> tuple[int, Mapping[str, Any]]:
    """Status and body, but for what tells one answer from the next one to the same question."""
    own = {"id", "username", "email", "created_at", "updated_at"}
    return answer.status_code, {name: value for name, value in answer.json().items() if name not in own}


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        *(("sqlite", fault) for fault in (Fault.CLOSED, Fault.BUSY, Fault.RCPT_451, Fault.DATA_451, *LENGTHY)),
        *(("postgresql", fault) for fault in (Fault.CLOSED, *LENGTHY)),
    ],
    ids=str,
    indirect=["kind"],
)
async def test_while_the_mail_server_ails_all_answers_are_as_ever_and_the_mails_leave_later(
    scene: Scene, fault: Fault
) -> None:
    ever = await scene.asked("ben")
    await scene.until("accepted")
    scene.sink.hang_up()
    scene.sink.fault, before = fault, scene.sink.connections
    answers = await scene.asked("cora")
    await scene.until("due", "accepted", *(["sent"] if fault in LENGTHY else []), attempts=1)
    await scene.wait(lambda: fault is not Fault.SILENT or scene.sink.connections >= before + 2)
    mails, taken = await scene.ledger(), len(scene.sink.messages)
    scene.sink.fault = Fault.NONE
    if fault is Fault.SILENT:
        scene.sink.hang_up()  # as who never speaks will some time
    await scene.again()
    after = await scene.until("accepted")

    assert [shape(answer) for answer in answers] == [shape(answer) for answer in ever]
    if fault is not Fault.SLOW:  # who speaks slowly has taken them all in the end
        assert [mail.state == "accepted" for mail in mails] == [False, False, True, True]
        assert taken == 2
    assert [mail.id for mail in after] == [mail.id for mail in mails]
    assert scene.ids() == {mail.id: 1 for mail in mails}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault.RCPT_550, "The mail server said: 550 5.1.1 <…>: no such mailbox"),
        (Fault.DATA_550, "The mail server said: 550 5.7.1 This looks like junk"),
    ],
    ids=["recipient", "content"],
)
async def test_a_mail_that_is_refused_for_good_is_given_up_with_the_reason_and_a_record(
    scene: Scene, fault: Fault, why: str
) -> None:
    scene.sink.fault = fault
    answers = await scene.asked("ben")
    mails = await scene.until("failed")
    scene.sink.fault = Fault.NONE
    for name in ("first", "ben"):  # both couriers look for what is due
        await scene.house.post(VERIFY, {"email": f"{name}@example.org"})
    await scene.taken(2)

    assert [answer.status_code for answer in answers] == [202, 201]
    assert [(mail.why, mail.attempts) for mail in mails] == [(why, 1)] * 2
    given_up = Counter(record.details["mail_id"] for record in await scene.audit(Action.MAIL_GIVEN_UP))
    assert given_up == {str(mail.id): 1 for mail in mails}
    assert not set(scene.ids()) & {mail.id for mail in mails}


async def test_a_mail_whose_receipt_was_lost_is_sent_again_as_the_same_mail(scene: Scene) -> None:
    scene.sink.fault = Fault.LOST
    await scene.house.post(FORGOT, {"email": "first@example.org"})
    (mail,) = await scene.until("due", attempts=1)
    scene.sink.fault = Fault.NONE
    await scene.again()
    (after,) = await scene.until("accepted")

    assert (after.id, after.attempts) == (mail.id, 2)
    assert scene.ids() == {mail.id: 2}


async def test_of_a_hundred_mails_that_two_servers_send_each_is_taken_once(scene: Scene) -> None:
    user, purpose = await scene.user(), MailPurpose.USERNAME_CHANGED
    at = user.created_at
    async with scene.database.writing() as session:
        mails = [Mail(purpose=purpose, user_id=user.id, due_at=at, created_at=at) for _ in range(_MANY)]
        session.add_all(mails)
        ids = {mail.id for mail in mails}
    for name in ("ben", "cora"):  # who makes each courier look
        await scene.house.post(REGISTER, scene.person(name))
    await scene.taken(_MANY + 2)
    after = await scene.until("accepted")

    assert scene.ids() == {mail.id: 1 for mail in after}
    assert ids < set(scene.ids())
    assert {mail.attempts for mail in after} == {1}


async def test_mail_of_a_server_that_was_killed_while_sending_is_sent_by_the_next_one(
    database_url: str, tmp_path: Path, smtp: Sink
) -> None:
    database = Database(database_url)
    with sending(smtp, database_url, tmp_path / "house", doors=1) as built:
        async with built.visited() as house:
            scene = await Scene(house, database, smtp, built.place).settle_in()
            smtp.fault = Fault.RCPT_451
            await house.post(REGISTER, scene.person("ben"))
            (refused,) = await scene.until("due", attempts=1)
            smtp.fault = Fault.HELD
            await house.post(FORGOT, {"email": "first@example.org"})
            await scene.taken(1)
        os.kill(built.pids[0], signal.SIGKILL)
    held = await scene.ledger()
    smtp.fault = Fault.NONE
    with sending(smtp, database_url, tmp_path / "house", doors=1, later=LEASE + timedelta(seconds=10)):
        await scene.taken(3)
        after = await scene.until("accepted")
    await database.close()

    assert Counter(mail.state for mail in held) == {"sent": 1, "due": 1}
    assert [(mail.id, mail.attempts) for mail in after] == [(mail.id, 2) for mail in held]
    assert scene.ids() == {mail.id: 1 if mail.id == refused.id else 2 for mail in after}


@_ON_SQLITE
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault.STRIPPED, "The mail server offers no TLS (STARTTLS)."),
        (Fault.IMPOSTOR, "The mail server is not who it should be"),
        (None, "The mail server is not who it should be: unable to get local issuer certificate"),
    ],
    ids=["no TLS", "another host's certificate", "nobody's certificate"],
)
async def test_nothing_is_said_to_a_mail_server_that_cannot_be_trusted(
    scene: Scene, fault: Fault | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault is None:
        monkeypatch.setattr(scene.sink, "_own", Certificates.make(tmp_path).context_for(*HERE))
    scene.sink.in_clear, scene.sink.fault = b"", fault or Fault.NONE
    await scene.house.post(FORGOT, {"email": "first@example.org"})
    (mail,) = await scene.until("due", attempts=1)
    logs = "".join(log.read_text() for log in scene.logs.glob("log-*"))
    password = mail_server.PASSWORD

    assert (mail.why or "").startswith(why)
    assert scene.sink.messages == []
    assert {line.split()[0] for line in scene.sink.in_clear.splitlines()} <= {b"EHLO", b"STARTTLS", b"QUIT"}
    assert str(mail.id) in logs
    assert why in logs
    secrets = (password, quote(password, safe=""), b64encode(password.encode()).decode())
    assert not [one for one in secrets if one in logs]


@_ON_SQLITE
async def test_no_name_becomes_a_header(scene: Scene) -> None:
    await scene.house.post(VERIFY, {"email": "first@example.org"})
    await scene.taken(1)
    token = scene.sink.messages[0].text().partition("#token=")[2].split()[0]
    assert (await scene.house.post("/api/auth/verify", {"token": token})).status_code == 200  # now mails hold the name
    headers = [await scene.headers()]
    for name in ("Bcc: eve@example.org", "=?utf-8?q?=0D=0ABcc:_eve@example.org?=", "Ana\u200bBcc: eve@example.org"):
        changed = await scene.house.request("PATCH", PROFILE, scene.token, {"full_name": name})
        assert changed.status_code == 200, changed.text
        headers.append(await scene.headers())
        assert name in scene.sink.messages[-1].text()

    assert headers == headers[:1] * 4
    assert {taken.recipients for taken in scene.sink.messages} == {("first@example.org",)}


@_ON_SQLITE
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "\x85", "\u2028", "\u2029"], ids=ascii)
async def test_a_line_break_is_refused_at_the_door(scene: Scene, end: str) -> None:
    slipped = f"Ana{end}Bcc: eve@example.org"
    body = scene.person("ana")
    answers = [
        await scene.house.post("/api/v1/users/register", {**body, "full_name": slipped}),
        await scene.house.request("PATCH", PROFILE, scene.token, {"full_name": slipped}),
        await scene.house.post(REGISTER, {**body, "username": slipped}),
        await scene.house.post(REGISTER, {**body, "email": f"ana@example.org{end}Bcc: eve@example.org"}),
    ]
    forgot = await scene.house.post(FORGOT, {"email": f"first@example.org{end}Bcc: eve@example.org"})

    assert [answer.status_code for answer in answers] == [422] * 4
    assert forgot.status_code in {202, 422}  # it is nobody's address, if it can be one at all
    assert await scene.ledger() == []
