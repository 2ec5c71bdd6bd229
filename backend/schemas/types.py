"""The types of request fields. Every text that enters passes one of them."""

from collections.abc import Callable
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from backend.errors import VestibuleError
from backend.identifiers import email_as_typed, username_as_typed
from backend.texts import plain, storable

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

Username = Annotated[str, _by(username_as_typed)]
Email = Annotated[str, _by(email_as_typed)]

FullName = Annotated[
    Annotated[str, StringConstraints(max_length=100, strip_whitespace=True), AfterValidator(_one_line)] | None,
    AfterValidator(_empty_is_none),
]
Institution = Annotated[
    Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), AfterValidator(_one_line)] | None,
    AfterValidator(_empty_is_none),
]
Note = Annotated[
    Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True), AfterValidator(_lines)] | None,
    AfterValidator(_empty_is_none),
]
Reason = Annotated[
    Annotated[str, StringConstraints(max_length=1000, strip_whitespace=True), AfterValidator(_lines)] | None,
    AfterValidator(_empty_is_none),
]
DeviceText = Annotated[
    Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), AfterValidator(_one_line)] | None,
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
