"""Which tier somebody has, chosen on their page."""

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
from backend.services.tiers import id_of

router = APIRouter(include_in_schema=False)

_LONGEST_ID: Final = 18


def _chosen(value: object) -> object:
    if value in {None, ""}:
        return None
    if not isinstance(value, str) or not value.isdecimal() or len(value) > _LONGEST_ID:
        raise PydanticCustomError("tier", "Choose one of the tiers.")
    return int(value)


class GivenForm(BaseModel):
    """The tier somebody is given; none is the default one."""

    tier: Annotated[int | None, BeforeValidator(_chosen)] = None


def tier_choices(tiers: Sequence[Tier]) -> list[tuple[int | str, str]]:
    """Return what the form that gives somebody a tier offers: none of their own, then each."""
    default = next((f"the default: {tier.name}" for tier in tiers if tier.is_default), "no limits")
    return [("", f"None of their own ({default})"), *((id_of(tier), tier.name) for tier in tiers)] if tiers else []


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
    user = await work.tiers.assign(caller.id, target, body.tier)
    found = await work.tiers.of(user)
    has = f"has the tier {found.given.name}" if found.given else "has no tier of their own"
    return go_saying(request, f"/users/{target}", f"{user.full_name or user.username} {has} now.")
