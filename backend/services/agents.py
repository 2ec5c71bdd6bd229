"""User agents as people name them: which program, on which system."""

import re
from functools import lru_cache
from typing import Final

_PROGRAMS: Final = (
    ("Edge", "Edg/|EdgA/|EdgiOS/"),
    ("Opera", "OPR/|Opera"),
    ("Samsung Internet", "SamsungBrowser/"),
    ("Firefox", "Firefox/|FxiOS/"),
    ("Chrome", "Chrome/|CriOS/|HeadlessChrome/"),
    ("Safari", "Safari/"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone|iPod"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("macOS", "Macintosh|Mac OS X"),
    ("ChromeOS", "CrOS"),  # codespell:ignore
    ("Linux", "Linux|X11"),
)
OURS: Final = frozenset(
    {
        "An unknown program",
        *(program for program, _ in _PROGRAMS),
        *(f"{program} on {system}" for program, _ in (*_PROGRAMS, ("A browser", "")) for system, _ in _SYSTEMS),
    }
)
"""The families that are named in our own words, without any text of the user agent."""
_OTHER: Final = re.compile(r"[A-Za-z][A-Za-z0-9 ._+-]{0,39}(?=/|$)")


@lru_cache(maxsize=4096)
def family(user_agent: str | None) -> str | None:
    """Name the family of a user agent, such as `Firefox on Linux` or `curl`, without versions; None if there is none.

    What is unknown is named by its own first word, if that is a plain one.
    """
    if not user_agent:
        return None
    if "Mozilla/" in user_agent:
        program = _first(_PROGRAMS, user_agent)
        system = _first(_SYSTEMS, user_agent)
        if program or system:
            return f"{program or 'A browser'} on {system}" if system else program
    named = _OTHER.match(user_agent)
    return named.group().strip() if named else "An unknown program"


def _first(patterns: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for name, pattern in patterns if re.search(pattern, text)), None)
