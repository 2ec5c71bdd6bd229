"""What strangers stand in front of: this service by its own `serve`, on both databases, with people and with mail."""

import asyncio
import contextlib
import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from bench.acquaintances import PASSWORD, READER, name
from bench.servers import Program, Service, UnexpectedAnswerError
from tests.machines.postgres import Cluster
from tests.machines.processes import Server
from tests.machines.smtp import FROM

_PREPARATION_SECONDS: Final = 180


class _Served(Program):
    """This service as people start it."""

    def serving(self, port: int) -> list[str]:
        return self.run("-m", "backend", "serve", "--port", str(port))


@dataclass(frozen=True)
class House:
    """A database with people in it; `ids` are those of the active ones. Servers come and go."""

    database: str
    folder: Path
    settings: Mapping[str, str]
    ids: tuple[UUID, ...]

    @contextlib.contextmanager
    def served(self, **settings: str) -> Iterator[Service]:
        """Serve it with some settings, until the block ends."""
        number = len(list(self.folder.glob("serving-*")))
        service = Service(self.database, _program({**self.settings, **settings}), self.folder / f"serving-{number}")
        try:
            yield service
        finally:
            service.stop()

    @staticmethod
    def token(service: Service) -> str:
        """Sign the ordinary user in."""
        body = {"username_or_email": name(READER), "password": PASSWORD}
        return str(service.post_json("/api/auth/login", body)["access_token"])


@contextlib.contextmanager
def houses(many: int) -> Iterator[list[House]]:
    """Start the servers that are needed and fill both databases; all of it is gone at the end."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vestibule-timing-")))
        cluster = Cluster()
        stack.callback(cluster.stop)
        mail = _mail_server(folder / "mail", stack)
        urls = {
            "SQLite": f"sqlite+aiosqlite:///{folder / 'vestibule.db'}",
            "PostgreSQL": asyncio.run(cluster.address.create_database("vestibule")),
        }
        with ThreadPoolExecutor() as pool:
            yield list(pool.map(lambda name: _filled(folder / name, name, urls[name], mail, many), urls))


def _mail_server(folder: Path, stack: contextlib.ExitStack) -> str:
    folder.mkdir()
    server = Server(Program("", {}).run("-m", "bench.mail_server"), folder, signal.SIGTERM)
    stack.callback(server.stop)
    server.wait_until((folder / "url").exists)
    return (folder / "url").read_text(encoding="utf-8")


def _filled(place: Path, database: str, url: str, mail: str, many: int) -> House:
    place.mkdir()
    settings = {
        "VESTIBULE_DATABASE_URL": url,
        "VESTIBULE_DATA_DIR": str(place / "data"),
        "VESTIBULE_RATE_LIMITS": "off",
        "VESTIBULE_SMTP_URL": mail,
        "VESTIBULE_MAIL_FROM": FROM,
        "VESTIBULE_MAILS_PER_HOUR": "100000",
    }
    _run(settings, place, "-m", "backend", "migrate")
    told = _run(settings, place, "-m", "bench.acquaintances", str(many))
    return House(database, place, settings, tuple(UUID(id_) for id_ in json.loads(told.splitlines()[-1])))


def _program(settings: Mapping[str, str]) -> Program:
    return _Served("", settings)


def _run(settings: Mapping[str, str], folder: Path, *arguments: str) -> str:
    ended = subprocess.run(
        _program(settings).run(*arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_PREPARATION_SECONDS,
        check=False,
    )
    if ended.returncode:
        told = f"{ended.stdout}{ended.stderr}"
        raise UnexpectedAnswerError(f"{' '.join(arguments)} ended with {ended.returncode}:\n{told}")
    return ended.stdout
