"""A private Redis server: in memory, on a loopback port, gone with the one who started it."""

import shutil
import signal
import tempfile
from pathlib import Path

from tests.machines import programs
from tests.machines.processes import MachineError, Server, answers, free_port


class Redis:
    """A running server; `stop` and `start` let a test take it away and bring it back, empty, at the same address."""

    def __init__(self) -> None:
        found = programs.redis()
        if found is None:
            raise MachineError("Redis is missing: run the tests with `make test`, which gets it.")
        self._program = found
        self._folder = Path(tempfile.mkdtemp(prefix="vestibule-redis-"))
        self._port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int:
        """For tests that freeze the server with SIGSTOP."""
        return self._server.pid

    def start(self) -> None:
        options = ("--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._server = Server([self._program, *options], self._folder, signal.SIGTERM)
        self._server.wait_until(lambda: answers(self._port))

    def stop(self) -> None:
        self._server.stop()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
