"""Lists of accounts: found by a part of a name, filtered, sorted and read a page at a time, at any number of them.

A search of three characters or more finds them anywhere in a name, username, address or institution; one or two find
the beginning of a word. Case, width and accents make no difference.

Each list is read in the way that looks at the fewest accounts: along the index of its order, where many of those met
are wanted; else by gathering all that are wanted and sorting them; newest first, by one walk for each status.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, func, true, tuple_, union_all, update
from sqlalchemy import column as plain_column
from sqlalchemy import select as choose
from sqlalchemy import table as plain_table
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import GONE, Listing, Role, Status, User
from backend.stores.listing_texts import pattern, texts
from backend.stores.pages import Page, Place
from backend.stores.search_index import TABLE

MOST_COUNTED: Final = 10_000
"""Accounts that a search counts; beyond, it says "more than"."""
STANDING: Final = ("role", "status")
"""What listings hold of an account beside its names, and has to be kept with every change of it."""

_INDEX: Final = plain_table(TABLE, plain_column("rowid"), plain_column(TABLE))


class SortBy(StrEnum):
    """What a list can be sorted by."""

    CREATED_AT = "created_at"
    USERNAME = "username"
    EMAIL = "email"
    FULL_NAME = "full_name"
    LAST_LOGIN = "last_login"
    """The last sign-in; of those who never signed in, the day they came."""


_KEYS: Final[dict[SortBy, Any]] = {
    SortBy.CREATED_AT: User.created_at,
    SortBy.USERNAME: Listing.username_key,
    SortBy.EMAIL: Listing.email_key,
    SortBy.FULL_NAME: Listing.name_key,
    SortBy.LAST_LOGIN: User.seen_at,
}


@dataclass(frozen=True)
class Order:
    """How a list is sorted."""

    by: SortBy = SortBy.CREATED_AT
    descending: bool = True

    @property
    def by_listing(self) -> bool:
        """Whether listings have an index for it; else accounts have."""
        return self.by not in {SortBy.CREATED_AT, SortBy.LAST_LOGIN}

    def of(self, *columns: Any) -> list[Any]:  # noqa: ANN401  # columns of any type
        """Return what to sort by."""
        return [one.desc() if self.descending else one.asc() for one in columns]


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
    def searched(self) -> str:
        """The part of a listing's text that is looked for; empty if none is."""
        return pattern(self.query)

    @property
    def counted(self) -> bool:
        """Whether the tallies know how many these are."""
        return not (self.searched or self.created_after or self.created_before)

    @property
    def narrowed(self) -> bool:
        """Whether some are left out for their role or status, beside the deleted ones."""
        return not (self.role is None and self.status is None and self.is_active is None)


@dataclass(frozen=True)
class Total:
    """How many accounts a list has; where it is not exact, there are more. `among`: how many there are at all."""

    count: int
    exact: bool = True
    among: int = 0


@dataclass(frozen=True)
class _Window:
    """Which rows of a list: behind a place, or from an offset on; one more than a page, to see whether more follow."""

    order: Order
    place: Place | None
    offset: int
    limit: int

    @property
    def reach(self) -> int:
        """How many rows are passed until the last one of the window."""
        return self.offset + self.limit + 1

    def cut(self, query: Select[Any], id_: Any, key: Any, *, whole: bool = True) -> Select[Any]:  # noqa: ANN401
        """Sort a query's rows and keep the window; all up to its end where it is not the `whole` list."""
        if self.place:
            here, there = tuple_(key, id_), (self.place.moment or self.place.text, self.place.id)
            query = query.where(here < there if self.order.descending else here > there)
        query = query.order_by(*self.order.of(key, id_))
        return query.offset(self.offset).limit(self.limit + 1) if whole else query.limit(self.reach)


class ListingStore:
    """The `listings` table within one transaction, and the lists that stand on it."""

    def __init__(self, session: AsyncSession, *, indexed: bool) -> None:
        """Work within this session's transaction; `indexed` tells whether the search index is there."""
        self._session = session
        self._indexed = indexed

    async def keep(self, user: User) -> None:
        """Write down what lists look for, after an account was made or a name or the standing of it changed."""
        connection = await self._session.connection()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        values = texts(user.username, user.email, user.full_name, user.institution)
        values |= {"role": user.role, "status": user.status, "created_at": user.created_at}
        new = dialect.insert(_table()).values(user_id=user.id, **values)
        await connection.execute(new.on_conflict_do_update(index_elements=["user_id"], set_=values))

    async def keep_standing(self, ids: Collection[UUID], standing: dict[str, Any]) -> None:
        """Write down a new role or status of some accounts."""
        table, connection = _table(), await self._session.connection()
        await connection.execute(update(table).where(table.c.user_id.in_(ids)).values(standing))

    async def page(
        self, wanted: Wanted, order: Order, *, after: str | None = None, offset: int = 0, limit: int, total: Total
    ) -> Page[User]:
        """List accounts: those after a cursor, or from an offset on; `total` says how to look for them best.

        Raises:
            InvalidCursor: the cursor is not one that a list in this order handed out.
        """
        window = _Window(order, Place.read(after, order.by, descending=order.descending), offset, limit)
        if not wanted.statuses:
            return Page([], None)
        if wanted.searched:
            return (await self._search(wanted, window))[0]
        if order.by is SortBy.CREATED_AT and wanted.narrowed:
            found = self._by_status(wanted, window)
        elif total.exact and total.count**2 <= window.reach * total.among:
            found = self._gathered(wanted, window)
        else:
            found = self._walked(wanted, window)
        return await self._page(found, window)

    async def search(
        self, wanted: Wanted, order: Order, *, after: str | None = None, offset: int = 0, limit: int
    ) -> tuple[Page[User], Total]:
        """List accounts that a search finds, and count them, 10,000 at most.

        Raises:
            InvalidCursor: the cursor is not one that a list in this order handed out.
        """
        window = _Window(order, Place.read(after, order.by, descending=order.descending), offset, limit)
        return await self._search(wanted, window) if wanted.statuses else (Page([], None), Total(0))

    async def count(self, wanted: Wanted) -> Total:
        """Count accounts, 10,000 at most."""
        if wanted.searched:
            await self._plan_each_time()
            query = self._matching(wanted, Listing.user_id)
        else:
            query = choose(User.id).where(*_among(User, wanted))
        some = query.limit(MOST_COUNTED + 1).subquery()
        return _total((await self._session.exec(select(func.count()).select_from(some))).one())

    async def _search(self, wanted: Wanted, window: _Window) -> tuple[Page[User], Total]:
        """Look at all that match: few enough are sorted as well; of more, a page is soon met in order."""
        await self._plan_each_time()
        order = window.order
        key = Listing.created_at if order.by is SortBy.CREATED_AT else _KEYS[order.by]
        matching = self._matching(wanted, Listing.user_id, key).limit(MOST_COUNTED + 1)
        id_, key = matching.selected_columns
        found = choose(id_.label("id"), key.label("key"))
        found = matching.with_only_columns(id_.label("id"), key.label("key"))
        all_ = found.cte("found").prefix_with("MATERIALIZED")
        number = choose(func.count().label("number")).select_from(all_).subquery()
        top = window.cut(choose(all_.c.id, all_.c.key), all_.c.id, all_.c.key).subquery()
        query = select(User, top.c.key, number.c.number)
        query = query.select_from(number.outerjoin(top, true()).outerjoin(User, col(User.id) == top.c.id))
        rows = (await self._session.exec(query.order_by(*order.of(top.c.key, top.c.id)))).all()
        total = _total(rows[0][2])
        if not total.exact:
            return await self._page(self._walked(wanted, window), window), total
        return _shown([(user, value) for user, value, _ in rows if user], window), total
