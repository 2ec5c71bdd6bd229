"""Photographs what the product is for, on an installation that `demo` has filled: the README's pictures."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser

from backend.services.demo.staff import PASSWORD
from tests.browser.contact_sheet import PICTURES
from tests.browser.guest import DESK, PHONE, Guest, open_browser
from tests.browser.house import House
from tests.machines import programs

_ROOT: Final = Path(__file__).parents[2]
_ADMIN: Final = ("admin", "admin123")
_SCHEMES: Final = ("light", "dark")
_LARGEST: Final = 200_000
_COLOURS: Final = (256, 160, 96)


@dataclass(frozen=True)
class Shot:
    """One picture: who looks at which page, how wide, and what else they do before."""

    name: str
    path: str
    who: tuple[str, str] = _ADMIN
    width: int = DESK
    before: Callable[[Guest], object] = lambda _: None


def shots(applicant: str) -> list[Shot]:
    """All of them, in the order of the README."""
    return [
        Shot("waiting", "/waiting", who=(applicant, PASSWORD)),
        Shot("approvals", "/approvals"),
        Shot("overview", "/overview"),
        Shot("people", "/users?sort=seen&status=active"),
        Shot("statistics", "/statistics"),
        Shot("organization", "/organizations/all", before=lambda guest: guest.follow("Birds of the Estuary")),
        Shot("approvals-phone", "/approvals", width=PHONE),
        Shot("overview-phone", "/overview", width=PHONE),
    ]


def main() -> int:
    """Write the pictures; 0 only if all are small enough."""
    program = programs.chromium()
    if program is None:
        sys.stderr.write("Chromium is missing: make pictures gets it.\n")
        return 1
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, open_browser(program) as browser:
        folder = Path(name)
        applicant = _fill(folder)
        house = House(folder, TRUSTED_PROXIES="127.0.0.1")
        try:
            sizes = [size for shot in shots(applicant) for size in _take(browser, house, shot)]
        finally:
            house.close()
    sys.stdout.write(f"{len(sizes)} pictures in {PICTURES}, the largest of {max(sizes) // 1000} kB\n")
    return 1 if max(sizes) > _LARGEST else 0


def _fill(folder: Path) -> str:
    """Fill an installation, and return who waits there."""
    command = [sys.executable, "-m", "backend", "demo", "--json"]
    environment = {"PATH": "", "PYTHONPATH": str(_ROOT), "VESTIBULE_DATA_DIR": str(folder / "data")}
    environment["VESTIBULE_ARGON2"] = "8,1,1"
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    return str(json.loads(done.stdout)["filled"]["applicant"])


def _take(browser: Browser, house: House, shot: Shot) -> list[int]:
    guest = Guest(browser, house)
    try:
        guest.dress(shot.width, "light")
        guest.go("/login")
        guest.fill(username_or_email=shot.who[0], password=shot.who[1])
        guest.press("Sign in")
        guest.go(shot.path)
        shot.before(guest)
        return [_photograph(guest, shot, scheme) for scheme in _SCHEMES]
    finally:
        guest.leave()


def _photograph(guest: Guest, shot: Shot, scheme: str) -> int:
    guest.dress(shot.width, scheme)
    picture = Image.open(BytesIO(guest.page.screenshot())).convert("RGB")
    file = PICTURES / f"{shot.name}-{scheme}.png"
    for colours in _COLOURS:
        small = picture.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
        small.save(file, optimize=True)
        if file.stat().st_size <= _LARGEST:
            break
    return file.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
