"""Many applicants decided about at once: chosen on the approvals page, announced, and done once."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentApprover, FromOrigin, InContext, Look
from backend.routes.pages.at_once import Chosen, call_of, choice_in, confirmation, told
from backend.routes.pages.many import OF_APPLICANTS
from backend.services import bulk

router = APIRouter(include_in_schema=False)

Choice = Annotated[Chosen, Depends(choice_in(("/approvals",), OF_APPLICANTS))]


@router.get("/approvals/bulk")
async def show_confirmation(request: Request, caller: CurrentApprover, chosen: Choice, look: Look) -> Response:
    """Say what will happen and to whom, before it happens."""
    return await confirmation(request, chosen, look)


@router.post("/approvals/bulk")
async def decide(
    request: Request, caller: CurrentApprover, chosen: Choice, context: InContext, origin: FromOrigin, look: Look
) -> Response:
    """Do it, and tell about whoever was skipped."""
    call = await call_of(request, chosen)
    return await told(request, chosen, call, await bulk.run(context, caller.id, call, origin), look)
