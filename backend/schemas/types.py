"""The types of request fields. Every text that enters passes one of them."""

import contextlib
from collections.abc import Callable
from typing import Annotated, Final
from urllib.parse import unquote
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from backend.errors import VestibuleError
from backend.identifiers import as_id, email_as_typed, username_as_typed
from backend.texts import LONGEST_INSTITUTION, LONGEST_NAME, LONGEST_NOTE, plain, storable

_LONGEST_SECRET: Final = 4096
"""More than any password or token has; whether a new password is too long is the password rule's to say."""


def _storable(text: str) -> str:
    if not storable(text):
        raise PydanticCustomError("text", "The text holds characters that cannot be stored.")
    return text


def _one_line(text: str) -> str:
    if not plain(text, lines=False):
        raise PydanticCustomError("text", "The text must be one line without control characters.")
    return text


def _lines(text: str) -> str:
    if not plain(text, lines=True):
        raise PydanticCustomError("text", "The text must not hold control characters.")
    return text


def _by(rule: Callable[[str], str]) -> AfterValidator:
    """Let a rule of the domain speak as a validation error."""

    def check(text: str) -> str:
        try:
            return rule(_storable(text))
        except VestibuleError as error:
            raise PydanticCustomError(error.code.lower(), "{reason}", {"reason": error.detail}) from None

    return AfterValidator(check)


def _empty_is_none(text: str | None) -> str | None:
    return text or None


Text = Annotated[str, StringConstraints(max_length=_LONGEST_SECRET), AfterValidator(_storable)]
"""Any text; the type of passwords, tokens and login names."""


def _id(value: object) -> UUID:
    """Read an id, which Pydantic would also take with braces or as `urn:uuid:`."""
    found = as_id(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("id", "An id is a UUID, hyphenated or as 32 hex digits.")
    return found


Id = Annotated[UUID, BeforeValidator(_id)]
"""The id of anything but an account, a session or a number."""

Username = Annotated[str, _by(username_as_typed)]
Email = Annotated[str, _by(email_as_typed)]

FullName = Annotated[
    Annotated[str, StringConstraints(max_length=LONGEST_NAME, strip_whitespace=True), AfterValidator(_one_line)] | None,
    AfterValidator(_empty_is_none),
]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True),
    AfterValidator(_one_line),
]
"""A full name that has to be there."""

Institution = Annotated[
    Annotated[str, StringConstraints(max_length=LONGEST_INSTITUTION, strip_whitespace=True), AfterValidator(_one_line)]
    | None,
    AfterValidator(_empty_is_none),
]
Note = Annotated[
    Annotated[str, StringConstraints(max_length=LONGEST_NOTE, strip_whitespace=True), AfterValidator(_lines)] | None,
    AfterValidator(_empty_is_none),
]
Reason = Annotated[
    Annotated[str, StringConstraints(max_length=1000, strip_whitespace=True), AfterValidator(_lines)] | None,
    AfterValidator(_empty_is_none),
]


def _from_header(text: object) -> object:
    """Read a header's bytes, which arrive as Latin-1, for the UTF-8 they are, percent-encoded or not."""
    if not isinstance(text, str):
        return text
    with contextlib.suppress(UnicodeError):  # it was Latin-1, or no header
        text = text.encode("latin-1").decode()
    try:
        return unquote(text, errors="strict")
    except UnicodeError:
        return text


DeviceText = Annotated[
    Annotated[
        str,
        BeforeValidator(_from_header),
        StringConstraints(max_length=200, strip_whitespace=True),
        AfterValidator(_one_line),
    ]
    | None,
    AfterValidator(_empty_is_none),
]
ImageUrl = Annotated[
    Annotated[
        str,
        StringConstraints(max_length=2000, pattern=r"^(https?|ftp)://[^\s/$.?#].[^\s]*$"),
        AfterValidator(_one_line),
    ]
    | None,
    AfterValidator(_empty_is_none),
]
"""The address of a picture; it is shown by browsers and never fetched by us."""
