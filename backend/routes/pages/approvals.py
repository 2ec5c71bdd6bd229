"""Approvals: who waits, what they wrote, and the decision."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentApprover, Look, Work
from backend.routes.pages.forms import BackTo, Person, ReasonForm, read_reason
from backend.routes.pages.many import OF_APPLICANTS
from backend.routes.pages.notices import Undo
from backend.routes.pages.rendering import go_saying, own_path, page
from backend.services.rights import Act, may

router = APIRouter(include_in_schema=False)

_PER_PAGE: Final = 50
_HERE: Final = "/approvals"


async def stay_here(request: Request) -> str:
    """Come back to the next request on the list, whether a decision is taken or refused."""
    then = (await request.form()).get("then")
    path = own_path(then if isinstance(then, str) else None)
    here = path if path.startswith(_HERE) else _HERE
    request.state.again = BackTo(here)
    return here


Here = Annotated[str, Depends(stay_here)]


@router.get(_HERE)
async def show_approvals(
    request: Request,
    caller: CurrentApprover,
    look: Look,
    cursor: str | None = None,
) -> Response:
    """Show who waits, longest first."""
    waiting, count = await look.people.waiting(cursor, _PER_PAGE), await look.people.waiting_count()
    return page(
        request,
        "approvals.html",
        applications=waiting.rows,
        total=count,
        pending_count=count,
        next_cursor=waiting.next_cursor,
        cursor=cursor,
        oneself=caller.id,
        operations=OF_APPLICANTS if may(Act.BULK, caller.role) else (),
        here="approvals",
    )


@router.post("/approvals/{id}/approve")
async def approve(request: Request, here: Here, caller: CurrentApprover, target: Person, work: Work) -> Response:
    """Let an applicant in."""
    user = await work.users.approve(target, by=caller.id)
    return go_saying(request, here, f"{user.full_name or user.username} has been let in.")


@router.post("/approvals/{id}/reject")
async def reject(
    request: Request,
    here: Here,
    caller: CurrentApprover,
    target: Person,
    body: Annotated[ReasonForm, Depends(read_reason)],
    work: Work,
) -> Response:
    """Turn an applicant away."""
    user = await work.users.reject(target, by=caller.id, reason=body.reason)
    said = f"The request of {user.full_name or user.username} was turned down."
    return go_saying(request, here, said, undo=Undo("reopen-request", target))


@router.post("/approvals/{id}/reopen")
async def reopen(request: Request, here: Here, caller: CurrentApprover, target: Person, work: Work) -> Response:
    """Let somebody wait again who was turned down."""
    user = await work.users.reopen(target, by=caller.id)
    said = f"{user.full_name or user.username} waits for a decision again."
    return go_saying(request, f"{_HERE}#request-{target}", said)
