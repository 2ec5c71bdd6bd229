"""All people: found by a part of a name, filtered, sorted, a page at a time."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints, ValidationError, model_validator

from backend.models import GONE, Role, Status
from backend.routes.deps import CurrentAdmin, Look
from backend.routes.pages.forms import Form
from backend.routes.pages.many import OF_PEOPLE
from backend.routes.pages.rendering import page
from backend.routes.pages.words import STATES
from backend.schemas.types import Text
from backend.stores.listings import Order, SortBy, Wanted

router = APIRouter(include_in_schema=False)

_PER_PAGE: Final = 50
_CLOSED: Final = (Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED)


class Sort(StrEnum):
    """In which order."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    USERNAME = "username"
    EMAIL = "email"
    SEEN = "seen"
    UNSEEN = "unseen"


_ORDERS: Final = {
    Sort.NEWEST: Order(SortBy.CREATED_AT, descending=True),
    Sort.OLDEST: Order(SortBy.CREATED_AT, descending=False),
    Sort.NAME: Order(SortBy.FULL_NAME, descending=False),
    Sort.USERNAME: Order(SortBy.USERNAME, descending=False),
    Sort.EMAIL: Order(SortBy.EMAIL, descending=False),
    Sort.SEEN: Order(SortBy.LAST_LOGIN, descending=True),
    Sort.UNSEEN: Order(SortBy.LAST_LOGIN, descending=False),
}


_CHOICES: Final = {
    "statuses": (("", "Not deleted"), *STATES.items()),
    "roles": (("", "Any role"), (Role.USER, "Member"), (Role.APPROVER, "Approver"), (Role.ADMIN, "Administrator")),
    "orders": (
        (Sort.NEWEST, "Newest first"),
        (Sort.OLDEST, "Oldest first"),
        (Sort.NAME, "By name"),
        (Sort.USERNAME, "By username"),
        (Sort.EMAIL, "By email"),
        (Sort.SEEN, "Last sign-in first"),
        (Sort.UNSEEN, "Longest away first"),
    ),
}
"""What each field of the search form offers: what is sent, and what is shown."""


_WRONG: Final = dict.fromkeys(("status", "role", "sort"), "There is no such choice.") | {
    "query": "This is too long, or holds characters that no name has.",
}
"""What is said beside a field that makes no sense."""


class Search(BaseModel):
    """The search form, which is the address of the list as well; an empty field asks for nothing."""

    query: Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)] = ""
    status: Status | None = None
    role: Role | None = None
    sort: Sort = Sort.NEWEST
    cursor: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        return {name: value for name, value in values.items() if value} if isinstance(values, dict) else values

    @property
    def wanted(self) -> Wanted:
        """Which accounts."""
        return Wanted(self.query or None, self.role, self.status)

    @property
    def narrowed(self) -> dict[str, str]:
        """What leaves somebody out."""
        return self.model_dump(include={"query", "status", "role"}, exclude_defaults=True, mode="json")

    @property
    def address(self) -> str:
        """The first page of this list."""
        asked = self.model_dump(exclude={"cursor"}, exclude_defaults=True, mode="json")
        return "/users" + ("?" + urlencode(asked, quote_via=quote) if asked else "")


@dataclass(frozen=True)
class Asked:
    """A search, as far as it can be understood, and the form with what cannot."""

    search: Search
    form: Form | None = None


async def read_search(request: Request, caller: CurrentAdmin) -> Asked:
    """Read the search form from the address; a field that makes no sense is left out, and says so."""
    values = dict(request.query_params)
    try:
        return Asked(Search.model_validate(values))
    except ValidationError as error:
        wrong = {str(item["loc"][0]) for item in error.errors()}
    understood = {name: value for name, value in values.items() if name not in wrong}
    return Asked(Search.model_validate(understood), Form(values, {name: _WRONG[name] for name in wrong}))


@router.get("/users")
async def show_users(
    request: Request, caller: CurrentAdmin, look: Look, asked: Annotated[Asked, Depends(read_search)]
) -> Response:
    """Show the accounts that were asked for; all but the deleted ones, newest first, if nothing was."""
    search = asked.search
    found, total = await look.people.page(search.wanted, _ORDERS[search.sort], cursor=search.cursor, size=_PER_PAGE)
    counts = await look.people.counts()
    return page(
        request,
        "users.html",
        status=422 if asked.form else 200,
        users=found.rows,
        total=total,
        counts=counts,
        closed=sum(counts.by_status[status] for status in _CLOSED),
        turned_down=counts.by_status[Status.REJECTED],
        form=asked.form,
        search=search,
        choices=_CHOICES,
        asked=urlencode(search.narrowed, quote_via=quote),
        oneself=caller.id,
        pickable=any(user.id != caller.id and user.status not in GONE for user in found.rows),
        operations=OF_PEOPLE,
        next_cursor=found.next_cursor,
        pending_count=counts.pending,
        here="users",
    )
