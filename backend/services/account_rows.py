"""What a row of a file says about an account, by the same rules about values as everywhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from backend.errors import InvalidRow, VestibuleError
from backend.hashing import check_foreign
from backend.identifiers import email_as_typed, email_key, username_as_typed, username_key
from backend.models import Role, Status
from backend.services.records import Record, shown
from backend.texts import LONGEST_INSTITUTION, LONGEST_NAME, LONGEST_NOTE, plain, storable

Word = TypeVar("Word", bound=StrEnum)

EXPORTED: Final = (
    *("id", "username", "email", "full_name", "institution", "approval_note", "role", "status"),
    *("is_verified", "is_approved", "approved_at", "created_at", "last_login", "deleted_at"),
)
"""The columns of an export. An import ignores those that cannot be set."""
SECRET: Final = ("password", "hashed_password")
"""The columns that are imported and never exported."""
COLUMNS: Final = {**{name: name for name in (*EXPORTED, *SECRET)}, "name": "full_name"}
"""The columns that an import accepts, and the name each is read by."""
NEEDED: Final = ("username", "email")
_STATUSES: Final = (Status.ACTIVE, Status.PENDING, Status.SUSPENDED)
"""Statuses that an imported account can begin with."""
_BOOLEANS: Final[Mapping[object, bool]] = {None: False, "true": True, "false": False}


@dataclass(frozen=True)
class AccountRow:
    """An account that a row asks for; its names as they are kept, and as they are compared."""

    line: int
    username: str
    username_key: str
    email: str
    email_key: str
    full_name: str | None
    institution: str | None
    approval_note: str | None
    role: Role
    status: Status
    is_verified: bool
    password: str | None = field(repr=False)
    hashed_password: str | None = field(repr=False)


@dataclass(frozen=True)
class RefusedRow:
    """A row that is invalid in itself, whatever accounts there are."""

    line: int
    username: str | None
    reason: VestibuleError


def read(record: Record) -> AccountRow | RefusedRow:
    """Validate a row: each value is taken as it is, or the row is refused."""
    try:
        if record.problem:
            raise record.problem
        return _account(record.line, _named(record.values))
    except VestibuleError as reason:
        username = record.values.get("username")
        return RefusedRow(record.line, shown(username) if isinstance(username, str) else None, reason)


def _account(line: int, values: Mapping[str, object]) -> AccountRow:
    role = _word(values, "role", tuple(Role), Role.USER)
    status = _word(values, "status", _STATUSES, Status.ACTIVE)
    if status is Status.PENDING and role is not Role.USER:
        raise InvalidRow("A pending account can only have the role user.", "role")
    password, hashed_password = _text(values, "password"), _text(values, "hashed_password")
    if password and hashed_password:
        raise InvalidRow("The row has both a password and a password hash. Use only one.", "hashed_password")
    if hashed_password:
        check_foreign(hashed_password)
    username = username_as_typed((_text(values, "username") or "").strip())
    email = email_as_typed((_text(values, "email") or "").strip())
    return AccountRow(
        line=line,
        username=username,
        username_key=username_key(username),
        email=email,
        email_key=email_key(email),
        full_name=_words(values, "full_name", LONGEST_NAME),
        institution=_words(values, "institution", LONGEST_INSTITUTION),
        approval_note=_words(values, "approval_note", LONGEST_NOTE, lines=True),
        role=role,
        status=status,
        is_verified=_boolean(values, "is_verified"),
        password=password or None,
        hashed_password=hashed_password or None,
    )


def _named(values: Mapping[str, object]) -> Mapping[str, object]:
    named: dict[str, object] = {}
    for key, value in values.items():
        name = COLUMNS.get(key)
        if name is None:
            raise InvalidRow(f"Unknown column “{shown(key)}”.")
        if name in named:
            raise InvalidRow(f"The row names {name} twice.", name)
        named[name] = value
    return named


def _text(values: Mapping[str, object], name: str) -> str | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRow(f"The value of {name} must be text.", name)
    if not storable(value):
        raise InvalidRow(f"The value of {name} holds characters that cannot be stored.", name)
    return value


def _words(values: Mapping[str, object], name: str, most: int, *, lines: bool = False) -> str | None:
    text = (_text(values, name) or "").strip()
    if len(text) > most:
        raise InvalidRow(f"The value of {name} can have at most {most:,} characters.", name)
    if not plain(text, lines=lines):
        what = "must not hold control characters" if lines else "must be one line without control characters"
        raise InvalidRow(f"The value of {name} {what}.", name)
    return text or None


def _word(values: Mapping[str, object], name: str, allowed: tuple[Word, ...], default: Word) -> Word:
    text = (_text(values, name) or default).strip().lower()
    found = next((word for word in allowed if word == text), None)
    if found is None:
        raise InvalidRow(f"The value of {name} must be one of {', '.join(allowed)}.", name)
    return found


def _boolean(values: Mapping[str, object], name: str) -> bool:
    value = values.get(name)
    if isinstance(value, bool):
        return value
    found = _BOOLEANS.get(value.strip().lower() if isinstance(value, str) else value)
    if found is None:
        raise InvalidRow(f"The value of {name} must be true or false.", name)
    return found
