"""All people: found by a part of a name, filtered, sorted, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.models import CLOSED, GONE, Role, Status, Tier
from backend.routes.deps import CurrentAdmin, Look
from backend.routes.pages.forms import Form
from backend.routes.pages.many import OF_PEOPLE
from backend.routes.pages.rendering import page
from backend.routes.pages.searches import NO_CHOICE, NO_NAME, ListSearch, Place, read
from backend.routes.pages.tiers import address_of
from backend.routes.pages.words import ROLES, STATES
from backend.schemas.types import WantedTier
from backend.services.bulk import Operation
from backend.services.tier_holders import id_of
from backend.stores.listings import Order, SortBy, Wanted

router = APIRouter(include_in_schema=False)

_PER_PAGE: Final = 50


class Sort(StrEnum):
    """In which order."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    NAME_LAST = "name-last"
    USERNAME = "username"
    EMAIL = "email"
    SEEN = "seen"
    UNSEEN = "unseen"


_ORDERS: Final = {
    Sort.NEWEST: Order(SortBy.CREATED_AT, descending=True),
    Sort.OLDEST: Order(SortBy.CREATED_AT, descending=False),
    Sort.NAME: Order(SortBy.FULL_NAME, descending=False),
    Sort.NAME_LAST: Order(SortBy.FULL_NAME, descending=True),
    Sort.USERNAME: Order(SortBy.USERNAME, descending=False),
    Sort.EMAIL: Order(SortBy.EMAIL, descending=False),
    Sort.SEEN: Order(SortBy.LAST_LOGIN, descending=True),
    Sort.UNSEEN: Order(SortBy.LAST_LOGIN, descending=False),
}


_CHOICES: Final = {
    "statuses": (("", "All but deleted"), *STATES.items()),
    "roles": (("", "Any role"), *ROLES.items()),
    "orders": (
        (Sort.NEWEST, "Newest first"),
        (Sort.OLDEST, "Oldest first"),
        (Sort.NAME, "By name"),
        (Sort.NAME_LAST, "By name, Z to A"),
        (Sort.USERNAME, "By username"),
        (Sort.EMAIL, "By email"),
        (Sort.SEEN, "Latest sign-in first"),
        (Sort.UNSEEN, "Oldest sign-in first"),
    ),
}
"""What each field of the search form offers: what is sent, and what is shown."""


_HEADS: Final[Mapping[str, tuple[Sort, Sort]]] = {
    "name": (Sort.NAME, Sort.NAME_LAST),
    "created": (Sort.NEWEST, Sort.OLDEST),
    "seen": (Sort.SEEN, Sort.UNSEEN),
}
"""What the heads of columns sort by: when followed first, and when followed again."""


_WRONG: Final = dict.fromkeys(("status", "role", "tier_id", "sort"), NO_CHOICE) | {"query": NO_NAME}
"""What is said beside a field that makes no sense."""


class Search(ListSearch):
    """Which accounts, in which order."""

    path: ClassVar[str] = "/users"
    status: Status | None = None
    role: Role | None = None
    tier_id: WantedTier | None = None
    sort: Sort = Sort.NEWEST

    @property
    def wanted(self) -> Wanted:
        """Which accounts."""
        return Wanted(self.query or None, self.role, self.status, tier_id=self.tier_id)

    @property
    def narrowed(self) -> dict[str, str]:
        """The filters that are set, as the address says them."""
        return self.model_dump(include={"query", "status", "role", "tier_id"}, exclude_defaults=True, mode="json")

    @property
    def heads(self) -> dict[str, "Head"]:
        """The columns that the list can be sorted by."""
        return {column: self._head(*orders) for column, orders in _HEADS.items()}

    def _head(self, first: Sort, second: Sort) -> "Head":
        other = self.model_copy(update={"sort": second if self.sort is first else first})
        if self.sort not in {first, second}:
            return Head(other.address, None)
        return Head(other.address, "descending" if _ORDERS[self.sort].descending else "ascending")


@dataclass(frozen=True)
class Head:
    """The head of a column: where it leads, and how the list is sorted by the column now."""

    address: str
    sorted: Literal["ascending", "descending"] | None


@dataclass(frozen=True)
class Asked:
    """A search, as far as it can be understood, and the form with what cannot."""

    search: Search
    tiers: Sequence[Tier]
    form: Form | None = None

    @property
    def tier(self) -> Tier | None:
        """The tier that is asked for."""
        return next((tier for tier in self.tiers if tier.id == self.search.tier_id), None)


async def read_search(request: Request, caller: CurrentAdmin, look: Look) -> Asked:
    """Read the search form from the address; a field that makes no sense is left out, and says so."""
    values, tiers = dict(request.query_params), await look.tiers.every()
    search, wrong = read(Search, values)
    if search.tier_id not in {None, *map(id_of, tiers)}:
        search, wrong = search.model_copy(update={"tier_id": None}), {*wrong, "tier_id"}
    return Asked(search, tiers, Form(values, {name: _WRONG[name] for name in wrong}) if wrong else None)


@router.get("/users")
async def show_users(
    request: Request, caller: CurrentAdmin, look: Look, asked: Annotated[Asked, Depends(read_search)]
) -> Response:
    """Show the accounts that were asked for; all but the deleted ones, newest first, if nothing was."""
    search = asked.search
    order = _ORDERS[search.sort]
    found, total = await look.people.page(
        search.wanted, order, cursor=search.cursor, number=search.page, size=_PER_PAGE
    )
    counts = await look.people.counts()
    return page(
        request,
        "users.html",
        status=422 if asked.form else 200,
        users=found.rows,
        total=total,
        place=Place.of(search, found.rows, _PER_PAGE, total, more=found.next_cursor is not None),
        counts=counts,
        closed=sum(counts.by_status[status] for status in CLOSED),
        turned_down=counts.by_status[Status.REJECTED],
        form=asked.form,
        search=search,
        choices={**_CHOICES, "tiers": [("", "Any tier"), *((tier.id, tier.name) for tier in asked.tiers)]},
        tier=asked.tier,
        tier_at=address_of(asked.tier.name) if asked.tier else None,
        asked=urlencode(search.narrowed, quote_via=quote),
        oneself=caller.id,
        pickable=any(user.id != caller.id and user.status not in GONE for user in found.rows),
        operations=[one for one in OF_PEOPLE if asked.tiers or one.operation is not Operation.UPDATE_TIER],
        next_cursor=found.next_cursor,
        pending_count=counts.pending,
        here="users",
    )
