"""The machine the benchmark runs on: its cores, who may use which, its argon2 rate, and what to say about it."""

import contextlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from argon2.low_level import Type, hash_secret_raw

from tests.machines import programs

PACKAGES: Final = (
    "fastapi",
    "starlette",
    "fastapi-users",
    "fastapi-users-db-sqlalchemy",
    "sqlalchemy",
    "asyncpg",
    "uvicorn",
    "uvloop",
    "httptools",
    "argon2-cffi",
)


def cores() -> list[int]:
    """Return the cores this process may use."""
    if sys.platform != "linux":
        return list(range(os.cpu_count() or 1))
    return sorted(os.sched_getaffinity(0))


def pin(pid: int, to: Collection[int]) -> None:
    """Keep a process with all its threads on some cores, where the system can."""
    if sys.platform == "linux":
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):  # threads come and go
                os.sched_setaffinity(int(thread.name), to)


def seconds_of(pid: int) -> float | None:
    """Return the processor time that a process has used so far, where the system tells."""
    if sys.platform != "linux":
        return None
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])  # proc(5): utime and stime, counted from the third field
    return (user + system) / os.sysconf("SC_CLK_TCK")


def argon2_rate(cost: tuple[int, int, int], threads: int, seconds: float) -> float:
    """Return how many argon2id hashes a second this machine makes in some threads, with nothing around them."""
    memory, passes, lanes = cost
    deadline = time.perf_counter() + seconds

    def work() -> int:
        number = 0
        while time.perf_counter() < deadline:
            hash_secret_raw(b"correct horse battery", b"sixteen bytes of", passes, memory, lanes, 32, Type.ID)
            number += 1
        return number

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        number = sum(pool.map(lambda _: work(), range(threads)))
    return number / (time.perf_counter() - began)


def facts(peers: Path) -> dict[str, str]:
    """Return what a reader has to know about machine and versions; `peers` holds the peers' own packages."""
    return {
        "processor": f"{_processor()}, {len(cores())} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": _postgresql(),
        "load": f"{os.getloadavg()[0]:.1f}",
        **_versions(peers),
    }


def _versions(peers: Path) -> Mapping[str, str]:
    found = {
        distribution.metadata["Name"].lower().replace("_", "-"): distribution.version
        for distribution in importlib.metadata.distributions(path=[*sys.path, str(peers)])
    }
    return {name: found[name] for name in PACKAGES if name in found}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _postgresql() -> str:
    folder = programs.postgres()
    if folder is None:
        return "missing"
    told = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    return told.stdout.split()[2]
