"""Programs of ours that start at once: forked from a process that has imported everything, instead of from nothing.

Each is a process of its own with its own arguments, environment, folder and streams, and runs as the main program
like after `python -m`. Importing takes a second, a test a tenth of it. `tests/cli/test_operations.py` still starts
Python itself, and so does what is to run by another clock than the machine's (`Clock`).
"""

import contextlib
import ctypes
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final

from tests.machines import programs
from tests.machines.processes import MachineError

_ROOT: Final = Path(__file__).parents[2]
_SET_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of prctl(2)
_IMPORTED: Final = (
    *("backend.app", "backend.cli", "uvicorn.main", "uvicorn.loops.uvloop", "uvicorn.protocols.http.httptools_impl"),
    *("uvicorn.lifespan.on", "sqlalchemy.dialects.sqlite.aiosqlite", "sqlalchemy.dialects.postgresql.asyncpg"),
)
_MESSAGE: Final = 2**20
_STREAMS: Final = 3
_PATIENCE_SECONDS: Final = 120
_HOUSES: Final[list[tuple[socket.socket, "subprocess.Popen[bytes]"]]] = []


class Forked:
    """A program that runs; as much of `subprocess.Popen` as its users need."""

    def __init__(self, link: socket.socket, command: Sequence[str]) -> None:
        self._link, self._command = link, command
        self.pid = int(link.recv(32))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, minus the signal that ended it, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._link.settimeout(timeout)
            try:
                self.returncode = int(self._link.recv(32) or -signal.SIGKILL)
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired(list(self._command), timeout or 0.0) from None
            self._link.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and make it if it does not."""
        self.send_signal(signal.SIGTERM)
        try:
            self.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self.wait()


class Fresh(subprocess.Popen[bytes]):
    """A program that was started from nothing."""

    def stop(self) -> None:
        """Ask it to end, and make it if it does not."""
        self.terminate()
        try:
            self.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self.wait()


class Clock:
    """A clock for programs, so many seconds from the machine's (libfaketime); they have it by its `environment`."""

    def __init__(self, file: Path) -> None:
        library = programs.faketime()
        if library is None:
            raise MachineError("libfaketime is missing: run the tests with `make test`, which gets it.")
        self._file = file
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        self.set(0)

    def set(self, seconds: float) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+.0f}")
        new.replace(self._file)  # whole or not at all: who has this clock reads it all the time


def start(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    streams: Sequence[int | IO[Any]],
    alone: bool = False,
) -> Forked | Fresh:
    """Run `python -m arguments…` over standard input, output and error; `alone` in a session of its own."""
    if "LD_PRELOAD" in env:
        stdin, stdout, stderr = streams
        command = [sys.executable, "-m", *arguments]
        return Fresh(command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=alone)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    job = {"arguments": arguments, "cwd": str(cwd), "env": dict(env), "alone": alone}
    fds = [stream if isinstance(stream, int) else stream.fileno() for stream in streams]
    socket.send_fds(_house(), [json.dumps(job).encode()], [*fds, theirs.fileno()])
    theirs.close()
    return Forked(ours, arguments)


def end() -> None:
    """End the process that forks, and with it what it has forked."""
    while _HOUSES:
        link, process = _HOUSES.pop()
        link.close()
        process.wait(_PATIENCE_SECONDS)


def _house() -> socket.socket:
    """Start the process that forks, unless it runs; it ends with us."""
    if _HOUSES:
        return _HOUSES[0][0]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE)
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("VESTIBULE_")}
    command = [sys.executable, "-m", __name__, str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=_ROOT, env=kept, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()
    _HOUSES.append((ours, process))
    return ours


class _ForkHouse:
    """The process that forks."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._links: dict[int, socket.socket] = {}

    def serve(self) -> dict[str, Any] | None:
        """Fork for each job; return it in the child, and None in the parent when nobody is left to ask."""
        waker, woken = socket.socketpair()
        for end in (waker, woken):
            end.settimeout(0)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        selector = selectors.DefaultSelector()
        selector.register(self._link, selectors.EVENT_READ)
        selector.register(waker, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is waker:
                    waker.recv(4096)
                    self._bury()
                    continue
                message, fds, _, _ = socket.recv_fds(self._link, _MESSAGE, _STREAMS + 1)
                if not message:
                    return None
                pid = os.fork()
                if not pid:
                    signal.set_wakeup_fd(-1)
                    selector.close()
                    for end in (waker, woken, self._link, *self._links.values()):
                        end.close()
                    return {**json.loads(message), "fds": fds}
                for fd in fds[:_STREAMS]:
                    os.close(fd)
                self._links[pid] = socket.socket(fileno=fds[_STREAMS])
                self._links[pid].send(str(pid).encode())

    def _bury(self) -> None:
        while self._links:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            with contextlib.suppress(OSError), self._links.pop(pid) as link:
                link.send(str(os.waitstatus_to_exitcode(status)).encode())

    def end(self) -> None:
        for pid in self._links:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def _become(job: Mapping[str, Any]) -> None:
    """Be the program of a job, from here on."""
    for place, fd in enumerate(job["fds"][:_STREAMS]):
        os.dup2(fd, place)
    for fd in job["fds"]:
        os.close(fd)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if job["alone"]:
        os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    time.tzset()
    sys.path[0] = job["cwd"]
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())  # type: ignore[union-attr]
    module, *arguments = job["arguments"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _main(fd: int) -> None:
    sys.path.append(str(_ROOT))
    for name in _IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()
    house = _ForkHouse(socket.socket(fileno=fd))
    job = house.serve()
    if job:
        _become(job)
    else:
        house.end()


if __name__ == "__main__":
    _main(int(sys.argv[1]))
