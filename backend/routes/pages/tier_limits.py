"""The page of a tier: its limits, in requests and time as people say them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator
from pydantic_core import PydanticCustomError

from backend.api_paths import Idle
from backend.errors import LimitNotFound
from backend.models import TierLimit
from backend.routes.deps import CurrentAdmin, InContext, Look, Work
from backend.routes.pages.forms import read_form
from backend.routes.pages.questions import Question, ask
from backend.routes.pages.rendering import at_the_desk, go, go_saying, page
from backend.routes.pages.tiers import address_of
from backend.routes.pages.words import rate
from backend.schemas.types import Text
from backend.services import Services, reading
from backend.services.tier_holders import id_of

router = APIRouter(include_in_schema=False)

_UNITS: Final = ((1, "seconds"), (60, "minutes"), (3600, "hours"), (86400, "days"))
"""Units of time by their length in seconds, as the form offers them."""
_CALLED: Final = {"limit": "amount", "period": "count"}
"""The form's name of each field that the rule for limits names."""
_IDLE: Final = {
    Idle.UNKNOWN: "the API has no path like this",
    Idle.UNCOUNTED: "requests to this path are never counted",
}
_DIGITS: Final = 12
"""More digits than the largest number of a limit has."""


def _whole(value: object) -> object:
    text = str(value).strip()
    if not text.isdecimal() or len(text) > _DIGITS:
        raise PydanticCustomError("whole", "Enter a whole number, for example 100.")
    return int(text)


def _unit(value: object) -> object:
    return next((length for length, _ in _UNITS if str(length) == value), None) or _no_unit()


def _no_unit() -> object:
    raise PydanticCustomError("unit", "Choose one of the units.")


Whole = Annotated[int, BeforeValidator(_whole)]


class LimitForm(BaseModel):
    """So many requests to a path within so many minutes, or other units of time."""

    path: Text
    amount: Whole
    count: Whole
    unit: Annotated[int, BeforeValidator(_unit)]
    name: Text = ""

    @property
    def terms(self) -> dict[str, Any]:
        """What is limited, and how."""
        return {"path": self.path, "amount": self.amount, "period": self.count * self.unit, "label": self.name or None}


async def read_new(request: Request, caller: CurrentAdmin, name: str, context: InContext) -> LimitForm:
    """Read the form for a new limit; a refused one comes back on the tier's page.

    Raises:
        TierNotFound: there is no such tier.
    """
    async with reading(context) as look:
        about = await _about(look, name)
    return await read_form(request, LimitForm, "tier.html", {**about, "called": _CALLED})


async def get_limit(limit: str, caller: CurrentAdmin) -> int:
    """Return the limit a path names.

    Raises:
        LimitNotFound: the path names none.
    """
    if not limit.isdecimal() or len(limit) > _DIGITS:
        raise LimitNotFound
    return int(limit)


Which = Annotated[int, Depends(get_limit)]


async def read_changed(
    request: Request, caller: CurrentAdmin, name: str, which: Which, context: InContext
) -> LimitForm:
    """Read the form that changes a limit; a refused one comes back.

    Raises:
        TierNotFound, LimitNotFound: there is none.
    """
    async with reading(context) as look:
        about = await _limit(look, name, which)
    return await read_form(request, LimitForm, "tier_limit.html", {**about, "called": _CALLED})


@router.get("/tiers/{name}")
async def show_tier(request: Request, caller: CurrentAdmin, name: str, look: Look) -> Response:
    """Show a tier with its limits."""
    return page(request, "tier.html", **await _about(look, name))


@router.get("/tiers/{name}/limits")
async def find_tier(caller: CurrentAdmin, name: str) -> Response:
    """Lead to the tier's page, also from the address at which a refused form was shown."""
    return go(address_of(name))


@router.post("/tiers/{name}/limits")
async def add(
    request: Request, caller: CurrentAdmin, name: str, body: Annotated[LimitForm, Depends(read_new)], work: Work
) -> Response:
    """Add a limit."""
    limit = await work.tier_limits.add(caller.id, name, **body.terms)
    return go_saying(request, address_of(name), f"Limit added: {_said(limit)}.")


@router.get("/tiers/{name}/limits/{limit}")
async def show_limit(request: Request, caller: CurrentAdmin, name: str, which: Which, look: Look) -> Response:
    """Show the form that changes a limit."""
    return page(request, "tier_limit.html", **await _limit(look, name, which))


@router.post("/tiers/{name}/limits/{limit}")
async def change(
    request: Request,
    caller: CurrentAdmin,
    name: str,
    which: Which,
    body: Annotated[LimitForm, Depends(read_changed)],
    work: Work,
) -> Response:
    """Change a limit."""
    limit = await work.tier_limits.change(caller.id, name, which, body.terms)
    return go_saying(request, address_of(name), f"Limit changed: {_said(limit)}.")


@router.get("/tiers/{name}/limits/{limit}/delete")
async def show_removal(request: Request, caller: CurrentAdmin, name: str, which: Which, look: Look) -> Response:
    """Say what the end of a limit means, before it ends."""
    tier, limit = await look.tiers.one(name), await look.tier_limits.one(name, which)
    question = Question(
        title=f"Remove the limit for {limit.path}?",
        lead=rate(limit.amount, limit.period),
        consequences=(
            f"Unless another limit matches, requests to this path are not limited for the tier {tier.name}.",
            "This takes effect immediately. To undo it, add the limit again.",
        ),
        label="Remove limit",
        path=f"{address_of(tier.name)}/limits/{which}/delete",
        back=address_of(tier.name),
        back_to=tier.name,
        danger=True,
    )
    return ask(request, question, await at_the_desk(look, "tiers"))


@router.post("/tiers/{name}/limits/{limit}/delete")
async def remove(request: Request, caller: CurrentAdmin, name: str, which: Which, work: Work) -> Response:
    """Remove a limit."""
    limit = await work.tier_limits.remove(caller.id, name, which)
    return go_saying(request, address_of(name), f"The limit for {limit.path} was removed.")


async def _about(look: Services, name: str) -> dict[str, Any]:
    tier = await look.tiers.one(name)
    limits = await look.tier_limits.of(tier.name)
    return {
        "tier": tier,
        "at": address_of(tier.name),
        "size": (await look.tier_holders.sizes([tier]))[id_of(tier)],
        "limits": limits,
        "idle": {limit.id: _IDLE[why] for limit in limits if (why := look.tier_limits.why_idle(limit))},
        "paths": look.tier_limits.paths,
        "units": _UNITS,
        **await at_the_desk(look, "tiers"),
    }


async def _limit(look: Services, name: str, which: int) -> dict[str, Any]:
    limit = await look.tier_limits.one(name, which)
    unit = max(length for length, _ in _UNITS if limit.period % length == 0)
    return {**await _about(look, name), "limit": limit, "count": limit.period // unit, "unit": unit}


def _said(limit: TierLimit) -> str:
    return f"{rate(limit.amount, limit.period)} to {limit.path}"
