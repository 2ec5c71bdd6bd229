"""A tier made the default one or an ordinary one again, and deleted: each announced before it happens."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.errors import TierNotFound
from backend.models import Tier
from backend.routes.deps import CurrentAdmin, InContext, Look, Work
from backend.routes.pages.questions import Question, ask, read_answer
from backend.routes.pages.rendering import at_the_desk, go_saying
from backend.routes.pages.tiers import HERE, address_of
from backend.services import Services, reading

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class TierAct:
    """One thing that can be done to a tier, as the page before it tells it; `{name}` is the tier's."""

    key: str
    label: str
    question: str
    done: str
    consequences: tuple[str, ...]
    do: Callable[[Services, UUID, str], Awaitable[Tier]]
    danger: bool = False


async def _make_default(work: Services, by: UUID, name: str) -> Tier:
    return await work.tiers.update(by, name, is_default=True)


async def _unmake_default(work: Services, by: UUID, name: str) -> Tier:
    return await work.tiers.update(by, name, is_default=False)


async def _delete(work: Services, by: UUID, name: str) -> Tier:
    return await work.tiers.delete(by, name)


_ACTS: Final[Mapping[str, TierAct]] = {
    act.key: act
    for act in (
        TierAct(
            "make-default",
            "Make default tier",
            "Make {name} the default tier?",
            "{name} is now the default tier.",
            (
                "Its limits apply immediately to every account without a tier.",
                "It replaces the current default tier, if there is one.",
                "Accounts with a tier keep it.",
            ),
            _make_default,
        ),
        TierAct(
            "unmake-default",
            "Remove as default tier",
            "Remove {name} as default tier?",
            "There is now no default tier.",
            (
                "Accounts without a tier have no limits, immediately.",
                "Accounts with this tier keep it.",
            ),
            _unmake_default,
        ),
        TierAct(
            "delete",
            "Delete tier",
            "Delete the tier {name}?",
            "The tier {name} was deleted.",
            (
                "The tier and its limits are deleted. This cannot be undone.",
                "This is only possible if no account has this tier.",
            ),
            _delete,
            danger=True,
        ),
    )
}
_FREES: Final = "It is the default tier: accounts without a tier will have no limits."


async def get_act(action: str, caller: CurrentAdmin) -> TierAct:
    """Return the act a path names.

    Raises:
        TierNotFound: there is no such act.
    """
    if action not in _ACTS:
        raise TierNotFound("There is no such action.")
    return _ACTS[action]


Wanted = Annotated[TierAct, Depends(get_act)]


async def read_yes(request: Request, caller: CurrentAdmin, name: str, wanted: Wanted, context: InContext) -> None:
    """Read a yes; the question comes back if it is refused.

    Raises:
        TierNotFound: there is no such tier.
    """
    async with reading(context) as look:
        question, about = await _question(look, name, wanted), await at_the_desk(look, "tiers")
    await read_answer(request, question, about)


@router.get("/tiers/{name}/{action}")
async def show_question(request: Request, caller: CurrentAdmin, name: str, wanted: Wanted, look: Look) -> Response:
    """Say what will happen, before it happens."""
    return ask(request, await _question(look, name, wanted), await at_the_desk(look, "tiers"))


@router.post("/tiers/{name}/{action}", dependencies=[Depends(read_yes)])
async def act(request: Request, caller: CurrentAdmin, name: str, wanted: Wanted, work: Work) -> Response:
    """Do it."""
    tier = await wanted.do(work, caller.id, name)
    there = HERE if wanted.danger else address_of(tier.name)
    return go_saying(request, there, wanted.done.format(name=tier.name))


async def _question(look: Services, name: str, wanted: TierAct) -> Question:
    tier = await look.tiers.one(name)
    more = (_FREES,) if tier.is_default and wanted.danger else ()
    why_kept = await look.tier_holders.why_kept(tier) if wanted.danger else None
    return Question(
        title=wanted.question.format(name=tier.name),
        consequences=(*wanted.consequences, *more),
        label=wanted.label,
        path=f"{address_of(tier.name)}/{wanted.key}",
        back=address_of(tier.name),
        back_to=tier.name,
        danger=wanted.danger,
        instead=why_kept,
        way=(f"{address_of(tier.name)}/move", "Move accounts to another tier…") if why_kept else None,
    )
