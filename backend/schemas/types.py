"""The types of request fields, and what bodies and lists have in common. Every text that enters passes one of these."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import unquote
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from backend.errors import VestibuleError
from backend.identifiers import as_id, email_as_typed, username_as_typed
from backend.stores.tiers import MOST_ID
from backend.texts import LONGEST_INSTITUTION, LONGEST_NAME, LONGEST_NOTE, plain, storable

_LONGEST_SECRET: Final = 4096
"""More than any password or token has; whether a new password is too long is the password rule's to say."""
_ALIASES: Final = {"size": "items_per_page", "q": "query", "sort": "sort_by", "order": "sort_order"}
"""Other names of the parameters of lists."""


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
"""An id that is refused by 422 where it is malformed; those of accounts and sessions are not found instead."""

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
Unfilled = Annotated[
    Annotated[Text, StringConstraints(strip_whitespace=True)] | None,
    AfterValidator(_empty_is_none),
]
"""A text that a service checks, or none: a field that was left empty."""
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


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise PydanticCustomError("moment", "This date does not exist.") from None


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A moment; without a zone it is UTC."""

TierId = Annotated[StrictInt, Field(ge=-MOST_ID, le=MOST_ID)]
"""The id of a tier, whether there is one or not: a number that the database can hold."""
WantedTier = Annotated[int, Field(ge=1, le=MOST_ID)]
"""The id of a tier in an address, where every value is text."""

PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]
PageSize = Annotated[int, Field(ge=1, le=100)]


def one_name_each(values: Any) -> Any:  # noqa: ANN401  # anything may be sent
    """Take the other names of a list's parameters for their own, each once; what is empty was not sent."""
    if not isinstance(values, dict):
        return values
    for alias, name in _ALIASES.items():
        if alias in values:
            if name in values:
                raise PydanticCustomError("twice", "Give one of {one} and {other}.", {"one": alias, "other": name})
            values = {**values, name: values[alias]}
            del values[alias]
    return {name: value for name, value in values.items() if value != ""}


class Strict(BaseModel):
    """A body in which every field is known: a misspelt right takes no effect unseen."""

    model_config = ConfigDict(extra="forbid")
