"""A username for somebody who gave none: the local part of their address, with a number where that is taken."""

import secrets
import unicodedata
from typing import Final

from backend.errors import InvalidUsername
from backend.identifiers import USERNAME_MAX, username_as_typed
from backend.stores.identifiers import IdentifierStore

_LONGEST: Final = 28
"""Characters, so that a number has room."""
_SHORTEST: Final = 2
_SEEN: Final = 7
"""Characters that decide whether another one may follow."""
_NOTHING_LEFT: Final = "user"


async def free_username(identifiers: IdentifierStore, email: str) -> str:
    """Make a username from an address that nobody has at this moment; claiming it decides.

    Numbers are drawn by lot and grow quickly, so that a name a thousand people have costs a few questions.
    """
    base, digits = base_of(email), 1
    name = base
    while not _allowed(name) or await identifiers.is_taken(name):
        name = f"{base[: USERNAME_MAX - digits]}{10 ** (digits - 1) + secrets.randbelow(9 * 10 ** (digits - 1))}"
        digits += 1
    return name


def base_of(email: str) -> str:
    """Return what a username made from an address begins with, whoever else has it."""
    local = unicodedata.normalize("NFKC", email.rpartition("@")[0])
    kept = ""
    for one in local:
        # Between digits, and behind what was kept just now: a mark needs a letter to stand on.
        if _allowed(f"0{kept[-_SEEN:]}{one}0"):
            kept += one
    kept = kept[:_LONGEST].strip("._-")
    return kept if len(kept) >= _SHORTEST and not kept.casefold().startswith("del_") else _NOTHING_LEFT


def _allowed(name: str) -> bool:
    try:
        username_as_typed(name)
    except InvalidUsername:
        return False
    return True
