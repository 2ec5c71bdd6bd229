"""A house to visit: the real server process with data of its own, filled through its own doors."""

import itertools
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx

from tests.machines import forks
from tests.machines.processes import free_port

PASSWORD: Final = "three quiet doors"
_PATIENCE_SECONDS: Final = 120.0
_ROOT: Final = Path(__file__).parents[2]
_CHEAP: Final = {"ARGON2": "8,1,1", "RATE_LIMITS": "off", "MAX_SESSIONS_PER_USER": "500", "HASH_QUEUE_SECONDS": "120"}
_MAIL: Final = re.compile(r"^┌─ mail.*?\n(.*?)^└─", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    id: UUID
    username: str
    email: str
    password: str = PASSWORD


@dataclass(frozen=True)
class Mail:
    """A mail as the console of the server shows it."""

    to: str
    subject: str
    text: str

    @property
    def link(self) -> str:
        """The address to click on."""
        return str(re.findall(r"^http\S+$", self.text, re.MULTILINE)[0])


class House:
    """A running server. `settings` are those of Vestibule, without their prefix; `clock` is one that can be moved."""

    def __init__(self, folder: Path, clock: forks.Clock | None = None, /, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.api = httpx.Client(base_url=self.address, trust_env=False, timeout=_PATIENCE_SECONDS)
        self._console = folder / "log"
        self._database = folder / "data" / "vestibule.db"
        self._numbers = itertools.count(1)
        self._keys: dict[str, str] = {}
        values = {"DATA_DIR": str(folder / "data"), **_CHEAP, **settings}
        environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC", "PYTHONPATH": str(_ROOT)}
        environment |= {f"VESTIBULE_{name}": value for name, value in values.items()}
        environment |= clock.environment if clock else {}
        with self._console.open("wb") as log, Path(os.devnull).open("rb") as nothing:
            serve = ("backend", "serve", "--port", str(port))
            self._server = forks.start(*serve, cwd=folder, env=environment, streams=(nothing, log, log), alone=True)
        try:
            self.wait_until(lambda: self._is_ready() or self._server.poll() is not None)
            assert self._server.returncode is None, f"it did not start:\n{self.console()}"
        except BaseException:
            self.close()
            raise

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Wait, at most as long as a server may take to start; the house stands, whether it happens or not."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not happened():
            assert time.monotonic() < deadline, f"it did not happen:\n{self.console()[-4000:]}"
            time.sleep(0.02)

    def close(self) -> None:
        """End the server."""
        self.api.close()
        self._server.stop()

    def first(self, username: str = "reception", **more: str) -> Person:
        """The first person, who becomes the administrator."""
        person = self.applicant(username, **more)
        self._keys["admin"] = self.sign_in(person)
        return person

    def applicant(self, username: str | None = None, **more: str) -> Person:
        """Somebody who asks for an account, and waits."""
        name = username or f"visitor{next(self._numbers)}"
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **more}
        made = self._ask("POST", "/api/auth/register", json=body)
        return Person(UUID(made["id"]), body["username"], body["email"], body["password"])

    def member(self, username: str | None = None, **more: str) -> Person:
        """Somebody who was let in."""
        person = self.applicant(username, **more)
        self.decide(person, approved=True)
        return person

    def decide(self, person: Person, *, approved: bool, reason: str | None = None) -> None:
        """Let somebody in, or turn them away."""
        self.administer("POST", f"{person.id}/approve", {"approved": approved, "reason": reason})

    def change(self, person: Person, **changes: Any) -> None:  # any JSON
        """Change an account by its id, as the first person."""
        headers = {"Authorization": f"Bearer {self._keys['admin']}"}
        self._ask("PATCH", f"/api/v1/users/{person.id}", json=changes, headers=headers)

    def administer(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Do something to an account, as the first person."""
        headers = {"Authorization": f"Bearer {self._keys['admin']}"}
        self._ask(method, f"/api/auth/admin/users/{path}", json=body, headers=headers)

    def ask_as(self, person: Person, method: str, path: str, /, **body: Any) -> Any:  # any JSON
        """Do something by the API as somebody, and return what comes of it."""
        key = self._keys[person.username] = self._keys.get(person.username) or self.sign_in(person)
        found = self._ask(method, f"/api/v1{path}", json=body, headers={"Authorization": f"Bearer {key}"})
        return found.get("data", found)

    def found(self, owner: Person, name: str, **members: Person) -> str:
        """Let somebody make an organization; `members` come in by links, as what their keyword begins with."""
        there = f"/organizations/{self.ask_as(owner, 'POST', '/organizations', name=name)['id']}"
        for word, person in members.items():
            made = self.ask_as(owner, "POST", f"{there}/invitations", role=word.partition("_")[0])
            token = made["link"].partition("#token=")[2]
            self.ask_as(person, "POST", "/organizations/invitations/accept", token=token)
        return there

    def mail_to(self, person: Person, subject: str) -> Mail:
        """The newest mail to somebody whose subject begins so, as soon as the courier has carried it."""
        self.wait_until(lambda: any(mail.subject.startswith(subject) for mail in self._mails(person)))
        return next(mail for mail in reversed(self._mails(person)) if mail.subject.startswith(subject))

    def let_mail(self, person: Person, **became: Any) -> None:  # any column
        """Let the newest mail to somebody have become something else; moments are given as distances from now."""
        now = datetime.now(UTC)
        moments = {name: now + value for name, value in became.items() if isinstance(value, timedelta)}
        written = {name: f"{moment:%Y-%m-%d %H:%M:%S.%f}" for name, moment in moments.items()}
        columns = ", ".join(f"{name} = ?" for name in became)
        newest = "(SELECT max(id) FROM outbox WHERE user_id = ?)"
        statement = f"UPDATE outbox SET {columns} WHERE id = {newest}"  # noqa: S608
        self._change(statement, *(written.get(name, value) for name, value in became.items()), person.id.hex)

    def make_approver(self, person: Person) -> None:
        """Give somebody the role for which no door exists yet."""
        self._change("UPDATE users SET role = 'approver' WHERE id = ?", person.id.hex)

    def age(self, person: Person, by: timedelta) -> None:
        """Let somebody have come earlier than they did."""
        earlier = datetime.now(UTC) - by
        moment = earlier.strftime("%Y-%m-%d %H:%M:%S.%f")
        self._change("UPDATE users SET created_at = ? WHERE id = ?", moment, person.id.hex)
        self._change(
            "UPDATE audit_events SET at = ? WHERE target_id = ? AND action = 'registered'", moment, person.id.hex
        )

    def at_work(self, person: Person, *, since: timedelta, unused: timedelta, **headers: str) -> None:
        """Let somebody be signed in on another device, where they stay signed in; `headers` say which."""
        body = {"username": person.username, "password": person.password, "remember_me": True}
        self._ask("POST", "/api/v1/auth/login", json=body, headers=headers)
        begun, last = (datetime.now(UTC) - ago for ago in (since, unused))
        newest = "(SELECT max(id) FROM sessions)"
        self._change(
            f"UPDATE sessions SET created_at = ?, last_activity = ?, expires_at = ? WHERE id = {newest}",  # noqa: S608
            *(moment.strftime("%Y-%m-%d %H:%M:%S.%f") for moment in (begun, last, begun + timedelta(days=30))),
        )

    def console(self) -> str:
        """What the server has printed so far: its log, and mails that do not leave."""
        return self._console.read_text(encoding="utf-8", errors="replace")

    def past(self, counts: Iterable[tuple[str, str, int]]) -> None:
        """Let things have happened on days before this one: kind, key and count, as they are kept."""
        keep = "INSERT INTO tallies (kind, key, count) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO NOTHING"
        with closing(sqlite3.connect(self._database, timeout=_PATIENCE_SECONDS)) as connection, connection:
            connection.executemany(keep, counts)

    def _change(self, statement: str, *values: Any) -> None:  # whatever the database can hold
        with closing(sqlite3.connect(self._database, timeout=_PATIENCE_SECONDS)) as connection, connection:
            connection.execute(statement, values)

    def sign_in(self, person: Person) -> str:
        """Sign somebody in by the API; returns their token."""
        body = {"username_or_email": person.username, "password": person.password}
        return str(self._ask("POST", "/api/auth/login", json=body)["access_token"])

    def _ask(self, method: str, path: str, **options: Any) -> Any:  # any JSON
        answer = self.api.request(method, path, **options)
        assert answer.is_success, answer.text
        return answer.json()

    def _mails(self, person: Person) -> list[Mail]:
        mails = []
        for frame in _MAIL.findall(self.console()):
            lines = [line.removeprefix("│").removeprefix(" ") for line in frame.splitlines()]
            to, subject = (line.partition(": ")[2] for line in lines[:2])
            mails.append(Mail(to, subject, "\n".join(lines[3:])))
        return [mail for mail in mails if mail.to == person.email]

    def _is_ready(self) -> bool:
        try:
            return self.api.get("/health/ready").is_success
        except httpx.TransportError:
            return False
