"""One thing done to many accounts: selected on the people page or on that of a tier, announced, and done once."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentAdmin, FromOrigin, InContext, Look
from backend.routes.pages.many import OF_PEOPLE, Chosen, call_of, choice, confirmation, told
from backend.services import bulk

router = APIRouter(include_in_schema=False)

_LISTS: Final = ("/users", "/tiers/")


async def read_chosen(request: Request, caller: CurrentAdmin) -> Chosen:
    """Read what was chosen in a list of accounts; see `choice`."""
    return await choice(request, _LISTS, OF_PEOPLE)


async def read_call(
    request: Request, caller: CurrentAdmin, chosen: Annotated[Chosen, Depends(read_chosen)]
) -> bulk.Call:
    """Read the form of the confirmation page; see `call_of`."""
    return await call_of(request, chosen)


@router.get("/users/bulk")
async def show_confirmation(
    request: Request, caller: CurrentAdmin, chosen: Annotated[Chosen, Depends(read_chosen)], look: Look
) -> Response:
    """Say what will happen and to whom, before it happens."""
    return await confirmation(request, chosen, look)


@router.post("/users/bulk")
async def act(
    request: Request,
    caller: CurrentAdmin,
    chosen: Annotated[Chosen, Depends(read_chosen)],
    call: Annotated[bulk.Call, Depends(read_call)],
    context: InContext,
    origin: FromOrigin,
    look: Look,
) -> Response:
    """Do it, and tell about whoever was skipped."""
    return await told(request, chosen, call, await bulk.run(context, caller.id, call, origin), look)
