"""Tiers and their limits, for administrators: `/api/v1/tiers`. Which account has which is in `users_by_name`."""

from typing import Annotated

from fastapi import APIRouter, Query

from backend.routes.deps import CurrentAdmin, Look, Work
from backend.schemas.answers import Message
from backend.schemas.tiers import (
    ChangedLimit,
    ChangedTier,
    LimitAnswer,
    LimitBody,
    LimitChanges,
    LimitsPage,
    PageQuery,
    TierAnswer,
    TierBody,
    TierChanges,
    TiersPage,
)

router = APIRouter(prefix="/api/v1/tiers", tags=["Tiers"])

Paging = Annotated[PageQuery, Query()]


@router.post("", status_code=201)
async def create(body: TierBody, caller: CurrentAdmin, work: Work) -> TierAnswer:
    """Make a tier, without limits. The default one is that of all accounts that have none of their own."""
    return TierAnswer.model_validate(await work.tiers.create(caller.id, body.name, is_default=body.is_default))


@router.get("")
async def list_tiers(caller: CurrentAdmin, look: Look, query: Paging) -> TiersPage:
    """List tiers by name, a page at a time."""
    found, total = await look.tiers.listed(query.page, query.items_per_page)
    return TiersPage(data=[TierAnswer.model_validate(tier) for tier in found], **query.of(total))


@router.get("/{name}")
async def show(name: str, caller: CurrentAdmin, look: Look) -> TierAnswer:
    """Show a tier; the case of its name makes no difference."""
    return TierAnswer.model_validate(await look.tiers.one(name))


@router.patch("/{name}")
async def update(name: str, body: TierChanges, caller: CurrentAdmin, work: Work) -> ChangedTier:
    """Rename a tier, or make it the default one, or an ordinary one again."""
    sent = body.model_dump(exclude_unset=True)
    tier = await work.tiers.update(caller.id, name, new_name=sent.get("name"), is_default=sent.get("is_default"))
    return ChangedTier.model_validate(tier)


@router.delete("/{name}")
async def delete(name: str, caller: CurrentAdmin, work: Work) -> Message:
    """Remove a tier with its limits; no account may have it."""
    await work.tiers.delete(caller.id, name)
    return Message(message="Tier deleted successfully")


@router.post("/{name}/rate-limits", status_code=201)
async def add_limit(name: str, body: LimitBody, caller: CurrentAdmin, work: Work) -> LimitAnswer:
    """Let each account of a tier ask for a path, and all below it, so many times within so many seconds."""
    limit = await work.tier_limits.add(
        caller.id, name, path=body.path, amount=body.limit, period=body.period, label=body.name
    )
    return LimitAnswer.model_validate(limit)


@router.get("/{name}/rate-limits")
async def list_limits(name: str, caller: CurrentAdmin, look: Look, query: Paging) -> LimitsPage:
    """List the limits of a tier by path, a page at a time."""
    found, total = await look.tier_limits.listed(name, query.page, query.items_per_page)
    return LimitsPage(data=[LimitAnswer.model_validate(limit) for limit in found], **query.of(total))


@router.get("/{name}/rate-limits/{id}")
async def show_limit(name: str, id: int, caller: CurrentAdmin, look: Look) -> LimitAnswer:  # noqa: A002
    """Show a limit of a tier."""
    return LimitAnswer.model_validate(await look.tier_limits.one(name, id))


@router.patch("/{name}/rate-limits/{id}")
async def change_limit(name: str, id: int, body: LimitChanges, caller: CurrentAdmin, work: Work) -> ChangedLimit:  # noqa: A002
    """Change a limit; with other numbers it begins to count anew."""
    return ChangedLimit.model_validate(await work.tier_limits.change(caller.id, name, id, body.changes()))


@router.delete("/{name}/rate-limits/{id}")
async def remove_limit(name: str, id: int, caller: CurrentAdmin, work: Work) -> Message:  # noqa: A002
    """Remove a limit."""
    await work.tier_limits.remove(caller.id, name, id)
    return Message(message="Rate limit deleted successfully")
