"""Filters and sort orders of lists of accounts, and the queries that read them, each the fastest for some lists.

- Walk along the index of the sort order, where many of the rows match.
- Gather all rows that match and sort them, where they are few.
- Walk along the index of each status and merge, where some statuses are sorted by age: no other rows are read.

A condition is written so that the database can use an index for it, or on purpose so that it cannot: SQLite, which
knows no row counts, would else gather half a million accounts to show ten.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, column, func, select, table, text, tuple_, union_all
from sqlmodel import col

from backend.models import GONE, Listing, Role, Status, User
from backend.stores.listing_texts import pattern
from backend.stores.pages import ListPosition
from backend.stores.search_index import TABLE

_INDEX: Final = table(TABLE, column("rowid"))


class SortBy(StrEnum):
    """What a list can be sorted by."""

    CREATED_AT = "created_at"
    USERNAME = "username"
    EMAIL = "email"
    FULL_NAME = "full_name"
    LAST_LOGIN = "last_login"
    """The last sign-in; of those who never signed in, the day they came."""


_LISTED: Final[dict[SortBy, Any]] = {
    SortBy.USERNAME: Listing.username_key,
    SortBy.EMAIL: Listing.email_key,
    SortBy.FULL_NAME: Listing.name_key,
}
"""Sort keys that are indexed in `listings`; the others are indexed in `users`."""


@dataclass(frozen=True)
class Order:
    """How a list is sorted."""

    by: SortBy = SortBy.CREATED_AT
    descending: bool = True

    @property
    def key(self) -> Any:  # noqa: ANN401  # a column of any type
        """The column that has an index for it."""
        return _LISTED.get(self.by, User.seen_at if self.by is SortBy.LAST_LOGIN else User.created_at)

    @property
    def columns(self) -> tuple[Any, Any]:
        """The id and the key of that index, whose order is key, id."""
        return Listing.user_id if self.by in _LISTED else User.id, self.key

    def of(self, *columns: Any) -> list[Any]:  # noqa: ANN401  # columns of any type
        """Return the terms of ORDER BY."""
        return [one.desc() if self.descending else one.asc() for one in columns]


@dataclass(frozen=True)
class Wanted:
    """Which accounts a list shows; None is no condition. Deleted ones are shown only if `status` asks for them."""

    query: str | None = None
    role: Role | None = None
    status: Status | None = None
    is_active: bool | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    tier_id: int | None = None
    """Accounts that were given this tier; those that have it only as the default tier are left out."""

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
        """The text to search for in listings; empty for none."""
        return pattern(self.query)

    @property
    def counted(self) -> bool:
        """Whether the tallies can tell how many these are."""
        return not (self.searched or self.created_after or self.created_before)

    @property
    def anybody(self) -> bool:
        """Whether all are shown but the deleted ones."""
        return self.counted and not self.narrowed

    @property
    def narrowed(self) -> bool:
        """Whether a role, a status or a tier is asked for."""
        return any(one is not None for one in (self.role, self.status, self.is_active, self.tier_id))

    def found(self, *, by_tier: bool = False) -> list[ColumnElement[bool]]:
        """Return conditions for reading by an index: the one on tiers, or one on roles and statuses."""
        if by_tier:
            return [col(User.tier_id) == self.tier_id, *self._standing(User)]
        roles = [col(User.role) == self.role] if self.role else []
        return [*roles, col(User.status).in_(sorted(self.statuses)), *self._dated(User), *self.tiered()]

    def met(self, model: type[User | Listing]) -> list[ColumnElement[bool]]:
        """Return the same conditions so that no index is used for them, for rows that are read by another index.

        `listings` has no tiers: there, join `users` and add `tiered`.
        """
        return [*self._standing(model), *(self.tiered() if model is User else [])]

    def tiered(self) -> list[ColumnElement[bool]]:
        """Return the condition on the tier, so that SQLite uses no index for it; PostgreSQL reads it as `=`."""
        return [~col(User.tier_id).op("<>", is_comparison=True)(self.tier_id)] if self.tier_id is not None else []

    def _standing(self, model: type[User | Listing]) -> list[ColumnElement[bool]]:
        roles = [col(model.role).not_in(set(Role) - {self.role})] if self.role else []
        return [*roles, col(model.status).not_in(sorted(set(Status) - self.statuses)), *self._dated(model)]

    def _dated(self, model: type[User | Listing]) -> list[ColumnElement[bool]]:
        after = [col(model.created_at) >= self.created_after] if self.created_after else []
        return [*after, col(model.created_at) < self.created_before] if self.created_before else after


@dataclass(frozen=True)
class Window:
    """Which rows of a list: after a position, or from an offset on; one more than a page shows whether more follow."""

    order: Order
    place: ListPosition | None
    offset: int
    limit: int

    @property
    def reach(self) -> int:
        """How many rows are read up to the last one of the window."""
        return self.offset + self.limit + 1

    def of(self, query: Select[Any], id_: Any, key: Any) -> Select[Any]:  # noqa: ANN401  # columns of any type
        """Sort a query's rows and keep those of the window."""
        return self.behind(query, id_, key).offset(self.offset).limit(self.limit + 1)

    def behind(self, query: Select[Any], id_: Any, key: Any) -> Select[Any]:  # noqa: ANN401
        """Sort a query's rows and keep those after the position."""
        if self.place:
            here, there = tuple_(key, id_), (self.place.moment or self.place.text, self.place.id)
            query = query.where(here < there if self.order.descending else here > there)
        return query.order_by(*self.order.of(key, id_))


def by_status(wanted: Wanted, window: Window) -> Select[Any]:
    """Walk along the index by age for each status, and merge."""
    walks = []
    for status in sorted(wanted.statuses):
        conditions = replace(wanted, query=None, status=status, is_active=None).found()
        walk = window.behind(_keyed(User.id, User.created_at).where(*conditions), User.id, User.created_at)
        walks.append(select(walk.limit(window.reach).subquery()))
    found = union_all(*walks).subquery()
    return window.of(select(found.c.id, found.c.key), found.c.id, found.c.key)


def by_tier(wanted: Wanted, window: Window) -> Select[Any]:
    """Walk along the index by age of a tier."""
    query = _keyed(User.id, User.created_at).where(*wanted.found(by_tier=True))
    return window.of(query, User.id, User.created_at)


def gathered(query: Select[Any], window: Window) -> Select[Any]:
    """Gather all rows of a query, then sort them."""
    found = query.cte("found").prefix_with("MATERIALIZED")
    return window.of(select(found.c.id, found.c.key), found.c.id, found.c.key)


def ahead(window: Window, steps: int) -> Select[Any]:
    """Find the row so many steps ahead along the index, whether it matches or not."""
    id_, key = window.order.columns
    return window.behind(_keyed(id_, key), id_, key).offset(window.reach + steps).limit(1)


def walked(wanted: Wanted, window: Window, edge: tuple[Any, Any] | None, *holding: ColumnElement[bool]) -> Select[Any]:
    """Walk along the index of the order, up to `edge` (a key and an id); `holding` are conditions on `listings`."""
    id_, key = window.order.columns
    by_listing = window.order.by in _LISTED
    query = _keyed(id_, key).where(*wanted.met(Listing if by_listing else User), *holding)
    if holding and not by_listing:
        query = query.join(Listing, col(Listing.user_id) == col(User.id))
    if wanted.tier_id is not None and by_listing:
        query = query.join(User, col(User.id) == col(Listing.user_id)).where(*wanted.tiered())
    if edge:
        here = tuple_(key, id_)
        query = query.where(here >= edge if window.order.descending else here <= edge)
    return window.of(query, id_, key)


def chosen(wanted: Wanted, order: Order, *, by_tier: bool) -> Select[Any]:
    """Find accounts by role, status, tier and time, without a search."""
    query = _keyed(User.id, order.key).where(*wanted.found(by_tier=by_tier))
    return query.join(Listing, col(Listing.user_id) == col(User.id)) if order.by in _LISTED else query


def picked(wanted: Wanted, order: Order, *, by_tier: bool, embedded: bool) -> Select[Any]:
    """Search row by row among the accounts of a role, a status or a tier."""
    query = _keyed(User.id, order.key).join(Listing, col(Listing.user_id) == col(User.id))
    return query.where(*wanted.found(by_tier=by_tier), containing(wanted, embedded=embedded))


def matching(wanted: Wanted, order: Order, *, indexed: bool, embedded: bool) -> Select[Any]:
    """Search by the trigram index, where there is one and it applies."""
    query = _keyed(Listing.user_id, Listing.created_at if order.by is SortBy.CREATED_AT else order.key)
    if order.by is SortBy.LAST_LOGIN or wanted.tier_id is not None:
        query = query.join(User, col(User.id) == col(Listing.user_id))
    query = query.where(*wanted.met(Listing), *wanted.tiered())
    if not indexed:
        return query.where(containing(wanted, embedded=embedded))
    if not embedded:
        return query.where(col(Listing.text).contains(wanted.searched, autoescape=True))
    phrase = '"' + wanted.searched.replace('"', '""') + '"'
    return query.join(_INDEX, _INDEX.c.rowid == Listing.number).where(
        text(f"{TABLE} MATCH :phrase").bindparams(phrase=phrase)
    )


def containing(wanted: Wanted, *, embedded: bool) -> ColumnElement[bool]:
    """Return the condition that a listing's text contains the search text, with no wildcards."""
    position = func.instr if embedded else func.strpos
    return position(col(Listing.text), wanted.searched) > 0


def _keyed(id_: Any, key: Any) -> Select[Any]:  # noqa: ANN401  # columns of any type
    return select(id_.label("id"), key.label("key"))
