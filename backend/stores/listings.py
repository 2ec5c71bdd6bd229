"""Lists of accounts: found by a part of a name, filtered, sorted and read a page at a time, at any number of them.

A search of three characters or more finds them anywhere in a name, username, address or institution; one or two find
the beginning of a word. Case, width and accents make no difference.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Table, func, update
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.identifiers import email_key, is_email, username_key
from backend.models import Listing, User
from backend.models.listing import LONGEST_KEY
from backend.stores import list_queries
from backend.stores.list_queries import Order, SortBy, Wanted, Window
from backend.stores.listing_texts import texts
from backend.stores.pages import ListPosition, Page

MOST_COUNTED: Final = 10_000
"""Accounts that a search counts; beyond, it says "more than"."""
_HANDFUL: Final = 1_000
_PART: Final = 200
"""At most `_HANDFUL` accounts, and one in `_PART`, are searched row by row: that is faster than the index."""
_GATHERING: Final = 10
"""How many times longer it takes to gather and sort a row than to pass it along an index."""
_LONG: Final = 10_000
"""Rows to walk along an index before gathering is tried instead."""

__all__ = ["MOST_COUNTED", "Crowd", "ListingStore", "Order", "SortBy", "Total", "Wanted"]


@dataclass(frozen=True)
class Crowd:
    """How many accounts there are, and how many of them (`alike`) have the role, status and tier of a list."""

    all: int
    alike: int
    by_tier: bool = False
    """Whether the tier is a narrower condition than role and status."""


_UNKNOWN: Final = Crowd(0, MOST_COUNTED)


@dataclass(frozen=True)
class Total:
    """How many accounts a list has; where it is not exact, there are more."""

    count: int
    exact: bool = True
    crowd: Crowd = _UNKNOWN


class ListingStore:
    """The `listings` table within one transaction, and the lists that stand on it."""

    def __init__(self, session: AsyncSession, *, indexed: bool) -> None:
        """Work within this session's transaction; `indexed` tells whether the search index is there."""
        self._session = session
        self._indexed = indexed
        self._embedded = session.get_bind().dialect.name == "sqlite"

    async def keep(self, user: User) -> None:
        """Update an account's listing, after it was made or its names, role or status changed."""
        values: dict[str, Any] = {"role": user.role, "status": user.status, "created_at": user.created_at}
        values |= texts(user.username, user.email, user.full_name, user.institution)
        new = (sqlite if self._embedded else postgresql).insert(_TABLE).values(user_id=user.id, **values)
        connection = await self._session.connection()
        await connection.execute(new.on_conflict_do_update(index_elements=["user_id"], set_=values))

    async def keep_all(self, ids: Collection[UUID], values: Mapping[str, Any]) -> None:
        """Update the role or the status in the listings of accounts."""
        connection = await self._session.connection()
        await connection.execute(update(_TABLE).where(_TABLE.c.user_id.in_(ids)).values(values))

    async def last_called(self, name: str) -> UUID | None:
        """Return the newest account with a username or email address, whether or not it still holds it."""
        column, key = (Listing.email_key, email_key) if is_email(name) else (Listing.username_key, username_key)
        query = select(Listing.user_id).where(col(column) == key(name)[:LONGEST_KEY])
        return (await self._session.exec(query.order_by(col(Listing.user_id).desc()).limit(1))).first()

    async def page(
        self, wanted: Wanted, order: Order, *, after: str | None = None, offset: int = 0, limit: int, total: Total
    ) -> Page[User]:
        """List accounts: those after a cursor, or from an offset on; `total` decides by which query.

        Raises:
            InvalidCursor: the cursor is not one that a list in this order handed out.
        """
        window = Window(order, ListPosition.read(after, order.by, descending=order.descending), offset, limit)
        if not wanted.statuses:
            return Page([], None)
        await self._plan_anew(wanted)
        if total.crowd.by_tier and not wanted.searched and order.by is SortBy.CREATED_AT:
            rows = await self._rows(list_queries.by_tier(wanted, window), order)
        elif wanted.narrowed and not wanted.searched and order.by is SortBy.CREATED_AT:
            rows = await self._rows(list_queries.by_status(wanted, window), order)
        elif total.exact and (wanted.searched or _few(total, window)):
            rows = await self._gathered(wanted, window, total)
        else:
            rows = await self._walked(wanted, window, total)
        return _page(rows, window)

    async def count(self, wanted: Wanted, crowd: Crowd) -> Total:
        """Count accounts, 10,000 at most."""
        await self._plan_anew(wanted)
        some = self._matching(wanted, Order(), crowd).limit(MOST_COUNTED + 1).subquery()
        count = (await self._session.exec(select(func.count()).select_from(some))).one()
        return Total(min(count, MOST_COUNTED), exact=count <= MOST_COUNTED, crowd=crowd)

    async def _plan_anew(self, wanted: Wanted) -> None:
        """Make PostgreSQL plan for these very values: a generic plan is far slower for some of them."""
        if not self._embedded and not wanted.counted:
            await (await self._session.connection()).execute(sql("SET LOCAL plan_cache_mode = force_custom_plan"))

    async def _gathered(self, wanted: Wanted, window: Window, total: Total) -> Sequence[tuple[User, Any]]:
        found = self._matching(wanted, window.order, total.crowd)
        return await self._rows(list_queries.gathered(found, window), window.order)

    async def _walked(self, wanted: Wanted, window: Window, total: Total) -> Sequence[tuple[User, Any]]:
        """Walk in the sort order; where a page is not full after `_LONG` rows, gather all instead."""
        edge = None
        if not wanted.anybody:
            found = (await self._session.exec(list_queries.ahead(window, _LONG))).first()  # type: ignore[call-overload]  # SQLModel's `exec` knows its own queries only
            edge = (found.key, found.id) if found else None
        holding = [list_queries.containing(wanted, embedded=self._embedded)] if wanted.searched else []
        rows = await self._rows(list_queries.walked(wanted, window, edge, *holding), window.order)
        return await self._gathered(wanted, window, total) if edge and len(rows) <= window.limit else rows

    def _matching(self, wanted: Wanted, order: Order, crowd: Crowd) -> Select[Any]:
        if not wanted.searched:
            return list_queries.chosen(wanted, order, by_tier=crowd.by_tier)
        if wanted.narrowed and crowd.alike <= min(_HANDFUL, crowd.all // _PART):
            return list_queries.picked(wanted, order, by_tier=crowd.by_tier, embedded=self._embedded)
        return list_queries.matching(wanted, order, indexed=self._indexed, embedded=self._embedded)

    async def _rows(self, query: Select[Any], order: Order) -> Sequence[tuple[User, Any]]:
        found = query.subquery()
        page = select(User, found.c.key).join(found, col(User.id) == found.c.id)
        return (await self._session.exec(page.order_by(*order.of(found.c.key, found.c.id)))).all()


_TABLE: Final[Table] = Listing.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`


def _few(total: Total, window: Window) -> bool:
    """Tell whether gathering all matching rows is faster than walking along an index, on which they are rare."""
    return _GATHERING * total.count * total.count <= window.reach * total.crowd.all


def _page(rows: Sequence[tuple[User, Any]], window: Window) -> Page[User]:
    shown, order = rows[: window.limit], window.order
    if len(rows) <= window.limit:
        return Page([user for user, _ in shown], None)
    user, key = shown[-1]
    last = ListPosition.of(order.by, key, user.id, descending=order.descending)
    return Page([user for user, _ in shown], last.cursor())
