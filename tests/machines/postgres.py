"""A private PostgreSQL server for one test run: a fresh cluster, a loopback port, nothing kept unless asked for."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from tests.machines import programs
from tests.machines.processes import MachineError, Server, free_port

_ADMIN: Final = "vestibule"
_MAINTENANCE: Final = "postgres"
_UNPRIVILEGED: Final = ("postgres", "nobody")
_LOCALES: Final = (("--locale=C", "--lc-ctype=C.UTF-8"), ("--no-locale",))
"""The first one that this machine has; `pg_trgm` knows letters beyond ASCII where LC_CTYPE does."""
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


@dataclass(frozen=True)
class Postgres:
    """Where a running server is, and how to make and drop databases on it; may be sent to other processes."""

    port: int
    password: str

    def url(self, database: str = _MAINTENANCE, scheme: str = "postgresql+asyncpg") -> str:
        """The address of a database for SQLAlchemy, or for asyncpg itself with `scheme="postgresql"`."""
        return f"{scheme}://{_ADMIN}:{self.password}@127.0.0.1:{self.port}/{database}"

    async def create_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        await self._run(f"CREATE DATABASE {_quoted(name)}")
        return self.url(name)

    async def create_database_from_template(self, name: str, template: str) -> str:
        """Copy a database nobody is connected to and return the URL of the copy."""
        await self._run(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)}")
        return self.url(name)

    async def drop_database(self, name: str) -> None:
        """Remove a database, together with the connections to it."""
        await self._run(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    async def rename_database(self, name: str, new: str) -> None:
        """Give a database that nobody is connected to another name."""
        await self._run(f"ALTER DATABASE {_quoted(name)} RENAME TO {_quoted(new)}")

    async def databases(self) -> list[str]:
        """Return the names of the databases that were made here."""
        connection = await asyncpg.connect(self.url(scheme="postgresql"))
        try:
            found = await connection.fetch("SELECT datname FROM pg_database WHERE NOT datistemplate")
        finally:
            await connection.close()
        return sorted(row["datname"] for row in found if row["datname"] != _MAINTENANCE)

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url(scheme="postgresql"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


class Cluster:
    """A running server and the folder it lives in; `stop` ends the one and removes the other, unless it is to be kept.

    `keep` is where databases outlive the server. They do not where the server's user cannot go there.
    """

    def __init__(self, keep: Path | None = None) -> None:
        found = programs.postgres()
        if found is None:
            raise MachineError("PostgreSQL is missing: run the tests with `make test`, which gets it.")
        user = _unprivileged_user()
        self._kept = keep is not None and (user is None or _open_to_others(keep.parent))
        self._folder = _kept_folder(keep, user) if keep and self._kept else _folder(user)
        try:
            data, known = self._folder / "data", self._folder / "password"
            made = (data / "PG_VERSION").exists() and known.exists()
            self.address = Postgres(free_port(), known.read_text() if made else secrets.token_urlsafe(16))
            binaries = _reachable_programs(found, self._folder, user)
            if not made:
                self._make(binaries, data, user)
            settings = {**_SETTINGS, "port": str(self.address.port)}
            options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
            end = signal.SIGINT if self._kept else signal.SIGQUIT  # with everything written, or at once
            self._server = Server([binaries / "postgres", "-D", data, *options], self._folder, end, user)
            self._server.wait_until(lambda: _is_ready(data, self._server.pid))
        except BaseException:
            self._leave()
            raise

    def stop(self) -> None:
        self._server.stop()
        self._leave()

    def _leave(self) -> None:
        if not self._kept:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, binaries: Path, data: Path, user: int | None) -> None:
        password = self._folder / "password"
        password.write_text(self.address.password)
        password.chmod(0o644)  # the folder around it is closed to others
        options = ("--encoding=UTF8", "--no-sync", "--no-instructions", "--auth=password")
        told = ""
        for locale in _LOCALES:
            made = subprocess.run(
                [binaries / "initdb", "-D", data, "-U", _ADMIN, f"--pwfile={password}", *locale, *options],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
                user=user,
                extra_groups=None if user is None else [],
                check=False,
            )
            if not made.returncode:
                return
            told += made.stdout + made.stderr
        raise MachineError(f"initdb could not make a PostgreSQL cluster:\n{told}")


def _unprivileged_user() -> int | None:
    # PostgreSQL refuses to run as root.
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise MachineError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as.")


def _folder(user: int | None) -> Path:
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes a private folder in it
        if user is None or _open_to_others(Path(parent)):
            folder = Path(tempfile.mkdtemp(prefix="vestibule-postgres-", dir=parent))
            if user is not None:
                os.chown(folder, user, -1)
            return folder
    raise MachineError("PostgreSQL needs a temporary folder that an unprivileged user can reach: set TMPDIR to one.")


def _kept_folder(folder: Path, user: int | None) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(folder, user, -1)
    return folder


def _reachable_programs(binaries: Path, folder: Path, user: int | None) -> Path:
    # A wheel's programs may lie in a checkout under /root, where an unprivileged user cannot go.
    if user is None or _open_to_others(binaries) or not binaries.is_relative_to(programs.WHEELS):
        return binaries
    copy = folder / "programs"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(programs.WHEELS, copy, symlinks=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
    return copy / binaries.relative_to(programs.WHEELS)


def _open_to_others(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.resolve().parents))


def _is_ready(data: Path, pid: int) -> bool:
    # The first line of the file is the server's process, the last one its state: the same place pg_ctl looks.
    try:
        lines = (data / "postmaster.pid").read_text().split()
    except FileNotFoundError:
        return False
    return lines[:1] == [str(pid)] and lines[-1:] == ["ready"]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
