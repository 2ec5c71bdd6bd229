"""Lists of accounts: found by a part of a name, filtered, sorted and read a page at a time, at any number of them.

A search of three characters or more finds them anywhere in a name, username, address or institution; one or two find
the beginning of a word. Case, width and accents make no difference.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, func, tuple_
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.identifiers import caseless, email_key, username_key
from backend.models import GONE, Listing, Role, Status, User
from backend.models.listing import LONGEST_KEY
from backend.stores.pages import Page, Place
from backend.stores.search_index import TABLE

MOST_COUNTED: Final = 10_000
"""Accounts that a search counts; beyond, it says "more than"."""
_PAIR: Final = 2
_FIELD: Final = "\n"


class SortBy(StrEnum):
    """What a list can be sorted by."""

    CREATED_AT = "created_at"
    USERNAME = "username"
    EMAIL = "email"
    FULL_NAME = "full_name"
    LAST_LOGIN = "last_login"
    """The last sign-in; of those who never signed in, the day they came."""


_COLUMNS: Final[dict[SortBy, tuple[Any, Any]]] = {
    SortBy.CREATED_AT: (User.created_at, User.id),
    SortBy.USERNAME: (Listing.username_key, Listing.user_id),
    SortBy.EMAIL: (Listing.email_key, Listing.user_id),
    SortBy.FULL_NAME: (Listing.name_key, Listing.user_id),
    SortBy.LAST_LOGIN: (User.seen_at, User.id),
}


@dataclass(frozen=True)
class Order:
    """How a list is sorted."""

    by: SortBy = SortBy.CREATED_AT
    descending: bool = True


@dataclass(frozen=True)
class Wanted:
    """Which accounts a list shows; None makes no difference. Deleted ones are shown where `status` asks for them."""

    query: str | None = None
    role: Role | None = None
    status: Status | None = None
    is_active: bool | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def statuses(self) -> frozenset[Status]:
        """The states that are shown."""
        asked = frozenset(Status) - set(GONE) if self.status is None else {self.status}
        if self.is_active is None:
            return frozenset(asked)
        active = {Status.ACTIVE}
        return frozenset(asked & active if self.is_active else asked - active)

    @property
    def counted(self) -> bool:
        """Whether the tallies know how many these are."""
        return not (pattern(self.query) or self.created_after or self.created_before)


@dataclass(frozen=True)
class Total:
    """How many accounts a list has; where it is not exact, there are more."""

    count: int
    exact: bool = True


class ListingStore:
    """The `listings` table within one transaction, and the lists that stand on it."""

    def __init__(self, session: AsyncSession, *, indexed: bool) -> None:
        """Work within this session's transaction; `indexed` tells whether the search index is there."""
        self._session = session
        self._indexed = indexed

    async def keep(self, user: User) -> None:
        """Write down what lists look for, after an account was made or a name of it changed."""
        table: Table = Listing.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`
        connection = await self._session.connection()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        values = texts(user.username, user.email, user.full_name, user.institution)
        new = dialect.insert(table).values(user_id=user.id, **values)
        await connection.execute(new.on_conflict_do_update(index_elements=["user_id"], set_=values))

    async def page(
        self, wanted: Wanted, order: Order, *, after: str | None = None, offset: int = 0, limit: int, total: Total
    ) -> Page[User]:
        """List accounts: those after a cursor, or from an offset on; `total` says how to look for them best.

        Raises:
            InvalidCursor: the cursor is not one that a list in this order handed out.
        """
        key, id_ = _COLUMNS[order.by]
        query = select(User, key)
        searched = pattern(wanted.query)
        if order.by in {SortBy.USERNAME, SortBy.EMAIL, SortBy.FULL_NAME} or searched:
            query = query.join(Listing, col(Listing.user_id) == col(User.id))
        query = query.where(*self._conditions(wanted))
        if searched and total.exact:
            query = query.where(col(User.id).in_(self._found(searched)))
        elif searched:  # one in a hundred or more: walking in order meets a page of them soon
            query = query.where(_contains(self._session, searched))
        place = Place.read(after, order.by, descending=order.descending)
        if place:
            here = tuple_(key, id_)
            there = (place.moment or place.text, place.id)
            query = query.where(here < there if order.descending else here > there)
        direction = (key.desc(), id_.desc()) if order.descending else (key.asc(), id_.asc())
        rows = (await self._session.exec(query.order_by(*direction).offset(offset).limit(limit + 1))).all()
        shown = rows[:limit]
        if len(rows) <= limit:
            return Page([user for user, _ in shown], None)
        user, value = shown[-1]
        last = Place.of(order.by, value, user.id, descending=order.descending)
        return Page([user for user, _ in shown], last.cursor())

    async def count(self, wanted: Wanted) -> Total:
        """Count accounts, 10,000 at most."""
        query = select(User.id).where(*self._conditions(wanted))
        searched = pattern(wanted.query)
        if searched:
            found = self._found(searched, limit=None)
            query = query.where(col(User.id).in_(found))
        some = query.limit(MOST_COUNTED + 1).subquery()
        count = (await self._session.exec(select(func.count()).select_from(some))).one()
        return Total(min(count, MOST_COUNTED), exact=count <= MOST_COUNTED)

    def _conditions(self, wanted: Wanted) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        shown = wanted.statuses
        if len(shown) == 1:
            found.append(col(User.status) == next(iter(shown)))
        else:
            found.append(col(User.status).not_in(frozenset(Status) - shown))
        if wanted.role:
            found.append(col(User.role) == wanted.role)
        if wanted.created_after:
            found.append(col(User.created_at) >= wanted.created_after)
        if wanted.created_before:
            found.append(col(User.created_at) < wanted.created_before)
        return found

    def _found(self, searched: str, *, limit: int | None = MOST_COUNTED + 1) -> Select[Any]:
        """Return the ids of the accounts a search finds, by the index where there is one."""
        query = select(Listing.user_id)
        if not self._indexed:
            query = query.where(_contains(self._session, searched))
        elif _is_sqlite(self._session):
            matching = sql(f"listings.number IN (SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH :searched)")  # noqa: S608
            query = query.where(matching.bindparams(searched='"' + searched.replace('"', '""') + '"'))
        else:
            query = query.where(col(Listing.text).contains(searched, autoescape=True))
        found = query.limit(limit).cte("found").prefix_with("MATERIALIZED") if limit else query.cte("found")
        return select(found.c.user_id)


def texts(username: str, email: str, full_name: str | None, institution: str | None) -> dict[str, str]:
    """Return what a listing holds for an account of these names."""
    fields = (username, full_name or "", email, institution or "")
    return {
        "text": "".join(_FIELD + _spaced(field) for field in fields if field) + _FIELD,
        "username_key": username_key(username)[:LONGEST_KEY],
        "email_key": email_key(email)[:LONGEST_KEY],
        "name_key": _plain(full_name or username)[:LONGEST_KEY],
    }


def pattern(query: str | None) -> str:
    """Return the part of a listing's text that a query looks for; the empty text if it looks for nothing.

    Every word in a text follows two spaces, so that its beginning, too, makes a group of three characters.
    """
    found = "  ".join(_plain(query or "").split())
    return " " * (_PAIR + 1 - len(found)) + found if 0 < len(found) <= _PAIR else found


def _spaced(text: str) -> str:
    return "".join(f"  {word}" for word in _plain(text).split())


def _plain(text: str) -> str:
    """Return a text without the differences of case, of width and of accents, and without what cannot be stored."""
    if text.isascii():
        return text.lower().replace("\0", "")  # what the rest comes to, at a tenth of its time
    bare = "".join(
        character
        for character in unicodedata.normalize("NFD", caseless(text))
        if unicodedata.category(character) not in {"Mn", "Cs"} and character != "\0"
    )
    return unicodedata.normalize("NFC", bare)


def _contains(session: AsyncSession, searched: str) -> ColumnElement[bool]:
    """Look into the text itself, whatever the characters mean to patterns."""
    position = func.instr if _is_sqlite(session) else func.strpos
    return position(col(Listing.text), searched) > 0


def _is_sqlite(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "sqlite"
