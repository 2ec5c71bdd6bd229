"""The servers under load: this service and its peers, one uvicorn worker each, and nothing that outlives the run."""

import http.client
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from bench import machine
from tests.machines.processes import Server, answers, free_port

ROOT: Final = Path(__file__).parent.parent
PEERS: Final = ROOT / "build" / "peers"
"""Where the Makefile installs bench/requirements.txt."""

# As backend/cli/serve.py runs it; loop and parser are named, so that nobody gets others.
_UVICORN: Final = (
    *("--host", "127.0.0.1", "--workers", "1", "--loop", "uvloop", "--http", "httptools", "--ws", "none"),
    *("--lifespan", "on", "--no-access-log", "--log-level", "warning", "--no-proxy-headers", "--no-server-header"),
)
_PROBE_SECONDS: Final = 30


class UnexpectedAnswerError(Exception):
    """A server did not answer a request of the preparations as it should; the message shows the answer."""


@dataclass(frozen=True)
class Program:
    """A program that can be started: a module's `app`, and the environment it is to see."""

    app: str
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> list[str]:
        """Return the command that runs Python with some arguments in this program's environment."""
        path = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(PEERS))), "PYTHONDONTWRITEBYTECODE": "1"}
        return [
            "/usr/bin/env",
            *(f"{k}={v}" for k, v in {**path, **self.environment}.items()),
            sys.executable,
            *arguments,
        ]

    def serving(self, port: int) -> list[str]:
        """Return the command that serves it on a port."""
        return self.run("-m", "uvicorn", self.app, "--port", str(port), *_UVICORN)


class Service:
    """A program that runs on a loopback port; talk to it for preparations by `ask`, end it by `stop`."""

    def __init__(self, name: str, program: Program, folder: Path) -> None:
        """Start it and wait until it answers."""
        self.name = name
        self.port = free_port()
        folder.mkdir()
        self._server = Server(program.serving(self.port), folder, signal.SIGTERM)
        self.pid = self._server.pid
        try:
            self._server.wait_until(lambda: answers(self.port))
        except BaseException:
            self._server.stop()
            raise

    def stop(self) -> None:
        self._server.stop()

    def keep_on(self, cores: list[int]) -> None:
        """Let it use these cores and no others."""
        machine.pin(self.pid, cores)

    def get(self, path: str, token: str | None = None, *, status: int = 200) -> bytes:
        """Return the body of the answer to a GET.

        Raises:
            UnexpectedAnswerError: it has another status.
        """
        return self._ask("GET", path, {"Authorization": f"Bearer {token}"} if token else {}, None, status)

    def post(self, path: str, token: str, *, status: int) -> None:
        """Post nothing, in the name of somebody.

        Raises:
            UnexpectedAnswerError: the answer has another status.
        """
        self._ask("POST", path, {"Authorization": f"Bearer {token}"}, None, status)

    def post_json(self, path: str, body: Mapping[str, str], *, status: int = 200) -> Any:  # noqa: ANN401  # any JSON
        """Return the answer to a POST of JSON.

        Raises:
            UnexpectedAnswerError: it has another status.
        """
        return json.loads(self._ask("POST", path, {"Content-Type": "application/json"}, json.dumps(body), status))

    def post_form(self, path: str, body: Mapping[str, str]) -> Any:  # noqa: ANN401  # any JSON
        """Return the answer to a POST of a form.

        Raises:
            UnexpectedAnswerError: its status is not 200.
        """
        return json.loads(
            self._ask("POST", path, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(body), 200)
        )

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: str | None, status: int) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PROBE_SECONDS)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status != status:
            raise UnexpectedAnswerError(
                f"{self.name}: {method} {path} answered {response.status}: {content[:300].decode(errors='replace')}"
            )
        return content
