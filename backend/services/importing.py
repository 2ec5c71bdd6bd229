"""Imports accounts from a file: each row in a transaction of its own, with its own outcome; or only a forecast."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final
from uuid import UUID

from backend.context import Context
from backend.errors import AdminRequired, Busy, EmailTaken, NoteRequired, UsernameTaken, VestibuleError
from backend.models import IdentifierKind, Status
from backend.services.account_files import AccountFile, rows, survey
from backend.services.account_rows import AccountRow, RefusedRow
from backend.services.admission import Beginning
from backend.services.audit import Origin
from backend.services.passwords import PasswordRule
from backend.services.registration import Registration
from backend.services.work import unit_of_work
from backend.stores.identifiers import IdentifierStore

MOST_ROWS: Final = 10_000
"""Rows that one request may bring; the command line takes any number."""
_BATCH: Final = 200
_HOPELESS: Final = (AdminRequired, Busy)
"""Refusals that every further row would meet as well."""
_NO_PASSWORD: Final = "This person cannot sign in until the password is reset."  # noqa: S105  # a sentence


class Result(StrEnum):
    """What becomes of a row."""

    CREATED = "created"
    WOULD_CREATE = "would_create"
    REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """What became of one row, or would; `detail` says why it was refused, or what else there is to know."""

    line: int
    username: str | None
    outcome: Result
    id: UUID | None = None
    error_code: str | None = None
    detail: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class Import:
    """A validated file, and the outcomes of its rows: each row is imported when its outcome is read."""

    requested: int
    outcomes: AsyncIterator[Outcome]


Act = Callable[[AccountRow], Awaitable[UUID | None]]


async def forecast(context: Context, file: AccountFile, *, most: int | None = None) -> Import:
    """Tell what an import would do, and change nothing.

    Raises:
        InvalidFile, TooManyRows: the file as a whole is refused.
    """
    requested = await asyncio.to_thread(survey, file, most)
    return Import(requested, _outcomes(context, file, Result.WOULD_CREATE, _Forecast().claim))


async def begin(
    context: Context, origin: Origin, file: AccountFile, *, admin: UUID | None, most: int | None = None
) -> Import:
    """Begin an import by `admin` (None: the command line). Each account is made when its outcome is read.

    When the admin loses their rights, or the database or the disk fails, all further rows are refused for that.

    Raises:
        InvalidFile, TooManyRows: the file as a whole is refused, and nothing was changed.
    """
    requested = await asyncio.to_thread(survey, file, most)

    async def make(row: AccountRow) -> UUID:
        return await _make(context, origin, row, admin)

    return Import(requested, _outcomes(context, file, Result.CREATED, make))


class _Forecast:
    """The names that earlier rows of the file would have taken."""

    def __init__(self) -> None:
        self._emails: dict[str, int] = {}
        self._usernames: dict[str, int] = {}

    async def claim(self, row: AccountRow) -> None:
        """Take the names of a row.

        Raises:
            EmailTaken, UsernameTaken: an earlier row would have one of them.
        """
        if line := self._emails.get(row.email_key):
            raise EmailTaken(f"{EmailTaken.detail} by line {line} of this file")
        if line := self._usernames.get(row.username_key):
            raise UsernameTaken(f"{UsernameTaken.detail} by line {line} of this file")
        self._emails[row.email_key] = self._usernames[row.username_key] = row.line


@dataclass(frozen=True)
class _Taken:
    """Names of some rows, in normal form, that accounts have already."""

    emails: frozenset[str] = frozenset()
    usernames: frozenset[str] = frozenset()


async def _outcomes(context: Context, file: AccountFile, result: Result, act: Act) -> AsyncIterator[Outcome]:
    found = rows(file)
    stopped: VestibuleError | None = None
    while batch := await asyncio.to_thread(lambda: list(islice(found, _BATCH))):
        taken = _Taken()
        try:
            taken = taken if stopped else await _taken(context, batch)
        except Busy as error:
            stopped = error
        for row in batch:
            reason, id_ = stopped, None
            if reason is None:
                try:
                    id_ = await act(_checked(context, row, taken))
                except VestibuleError as error:
                    reason, stopped = error, error if isinstance(error, _HOPELESS) else None
            yield _refused(row, reason) if reason else _done(row, result, id_)


async def _taken(context: Context, batch: Sequence[AccountRow | RefusedRow]) -> _Taken:
    asked = [row for row in batch if isinstance(row, AccountRow)]
    async with context.database.reading() as session:
        store = IdentifierStore(session)
        return _Taken(
            await store.taken(IdentifierKind.EMAIL, [row.email_key for row in asked]),
            await store.taken(IdentifierKind.USERNAME, [row.username_key for row in asked]),
        )


def _checked(context: Context, row: AccountRow | RefusedRow, taken: _Taken) -> AccountRow:
    """Return a row that can become an account, as far as can be told without making it; else raise why not."""
    if isinstance(row, RefusedRow):
        raise row.reason
    if row.email_key in taken.emails:
        raise EmailTaken
    if row.username_key in taken.usernames:
        raise UsernameTaken
    applies = row.status is Status.PENDING and context.settings.require_approval_note
    if applies and not (row.approval_note and row.institution):
        raise NoteRequired
    if row.password:
        rule = PasswordRule.of(context.settings)
        rule.check(row.password, username=row.username, email=row.email, institution=row.institution)
    return row


async def _make(context: Context, origin: Origin, row: AccountRow, admin: UUID | None) -> UUID:
    hashed_password = row.hashed_password or context.hasher.nobodys_hash
    if row.password:
        hashed_password = await context.hasher.hashed(row.password)
    registration = Registration(
        username=row.username,
        email=row.email,
        password="",
        full_name=row.full_name,
        institution=row.institution,
        approval_note=row.approval_note,
    )
    beginning = Beginning(row.role, row.status, is_verified=row.is_verified)
    async with unit_of_work(context, origin) as services:
        user = await services.admission.take_over(registration, hashed_password, beginning, admin=admin)
        return user.id


def _done(row: AccountRow | RefusedRow, result: Result, id_: UUID | None) -> Outcome:
    closed = isinstance(row, AccountRow) and not (row.password or row.hashed_password)
    return Outcome(row.line, row.username, result, id_, detail=_NO_PASSWORD if closed else None)


def _refused(row: AccountRow | RefusedRow, reason: VestibuleError) -> Outcome:
    return Outcome(
        row.line, row.username, Result.REFUSED, error_code=reason.code, detail=reason.detail, field=reason.field
    )
