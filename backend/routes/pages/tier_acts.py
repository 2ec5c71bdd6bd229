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
from backend.routes.pages.rendering import go_saying
from backend.routes.pages.tiers import HERE, address_of, at_the_desk
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
            "Make it the default",
            "Make {name} the default tier?",
            "{name} is the default tier now.",
            (
                "Its limits count at once for every account that was given no tier of its own.",
                "The tier that is the default at present, if there is one, is an ordinary one then.",
                "Accounts that were given a tier keep it.",
            ),
            _make_default,
        ),
        TierAct(
            "unmake-default",
            "Default no more",
            "Shall {name} be the default tier no more?",
            "There is no default tier now.",
            (
                "Accounts that were given no tier are limited by none, at once.",
                "Accounts that were given this tier keep it.",
            ),
            _unmake_default,
        ),
        TierAct(
            "delete",
            "Delete",
            "Delete the tier {name}?",
            "The tier {name} was deleted.",
            (
                "The tier and its limits are gone. There is no way back but to make them again.",
                "No account may have it: whoever was given it needs another one before, or none.",
            ),
            _delete,
            danger=True,
        ),
    )
}
_FREES: Final = "It is the default one: accounts that were given no tier are limited by none then."


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
        question, about = await _question(look, name, wanted), await at_the_desk(look)
    await read_answer(request, question, about)


@router.get("/tiers/{name}/{action}")
async def show_question(request: Request, caller: CurrentAdmin, name: str, wanted: Wanted, look: Look) -> Response:
    """Say what will happen, before it happens."""
    return ask(request, await _question(look, name, wanted), await at_the_desk(look))


@router.post("/tiers/{name}/{action}", dependencies=[Depends(read_yes)])
async def act(request: Request, caller: CurrentAdmin, name: str, wanted: Wanted, work: Work) -> Response:
    """Do it."""
    tier = await wanted.do(work, caller.id, name)
    there = HERE if wanted.danger else address_of(tier.name)
    return go_saying(request, there, wanted.done.format(name=tier.name))


async def _question(look: Services, name: str, wanted: TierAct) -> Question:
    tier = await look.tiers.one(name)
    more = (_FREES,) if tier.is_default and wanted.danger else ()
    return Question(
        title=wanted.question.format(name=tier.name),
        consequences=(*wanted.consequences, *more),
        label=wanted.label,
        path=f"{address_of(tier.name)}/{wanted.key}",
        back=address_of(tier.name),
        back_to=tier.name,
        danger=wanted.danger,
    )
