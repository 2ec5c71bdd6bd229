"""Lists of accounts: found by a part of a name, filtered, sorted and read a page at a time, at any number of them.

A search of three characters or more finds them anywhere in a name, username, address or institution; one or two find
the beginning of a word. Case, width and accents make no difference.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Table, func, update
from sqlalchemy import select as choose
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import Listing, User
from backend.stores import list_queries
from backend.stores.list_queries import Order, SortBy, Wanted, Window
from backend.stores.listing_texts import texts
from backend.stores.pages import Page, Place

MOST_COUNTED: Final = 10_000
"""Accounts that a search counts; beyond, it says "more than"."""
_HANDFUL: Final = 1_000
"""Accounts that are sooner looked at one by one than found by the search index."""
_GATHERING: Final = 10
_LOOKING_UP: Final = 1

__all__ = ["MOST_COUNTED", "Crowd", "ListingStore", "Order", "SortBy", "Total", "Wanted"]


@dataclass(frozen=True)
class Crowd:
    """How many accounts there are, and how many of them have the role and the status that a list asks for."""

    all: int
    alike: int


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
        """Write down what lists look for, after an account was made or changed in its names, its role or its status."""
        values: dict[str, Any] = {"role": user.role, "status": user.status, "created_at": user.created_at}
        values |= texts(user.username, user.email, user.full_name, user.institution)
        new = (sqlite if self._embedded else postgresql).insert(_TABLE).values(user_id=user.id, **values)
        connection = await self._session.connection()
        await connection.execute(new.on_conflict_do_update(index_elements=["user_id"], set_=values))

    async def keep_all(self, ids: Collection[UUID], values: Mapping[str, Any]) -> None:
        """Write down the role or the status that some accounts have now."""
        connection = await self._session.connection()
        await connection.execute(update(_TABLE).where(_TABLE.c.user_id.in_(ids)).values(values))

    async def page(
        self, wanted: Wanted, order: Order, *, after: str | None = None, offset: int = 0, limit: int, total: Total
    ) -> Page[User]:
        """List accounts: those after a cursor, or from an offset on; `total` says how to look for them best.

        Raises:
            InvalidCursor: the cursor is not one that a list in this order handed out.
        """
        window = Window(order, Place.read(after, order.by, descending=order.descending), offset, limit)
        if not wanted.statuses:
            return Page([], None)
        if wanted.searched:
            query = await self._searched(wanted, window, total)
        elif wanted.narrowed and order.by is SortBy.CREATED_AT:
            query = list_queries.by_status(wanted, window)
        elif _few(total, window, _GATHERING):
            query = list_queries.gathered(list_queries.chosen(wanted, order), window)
        else:
            query = list_queries.walked(wanted, window)
        return await self._page(query, window)

    async def count(self, wanted: Wanted, crowd: Crowd) -> Total:
        """Count accounts, 10,000 at most."""
        if wanted.searched:
            query = await self._matching(wanted, Order(), crowd)
        else:
            query = choose(col(User.id)).where(*wanted.found(User))
        some = query.limit(MOST_COUNTED + 1).subquery()
        count = (await self._session.exec(select(func.count()).select_from(some))).one()
        return Total(min(count, MOST_COUNTED), exact=count <= MOST_COUNTED, crowd=crowd)

    async def _searched(self, wanted: Wanted, window: Window, total: Total) -> Select[Any]:
        if _few(total, window, _LOOKING_UP):
            return list_queries.gathered(await self._matching(wanted, window.order, total.crowd), window)
        return list_queries.walked(wanted, window, list_queries.containing(wanted, embedded=self._embedded))

    async def _matching(self, wanted: Wanted, order: Order, crowd: Crowd) -> Select[Any]:
        if wanted.narrowed and crowd.alike <= _HANDFUL:
            return list_queries.picked(wanted, order, embedded=self._embedded)
        if not self._embedded:  # a plan made for any pattern would look up in the index what nearly all texts contain
            await (await self._session.connection()).execute(sql("SET LOCAL plan_cache_mode = force_custom_plan"))
        return list_queries.matching(wanted, order, indexed=self._indexed, embedded=self._embedded)

    async def _page(self, query: Select[Any], window: Window) -> Page[User]:
        found = query.subquery()
        page = select(User, found.c.key).join(found, col(User.id) == found.c.id)
        rows = await self._session.exec(page.order_by(*window.order.of(found.c.key, found.c.id)))
        return _page(rows.all(), window)


_TABLE: Final[Table] = Listing.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`


def _few(total: Total, window: Window, effort: int) -> bool:
    """Tell whether it is quicker to gather them all than to meet some on the way along an index.

    Each takes `effort` times as long to gather as one on the way, of which there are so many as they are rare.
    """
    return total.exact and effort * total.count * total.count <= window.reach * total.crowd.all


def _page(rows: Sequence[tuple[User, Any]], window: Window) -> Page[User]:
    shown, order = rows[: window.limit], window.order
    if len(rows) <= window.limit:
        return Page([user for user, _ in shown], None)
    user, key = shown[-1]
    last = Place.of(order.by, key, user.id, descending=order.descending)
    return Page([user for user, _ in shown], last.cursor())
