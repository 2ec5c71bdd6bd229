"""Login names: which are allowed, and the normal form in which two of them are the same.

Both normal forms are computed here and never by a database: SQLite and PostgreSQL disagree about the lower case of
"Ä" and "İ", so `lower()` would give two installations two verdicts.
"""

import hashlib
import re
import unicodedata
from typing import Final
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from backend.errors import InvalidEmail, InvalidUsername, VestibuleError
from backend.mail_settings import ENCODED_WORD

USERNAME_MIN: Final = 2
USERNAME_MAX: Final = 32
RESERVED: Final = frozenset(
    {
        "active-and-inactive",
        "bulk",
        "db",
        "export",
        "import",
        "info",
        "me",
        "register",
        "reset-password",
        "sessions",
        "signin",
        "signout",
        "signout-sessions",
        "stats",
    }
)
"""Every first path segment under `/api/v1/users`, where a username stands too."""

_LONGEST: Final = 320
"""Characters; RFC 5321 allows an address fewer."""
_SEPARATORS: Final = frozenset("._-")
ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
_PLAIN_ADDRESS: Final = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")
_LOOKS_LIKE_AN_ID: Final = re.compile(r"[0-9a-f]{32}")
_MARKS: Final = frozenset({"Mn", "Mc"})
_MOST_MARKS: Final = 6
"""On one letter: as many as the scripts need that write vowels and tones so."""
_INVISIBLE: Final = frozenset(
    "\u115f\u1160\u3164\uffa0"  # Hangul fillers
    "\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f"  # the grapheme joiner, inherent vowels, variation selectors
    "\U00016fe4"  # the Khitan filler
).union(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Letters and marks by category that draw nothing: Unicode's Default_Ignorable_Code_Point, and one filler more."""
_DOT: Final = "\u0307"
_ABOVE: Final = 230
"""The combining class of marks above a letter: a dot on top of another one is to be seen."""
_DOTTED: Final = frozenset("ij\u0249\u0268\u029d\u03f3\u0456\u0458")
"""Letters that have a dot above, which a combining one replaces (Unicode's Soft_Dotted): nobody sees a difference."""


def username_as_typed(username: str) -> str:
    """Return the username as it is stored and shown: as typed, in Unicode normal form C.

    Raises:
        InvalidUsername: with the part of the rule that it breaks.
    """
    name = unicodedata.normalize("NFC", username)
    if not USERNAME_MIN <= len(name) <= USERNAME_MAX:
        raise InvalidUsername(f"A username must have {USERNAME_MIN} to {USERNAME_MAX} characters.")
    if not all(_is_allowed(character) for character in name):
        raise InvalidUsername("A username can only contain letters, digits, dots, underscores and hyphens.")
    if not _marks_belong(unicodedata.normalize("NFD", name)):
        raise InvalidUsername(
            f"Accents and vowel signs must follow a letter, at most {_MOST_MARKS} of them and none twice in a row, "
            "nor a second dot on an i."
        )
    if name[0] in _SEPARATORS or name[-1] in _SEPARATORS:
        raise InvalidUsername("A username must begin and end with a letter or a digit.")
    key = username_key(name)
    if key in RESERVED or key.startswith("del_") or _LOOKS_LIKE_AN_ID.fullmatch(key):
        raise InvalidUsername("This username is reserved. Please choose another one.")
    return name


def username_key(username: str) -> str:
    """Return the form in which usernames are compared: NFKC, case-folded (Unicode default caseless matching)."""
    return caseless(username) if len(username) <= _LONGEST else _nobodys(username)


def email_as_typed(email: str) -> str:
    """Return the address as it is stored and shown: as typed, in the validator's normal form.

    Raises:
        InvalidEmail: with the validator's reason.
    """
    if ENCODED_WORD in email:
        raise InvalidEmail("The part of the email address before the @ cannot contain =?.")
    try:
        normalized = validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidEmail(str(error)) from None
    if len(email_key(normalized)) > _LONGEST:  # NFKC turns some characters into eighteen
        raise InvalidEmail("The email address is too long.")
    return normalized


def email_key(email: str) -> str:
    """Return the form in which addresses are compared: the local part case-folded, the domain in IDNA's ASCII form.

    Text that is no address gets a key too, which no account has: looking it up costs a stranger's guess the same.
    """
    if len(email) > _LONGEST:
        return _nobodys(email)
    if _PLAIN_ADDRESS.fullmatch(email):
        return email.lower()  # the same result as below, whether it is an address or not, a hundred times as fast
    try:
        parts = validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return caseless(email)
    return f"{caseless(parts.local_part)}@{(parts.ascii_domain or parts.domain).lower()}"


def is_email(login: str) -> bool:
    """Tell which of the two a login name is: usernames cannot hold an @."""
    return "@" in login


def as_id(text: str) -> UUID | None:
    """Read an id as people and programs write it, hyphenated or as 32 hex digits; None if it is neither.

    `UUID` alone would also take braces and `urn:uuid:`.
    """
    return UUID(text) if ID.fullmatch(text) else None


def id_or(text: str, refusal: type[VestibuleError]) -> UUID:
    """Return the id that a text is.

    Raises:
        VestibuleError: the one that was asked for; the text is none.
    """
    id_ = as_id(text)
    if id_ is None:
        raise refusal
    return id_


def caseless(text: str) -> str:
    """Return a text without the differences of case and of width (Unicode compatibility caseless matching)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _nobodys(text: str) -> str:
    """Return the key of a text that is too long to be a name: a digest, which is cheap at any length."""
    return f"too long: {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _is_allowed(character: str) -> bool:
    """Tell whether a username may contain a character: a letter, digit or mark (RFC 8264 §9.1), or a separator."""
    category = unicodedata.category(character)
    word = category.startswith("L") or category == "Nd" or category in _MARKS
    return character in _SEPARATORS or (word and character not in _INVISIBLE)


def _marks_belong(name: str) -> bool:
    """Tell whether every mark of a decomposed name stands on a letter, with a few others, and shows there."""
    room, dotted, before = 0, False, ""
    for character in name:
        category = unicodedata.category(character)
        if category in _MARKS:
            if not room or character == before or (dotted and character == _DOT):
                return False
            room, dotted = room - 1, dotted and unicodedata.combining(character) != _ABOVE
        else:
            room, dotted = _MOST_MARKS if category.startswith("L") else 0, character in _DOTTED
        before = character
    return True
