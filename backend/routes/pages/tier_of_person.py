"""Which tier somebody has, chosen on their page; and the choices of the form that gives one to many."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator
from pydantic_core import PydanticCustomError

from backend.models import Tier
from backend.routes.deps import CurrentAdmin, Work
from backend.routes.pages.forms import BackTo, Person, check, typed
from backend.routes.pages.rendering import go, go_saying
from backend.services import Services
from backend.services.tier_holders import id_of

router = APIRouter(include_in_schema=False)

_LONGEST_ID: Final = 18
_NONE: Final = "none"
"""What the form for many sends for no tier of their own: left empty, nothing was chosen."""


def _chosen(value: object) -> object:
    if value in {None, ""}:
        return None
    if not isinstance(value, str) or not value.isdecimal() or len(value) > _LONGEST_ID:
        raise PydanticCustomError("tier", "Choose one of the tiers.")
    return int(value)


def _chosen_for_many(value: object) -> object:
    if value == "":
        raise PydanticCustomError("tier", "Choose a tier.")
    return None if value == _NONE else _chosen(value)


GivenToMany = Annotated[int | None, BeforeValidator(_chosen_for_many)]
"""The tier that many are given; None takes theirs away."""


class GivenForm(BaseModel):
    """The tier somebody is given; none is the default one."""

    tier: Annotated[int | None, BeforeValidator(_chosen)] = None


def tier_choices(tiers: Sequence[Tier]) -> list[tuple[int | str, str]]:
    """Return what the form that gives somebody a tier offers: none of their own, then each."""
    default = next((f"the default: {tier.name}" for tier in tiers if tier.is_default), "no limits")
    return [("", f"None ({default})"), *((id_of(tier), tier.name) for tier in tiers)] if tiers else []


def choices_for_many(tiers: Sequence[Tier], former: int | None) -> list[tuple[int | str, str]]:
    """Return what the form that gives many a tier offers, but for the one that all of them have."""
    offered = tier_choices(tiers)
    return [("", "Choose…"), *((id_ or _NONE, words) for id_, words in offered if id_ != former)]


async def named(look: Services, tier_id: int | None) -> str:
    """Name what somebody has who was given a tier."""
    found = (f"the tier {tier.name}" for tier in await look.tiers.every() if tier.id == tier_id)
    return next(found, "no tier")


async def read_given(request: Request, caller: CurrentAdmin, target: Person) -> GivenForm:
    """Read which tier somebody is given; their page says why it is refused.

    Raises:
        RequestValidationError: it is none.
    """
    request.state.again = BackTo(f"/users/{target}")
    return check(GivenForm, await typed(request))


@router.get("/users/{id}/tier")
async def find_person(caller: CurrentAdmin, target: Person) -> Response:
    """Lead to the person's page, where the tier is chosen."""
    return go(f"/users/{target}")


@router.post("/users/{id}/tier")
async def give(
    request: Request, caller: CurrentAdmin, target: Person, body: Annotated[GivenForm, Depends(read_given)], work: Work
) -> Response:
    """Give somebody a tier, or none of their own."""
    user = await work.tier_holders.assign(caller.id, target, body.tier)
    found = await work.tier_holders.allowance(user)
    has = f"the tier {found.given.name}" if found.given else "no tier"
    return go_saying(request, f"/users/{target}", f"{user.display_name} now has {has}.")
