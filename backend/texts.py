"""Which text can be stored: one rule about characters that is safe for both databases, logs and mails."""

import unicodedata
from typing import Final

LONGEST_NAME: Final = 100
LONGEST_INSTITUTION: Final = 200
LONGEST_NOTE: Final = 2000
"""Characters that people may write about themselves."""
LONGEST_ORGANIZATION: Final = 200
"""Characters that the name of an organization may have."""
_LINE_BREAKS: Final = frozenset("\n\r\t")
_BREAKING: Final = frozenset({"Cc", "Zl", "Zp"})
"""Unicode categories of control characters, line separators and paragraph separators."""
_DIRECTION_CONTROLS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They make text display in another order than it is stored."""


def storable(text: str) -> bool:
    """Tell whether a text holds neither NUL (PostgreSQL refuses it) nor a lone surrogate (UTF-8 cannot write it)."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def plain(text: str, *, lines: bool) -> bool:
    """Tell whether a text holds no control characters; `lines` allows line breaks and tabs (ASVS 1.3.3)."""
    return storable(text) and not any(
        (unicodedata.category(character) in _BREAKING and not (lines and character in _LINE_BREAKS))
        or character in _DIRECTION_CONTROLS
        for character in text
    )
