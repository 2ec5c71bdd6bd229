"""Approvals: who waits, what they wrote, and the decision."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.models import Status
from backend.routes.deps import CurrentApprover, Look, Work
from backend.routes.pages.acts import besides
from backend.routes.pages.forms import Form, Person, ReasonForm, come_back, read_reason
from backend.routes.pages.many import OF_APPLICANTS
from backend.routes.pages.notices import Undo
from backend.routes.pages.rendering import go_saying, page
from backend.routes.pages.searches import NO_CHOICE, NO_NAME, ListSearch, Place, read
from backend.services.rights import Act, may
from backend.stores.listings import Order, SortBy, Wanted

router = APIRouter(include_in_schema=False)

_PER_PAGE: Final = 50
_HERE: Final = "/approvals"


class Sort(StrEnum):
    """In which order."""

    OLDEST = "oldest"
    NEWEST = "newest"


_ORDERS: Final = ((Sort.OLDEST, "Oldest first"), (Sort.NEWEST, "Newest first"))
_WRONG: Final = {"query": NO_NAME, "sort": NO_CHOICE}


class Search(ListSearch):
    """Whose requests, in which order."""

    path: ClassVar[str] = _HERE
    sort: Sort = Sort.OLDEST

    @property
    def wanted(self) -> Wanted:
        """Which accounts."""
        return Wanted(self.query or None, status=Status.PENDING)

    @property
    def order(self) -> Order:
        """How they are sorted."""
        return Order(SortBy.CREATED_AT, descending=self.sort is Sort.NEWEST)


@dataclass(frozen=True)
class Asked:
    """A search, as far as it can be understood, and the form with what cannot."""

    search: Search
    form: Form | None = None


async def read_search(request: Request, caller: CurrentApprover) -> Asked:
    """Read the search form from the address; a field that makes no sense is left out, and says so."""
    values = dict(request.query_params)
    search, wrong = read(Search, values)
    return Asked(search, Form(values, {name: _WRONG[name] for name in wrong}) if wrong else None)


async def stay_here(request: Request) -> str:
    """Come back to the next request on the list, whether a decision is taken or refused."""
    return await come_back(request, _HERE)


Here = Annotated[str, Depends(stay_here)]
Reason = Annotated[ReasonForm, Depends(read_reason)]


@router.get(_HERE)
async def show_approvals(
    request: Request, caller: CurrentApprover, look: Look, asked: Annotated[Asked, Depends(read_search)]
) -> Response:
    """Show who waits, longest first unless they are asked for otherwise."""
    search = asked.search
    found, total = await look.people.page(
        search.wanted, search.order, cursor=search.cursor, number=search.page, size=_PER_PAGE
    )
    count = await look.people.waiting_count()
    return page(
        request,
        "approvals.html",
        status=422 if asked.form else 200,
        applications=found.rows,
        rewritten=await look.people.rewritten([one.id for one in found.rows]),
        total=total,
        place=Place.of(search, found.rows, _PER_PAGE, total, more=found.next_cursor is not None),
        search=search,
        form=asked.form,
        orders=_ORDERS,
        next_cursor=found.next_cursor,
        operations=OF_APPLICANTS if len(found.rows) > 1 else (),
        pending_count=count,
        here="approvals",
    )


@router.post("/approvals/{id}/approve")
async def approve(
    request: Request, here: Here, caller: CurrentApprover, target: Person, body: Reason, work: Work
) -> Response:
    """Let an applicant in."""
    user = await work.decisions.approve(target, by=caller.id, reason=body.reason)
    mend = Undo("suspend", target) if may(Act.CLOSE, caller.role) else None
    return go_saying(request, here, f"{user.display_name} was approved.", undo=mend)


@router.post("/approvals/{id}/reject")
async def reject(
    request: Request, here: Here, caller: CurrentApprover, target: Person, body: Reason, work: Work
) -> Response:
    """Turn an applicant away."""
    user = await work.decisions.reject(target, by=caller.id, reason=body.reason)
    said = f"The request of {user.display_name} was rejected."
    return go_saying(request, here, said, undo=Undo("reopen-request", target))


@router.post("/approvals/{id}/reopen")
async def reopen(request: Request, here: Here, caller: CurrentApprover, target: Person, work: Work) -> Response:
    """Let somebody wait again who was turned down."""
    reopened = await work.decisions.reopen(target, by=caller.id)
    name = reopened.user.display_name
    return go_saying(request, f"{_HERE}#request-{target}", f"{name} is waiting again.{besides(reopened)}")
