"""Computes the search text and the sort keys of accounts: the same on every database, whatever its rules on letters."""

import re
import unicodedata
from typing import Any, Final

from backend.identifiers import caseless, email_key, username_key
from backend.models.listing import LONGEST_KEY

_PAIR: Final = 2
_FIELD: Final = "\n"
_WITHOUT_SPACES: Final = re.compile(
    "([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff])"
)
"""Han, Kana and Hangul: each character counts as a word, because none of them follows a space where it begins one."""


def texts(username: str, email: str, full_name: str | None, institution: str | None) -> dict[str, Any]:
    """Return the columns of an account's listing: search text and sort keys."""
    fields = (username, full_name or "", email, institution or "")
    return {
        "text": "".join(_FIELD + _spaced(field) for field in fields if field) + _FIELD,
        "username_key": username_key(username)[:LONGEST_KEY],
        "email_key": email_key(email)[:LONGEST_KEY],
        "name_key": " ".join(_plain(full_name or username).split())[:LONGEST_KEY],
    }


def pattern(query: str | None) -> str:
    """Return the part of a listing's text that a query looks for; the empty text if it looks for nothing.

    Every word in a text follows two spaces, so that its beginning, too, makes a trigram.
    """
    found = "  ".join(_plain(query or "").split())
    return " " * (_PAIR + 1 - len(found)) + found if 0 < len(found) <= _PAIR else found


def _spaced(text: str) -> str:
    return "".join(f"  {word}" for word in _plain(text).split())


def _plain(text: str) -> str:
    """Return a text without the differences of case, of width and of accents, and without what cannot be stored."""
    if text.isascii():
        return text.lower().replace("\0", "")  # the same result as below, ten times as fast
    bare = "".join(
        character
        for character in unicodedata.normalize("NFD", caseless(text))
        if unicodedata.category(character) not in {"Mn", "Cs"} and character != "\0"
    )
    return _WITHOUT_SPACES.sub(r" \1 ", unicodedata.normalize("NFC", bare))
