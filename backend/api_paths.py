"""Paths of the API, as limits name them: written in one way, and matched segment by segment."""

import re
from typing import Final

from backend.errors import InvalidLimit

LONGEST_PATH: Final = 200
ANY: Final = "{}"
"""A segment that stands for any one."""
_PLACE: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_WORD: Final = re.compile(r"[A-Za-z0-9._~-]+")


def path_as_kept(path: str) -> str:
    """Return the path as it is kept and shown: without a slash at its end.

    Raises:
        InvalidLimit: with the part of the rule that it breaks.
    """
    text = path.strip().rstrip("/")
    if len(text) > LONGEST_PATH:
        raise InvalidLimit(f"A path has at most {LONGEST_PATH} characters.", "path")
    if "?" in text or "#" in text:
        raise InvalidLimit("A path ends where a ? or a # begins: leave out what follows.", "path")
    root, *segments = text.split("/")[1:] or [""]
    if not text.startswith("/") or root != "api":
        raise InvalidLimit("A path begins with /api, as in /api/v1/users: nothing else is limited.", "path")
    if not all(_PLACE.fullmatch(one) or (_WORD.fullmatch(one) and one.strip(".")) for one in segments):
        raise InvalidLimit(
            "Between its slashes a path has letters, digits, and . _ ~ - or a name in braces, as in "
            "/api/v1/users/{user}, which stands for anything between two slashes.",
            "path",
        )
    return text


def shape(path: str) -> tuple[str, ...]:
    """Return the segments of a path as it is kept; what its places are called makes no difference."""
    return tuple(ANY if segment.startswith("{") else segment for segment in path.split("/")[1:])


def rank(shape_: tuple[str, ...]) -> tuple[int, tuple[bool, ...]]:
    """Tell how closely a path says what it is for: the more segments the closer, and a word closer than a place."""
    return len(shape_), tuple(segment != ANY for segment in shape_)


def covers(shape_: tuple[str, ...], asked: tuple[str, ...]) -> bool:
    """Tell whether the segments of a request are those of a path, or of one below it."""
    return len(shape_) <= len(asked) and all(mine in (ANY, theirs) for mine, theirs in zip(shape_, asked, strict=False))
