"""Starting a server that ends with us, whatever ends us."""

import contextlib
import ctypes
import itertools
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

_SET_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of prctl(2)
_PATIENCE: Final = 120.0  # seconds a server may take to start
_PORTS: Final = itertools.cycle(random.SystemRandom().sample(range(20_000, 32_000), 12_000))
"""In another order for every worker, though pytest-randomly gives all of them the same seed."""
_C: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


class MachineError(Exception):
    """A server the tests need did not start; the message says which and shows its log."""


class Server:
    """A server program on a loopback port: started, awaited, ended by its process id."""

    def __init__(
        self, command: Sequence[str | Path], folder: Path, end: signal.Signals, user: int | None = None
    ) -> None:
        self._log = folder / "log"
        self._name = Path(command[0]).name
        self._end = end
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
                start_new_session=True,  # Ctrl-C is for pytest, which then ends its servers in order
                user=user,
                extra_groups=None if user is None else [],
                preexec_fn=self._end_with_parent,  # noqa: PLW1509 - one system call, before any thread of ours starts
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise MachineError(f"{self._name} did not start:\n{self._log.read_text(errors='replace')}")
            time.sleep(0.01)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(self._end)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _end_with_parent(self) -> None:
        if _C is not None:
            _C.prctl(_SET_PARENT_DEATH_SIGNAL, self._end)


def free_port() -> int:
    """A port that nobody has, nor will get by chance before a server of ours does: clients leave from higher ones."""
    for port in itertools.islice(_PORTS, 12_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise MachineError("No port is free.")


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
