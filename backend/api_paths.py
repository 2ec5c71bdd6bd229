"""Paths of the API, as rate limits name them: their normal form, and which requests they match."""

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from enum import Enum
from typing import Final

from backend.errors import InvalidLimit

LONGEST_PATH: Final = 200
ANY: Final = "{}"
"""A segment that matches any other: what a path parameter such as `{user_id}` becomes."""
_PLACE: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_WORD: Final = re.compile(r"[A-Za-z0-9._~-]+")


class Idle(Enum):
    """Why a limit has no effect, with a place for its path."""

    UNKNOWN = "The API has no path like {path}"
    UNCOUNTED = "Requests to {path} are never counted"


def path_as_kept(path: str) -> str:
    """Return a path in its normal form, which is stored and shown: without a slash at its end.

    Raises:
        InvalidLimit: with the part of the rule that it breaks.
    """
    text = path.strip().rstrip("/")
    if len(text) > LONGEST_PATH:
        raise InvalidLimit(f"A path can have at most {LONGEST_PATH} characters.", "path")
    if "?" in text or "#" in text:
        raise InvalidLimit("A path cannot contain ? or #.", "path")
    root, *segments = text.split("/")[1:] or [""]
    if not text.startswith("/") or root != "api":
        raise InvalidLimit("A path must begin with /api, as in /api/v1/users.", "path")
    if not all(_PLACE.fullmatch(one) or (_WORD.fullmatch(one) and one.strip(".")) for one in segments):
        raise InvalidLimit(
            "Each part of a path must consist of letters, digits and . _ ~ - or be a name in braces, as in "
            "/api/v1/users/{user}, which matches anything between two slashes.",
            "path",
        )
    return text


def check_counted(path: str, routes: Mapping[str, bool]) -> None:
    """Check that requests to a path in its normal form, or below it, can count.

    `routes` are the paths of the API, each with whether requests to it are counted.

    Raises:
        InvalidLimit: they cannot; the message names the path that is spelt most like it, of those that count.
    """
    why = why_idle(path, routes)
    if why:
        counted = sorted(route for route, counts in routes.items() if counts)
        nearest = max(counted, key=lambda route: SequenceMatcher(None, path, route).ratio())
        reason = why.value.format(path=path)
        raise InvalidLimit(f"{reason}, so the limit would have no effect. The most similar path is {nearest}.", "path")


def why_idle(path: str, routes: Mapping[str, bool]) -> Idle | None:
    """Tell why a limit for a path has no effect; None if it has one."""
    if not is_answered(path, routes):
        return Idle.UNKNOWN
    if routes.get(path, True):
        counts = is_answered(path, [route for route, counts in routes.items() if counts])
    else:  # a word that stands where others have a name
        counts = any(counts and route.startswith(f"{path}/") for route, counts in routes.items())
    return None if counts else Idle.UNCOUNTED


def is_answered(path: str, routes: Iterable[str]) -> bool:
    """Tell whether a path is one of `routes` or a prefix of one; a path parameter matches any word, on both sides."""
    mine = shape(path)
    return any(
        len(mine) <= len(theirs)
        and all(ANY in (one, other) or one == other for one, other in zip(mine, theirs, strict=False))
        for theirs in map(shape, routes)
    )


def shape(path: str) -> tuple[str, ...]:
    """Split a path in its normal form into segments; path parameters become `ANY`."""
    return tuple(ANY if segment.startswith("{") else segment for segment in path.split("/")[1:])


def rank(shape_: tuple[str, ...]) -> tuple[int, tuple[bool, ...]]:
    """Return a sort key for how specific a path is: more segments first, then words before path parameters."""
    return len(shape_), tuple(segment != ANY for segment in shape_)


def covers(shape_: tuple[str, ...], asked: tuple[str, ...]) -> bool:
    """Tell whether the segments of a request match those of a path, or lie below it."""
    return len(shape_) <= len(asked) and all(mine in (ANY, theirs) for mine, theirs in zip(shape_, asked, strict=False))
