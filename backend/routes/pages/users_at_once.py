"""One thing done to many accounts: selected on the people page or on that of a tier, announced, and done once."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentAdmin, FromOrigin, InContext, Look
from backend.routes.pages.at_once import Chosen, call_of, choice_in, confirmation, told
from backend.routes.pages.many import OF_PEOPLE
from backend.services import bulk

router = APIRouter(include_in_schema=False)

Choice = Annotated[Chosen, Depends(choice_in(("/users", "/tiers/"), OF_PEOPLE))]


@router.get("/users/bulk")
async def show_confirmation(request: Request, caller: CurrentAdmin, chosen: Choice, look: Look) -> Response:
    """Say what will happen and to whom, before it happens."""
    return await confirmation(request, chosen, look)


@router.post("/users/bulk")
async def act(
    request: Request, caller: CurrentAdmin, chosen: Choice, context: InContext, origin: FromOrigin, look: Look
) -> Response:
    """Do it, and tell about whoever was skipped."""
    call = await call_of(request, chosen)
    return await told(request, chosen, call, await bulk.run(context, caller.id, call, origin), look)
