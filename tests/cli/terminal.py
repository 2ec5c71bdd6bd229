"""A terminal for tests: runs `python -m backend …` against a data directory of its own."""

import json
import os
import pty
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from backend.context import Context
from backend.services import startup, unit_of_work
from backend.services.registration import Registration
from backend.settings import Settings
from tests.machines import forks

PASSWORD: Final = "long enough to pass"

_CHEAP: Final = (8, 1, 1)
_ROOT: Final = Path(__file__).parents[2]
_PATIENCE_SECONDS: Final = 120


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # any JSON
        """What a program would read."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Terminal:
    """Runs commands in `place`, where no `.env` is and all data go, each for `patience` seconds at most."""

    place: Path
    patience: float = _PATIENCE_SECONDS

    @property
    def data_dir(self) -> Path:
        """Where the commands keep their data."""
        return self.place / "data"

    def command(self, *arguments: str) -> list[str]:
        """The words that start a command, Python and all."""
        return [sys.executable, "-m", "backend", *arguments]

    def environment(self, **settings: str) -> dict[str, str]:
        """The environment of a command: this one's, without its settings, and `settings`."""
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("VESTIBULE_")}
        own = {"DATA_DIR": str(self.data_dir), "ARGON2": ",".join(map(str, _CHEAP)), **settings}
        return {**kept, "PYTHONPATH": str(_ROOT), **{f"VESTIBULE_{name}": value for name, value in own.items()}}

    def run(self, *arguments: str, stdin: str = "", **settings: str) -> Finished:
        """Run a command to its end."""
        with tempfile.TemporaryFile() as typed:
            typed.write(stdin.encode())
            typed.seek(0)
            return self._run(typed, arguments, settings)

    def ask(self, *arguments: str, answer: str, **settings: str) -> Finished:
        """Run a command before which somebody sits, who answers its question."""
        ours, theirs = pty.openpty()
        try:
            os.write(ours, f"{answer}\n".encode())
            return self._run(theirs, arguments, settings)
        finally:
            os.close(ours)
            os.close(theirs)

    def _run(self, stdin: int | IO[bytes], arguments: Sequence[str], settings: Mapping[str, str]) -> Finished:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            streams, environment = (stdin, out, err), self.environment(**settings)
            process = forks.start("backend", *arguments, cwd=self.place, env=environment, streams=streams)
            try:
                code = process.wait(self.patience)
            finally:
                process.kill()
            out.seek(0)
            err.seek(0)
            return Finished(code, out.read().decode(), err.read().decode())

    @asynccontextmanager
    async def context(self) -> AsyncIterator[Context]:
        """A context over the commands' data, for what no command does."""
        context = Context.build(Settings(data_dir=self.data_dir, argon2=_CHEAP))
        try:
            yield context
        finally:
            await context.close()

    async def sign_up(self, *names: str) -> None:
        """Let people register, the first of them as administrator; no command does that."""
        async with self.context() as context:
            await startup.prepare_database(context)
            for name in names:
                async with unit_of_work(context) as services:
                    await services.sign_up.register(Registration(name, f"{name}@example.org", PASSWORD))
