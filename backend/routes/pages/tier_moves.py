"""All who were given a tier, moved to another one: what a tier needs before it can be deleted."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentAdmin, Look
from backend.routes.pages.at_once import MOST, Chosen, confirmation
from backend.routes.pages.many import TIER
from backend.routes.pages.rendering import go_saying
from backend.routes.pages.tiers import address_of
from backend.services.tier_holders import id_of

router = APIRouter(include_in_schema=False)

_OWN: Final = "You also have this tier. You cannot move yourself here: choose another tier on your own page."


@router.get("/tiers/{name}/move")
async def show_confirmation(request: Request, caller: CurrentAdmin, name: str, look: Look) -> Response:
    """Say who will be moved, deleted accounts too, and ask to which tier."""
    tier = await look.tiers.one(name)
    count, holders = await look.tier_holders.first(tier, MOST + 1)  # one of them may be oneself
    ids = [str(user.id) for user in holders if user.id != caller.id][:MOST]
    own = caller.tier_id == tier.id
    if not ids:
        here, only = (f"/users/{caller.id}", "Nobody but you") if own else (address_of(tier.name), "Nobody")
        return go_saying(request, here, f"{only} has the tier {tier.name}.", warn=True)
    more = count - len(ids) - own
    left = [f"These are the first {len(ids):,}. {more:,} more have this tier: move them afterwards."] if more else []
    chosen = Chosen(TIER, ids, address_of(tier.name), id_of(tier), [*left, _OWN] if own else left)
    return await confirmation(request, chosen, look)
