"""Tiers: all of them, new ones, and what each is called."""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.models import Tier
from backend.routes.deps import CurrentAdmin, InContext, Look, Work
from backend.routes.pages.forms import read_form
from backend.routes.pages.rendering import at_the_desk, go_saying, page
from backend.schemas.types import Text
from backend.services import Services, reading
from backend.services.tier_holders import Size, id_of

router = APIRouter(include_in_schema=False)

HERE: Final = "/tiers"


class NewForm(BaseModel):
    """A tier that is to be made; the rule for names is the service's."""

    name: Text
    is_default: bool = False


class NameForm(BaseModel):
    """Another name."""

    name: Text


@dataclass(frozen=True)
class Line:
    """A tier as the list shows it."""

    tier: Tier
    address: str
    size: Size
    limits: int


def address_of(name: str) -> str:
    """Return where the page of a tier is."""
    return f"{HERE}/{quote(name, safe='')}"


async def read_new(request: Request, caller: CurrentAdmin, context: InContext) -> NewForm:
    """Read the form for a new tier; a refused one comes back on the list."""
    async with reading(context) as look:
        about = await _listed(look)
    return await read_form(request, NewForm, "tiers.html", about)


async def read_name(request: Request, caller: CurrentAdmin, name: str, context: InContext) -> NameForm:
    """Read the form for another name; a refused one comes back.

    Raises:
        TierNotFound: there is no such tier.
    """
    async with reading(context) as look:
        about = await _about(look, name)
    return await read_form(request, NameForm, "tier_rename.html", about)


@router.get(HERE)
async def show_tiers(request: Request, caller: CurrentAdmin, look: Look) -> Response:
    """Show all tiers, by name."""
    return page(request, "tiers.html", **await _listed(look))


@router.post(HERE)
async def make(
    request: Request, caller: CurrentAdmin, body: Annotated[NewForm, Depends(read_new)], work: Work
) -> Response:
    """Make a tier."""
    tier = await work.tiers.create(caller.id, body.name, is_default=body.is_default)
    return go_saying(request, address_of(tier.name), f"The tier {tier.name} was created. Now add its limits.")


@router.get("/tiers/{name}/rename")
async def show_rename(request: Request, caller: CurrentAdmin, name: str, look: Look) -> Response:
    """Show the form for another name."""
    return page(request, "tier_rename.html", **await _about(look, name))


@router.post("/tiers/{name}/rename")
async def rename(
    request: Request, caller: CurrentAdmin, name: str, body: Annotated[NameForm, Depends(read_name)], work: Work
) -> Response:
    """Give a tier another name."""
    tier = await work.tiers.update(caller.id, name, new_name=body.name)
    return go_saying(request, address_of(tier.name), f"The tier was renamed to {tier.name}.")


async def _listed(look: Services) -> dict[str, Any]:
    tiers = await look.tiers.every()
    sizes = await look.tier_holders.sizes(tiers)
    limits = await look.tier_limits.by_tier()
    lines = [Line(tier, address_of(tier.name), sizes[id_of(tier)], len(limits[id_of(tier)])) for tier in tiers]
    return {"lines": lines, **await at_the_desk(look, "tiers")}


async def _about(look: Services, name: str) -> dict[str, Any]:
    tier = await look.tiers.one(name)
    return {"tier": tier, "at": address_of(tier.name), **await at_the_desk(look, "tiers")}
