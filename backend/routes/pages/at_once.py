"""One thing done to many people: chosen in a list, announced on a page, and done once."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints

from backend.models import GONE, Status
from backend.routes.pages.failures import in_words
from backend.routes.pages.forms import BackTo, check, refuse, typed
from backend.routes.pages.many import TIER, Many
from backend.routes.pages.rendering import at_the_desk, go_saying, own_path, page
from backend.routes.pages.tier_of_person import GivenToMany, choices_for_many, named
from backend.schemas.types import Reason, Text
from backend.services import Services, bulk

MOST: Final = 1_000
"""Accounts in one go: a page of a list has fifty, a tier any number."""
_SHOWN: Final = 50
"""So many people the confirmation page names; of more it gives the number."""
_LEFT_ALONE: Final = "People it does not apply to are skipped and listed."


class ManyForm(BaseModel):
    """What the confirmation page sends beside whom it is about."""

    tier: GivenToMany = None
    reason: Reason = None
    key: Annotated[Text, StringConstraints(min_length=1, max_length=100)]


@dataclass(frozen=True)
class Chosen:
    """What is to be done, to whom, and the list one comes from."""

    many: Many
    ids: Sequence[str]
    back: str
    of_tier: int | None = None
    """The tier that all of them have, where they were chosen by it."""
    left: Sequence[str] = ()
    """What is to be known about who has it and is not among them."""

    @property
    def room(self) -> str:
        """Where the list is: users, approvals or tiers."""
        return next((name for name in ("approvals", "tiers") if self.back.startswith(f"/{name}")), "users")

    @property
    def applicants(self) -> bool:
        """Whether it is about those who wait, and about nobody else."""
        return self.room == "approvals"

    @property
    def at(self) -> str:
        """Where the form of the confirmation page goes."""
        return "/approvals/bulk" if self.applicants else "/users/bulk"

    @property
    def back_to(self) -> str:
        """What the way back leads to."""
        return "tier" if self.room == "tiers" else "list"


def choice_in(lists: tuple[str, ...], offered: Sequence[Many]) -> Callable[[Request], Awaitable[Chosen]]:
    """Make a dependency that reads what was chosen in one of these lists.

    It reads the address of the confirmation page, or its form, and raises RequestValidationError if nobody was chosen,
    or nothing that is offered there.
    """

    async def read(request: Request) -> Chosen:
        sent = request.query_params if request.method == "GET" else await request.form()
        back = own_path(str(sent.get("then", "")))
        back = back if back.startswith(lists) else lists[0]
        request.state.again = BackTo(back)
        ids = list(dict.fromkeys(id_ for value in sent.getlist("chosen") for id_ in str(value).split(",")))
        many = next((one for one in offered if one.key == sent.get("operation")), None)
        if not ids:
            refuse("chosen", "Select people first, with the boxes next to their names.")
        if len(ids) > MOST:
            refuse("chosen", f"Select at most {MOST:,} people at once.")
        if many is None:
            refuse("operation", "Choose an action first.")
        return Chosen(many, ids, back)

    return read


async def call_of(request: Request, chosen: Chosen) -> bulk.Call:
    """Read the form of the confirmation page into a call that can be made again without being done again.

    Raises:
        RequestValidationError: the reason breaks the rule for texts.
    """
    form = check(ManyForm, await typed(request))
    if chosen.many is TIER and "tier" not in form.model_fields_set:
        refuse("tier", "Choose a tier.")
    many = chosen.many
    return bulk.Call(many.operation, chosen.ids, many.role, form.tier, form.reason, form.key)


async def told(request: Request, chosen: Chosen, call: bulk.Call, outcome: bulk.Outcome, look: Services) -> Response:
    """Say what was done, and to whom it was not and why."""
    done = _done(chosen.many, outcome.succeeded).format(tier=await named(look, call.tier_id))
    if not outcome.errors:
        return go_saying(request, chosen.back, f"{done}.")
    skipped = await look.people.chosen(list(outcome.errors))
    return page(
        request,
        "bulk_done.html",
        chosen=chosen,
        people=[user for user in skipped if not chosen.applicants or user.status not in GONE],
        outcome=outcome,
        why={id_: in_words(code, sentence) for id_, (code, sentence) in outcome.errors.items()},
        said=done if outcome.succeeded else "Nothing was changed",
        **await at_the_desk(look, chosen.room),
    )


async def confirmation(request: Request, chosen: Chosen, look: Services) -> Response:
    """Show what will happen to whom, and the form that lets it.

    Raises:
        RequestValidationError: it is about those who wait, and none of them does any more.
    """
    people = await look.people.chosen(chosen.ids)
    if chosen.applicants:
        waiting = [user for user in people if user.status is Status.PENDING]
        if not waiting:
            refuse("chosen", "Nobody you selected is waiting any more.")
        gone, people = len(chosen.ids) - len(waiting), waiting
        chosen = replace(chosen, left=[_decided(gone)] if gone else [])
    return page(
        request,
        "bulk.html",
        chosen=chosen,
        people=people,
        shown=_SHOWN,
        tiers=choices_for_many(await look.tiers.every(), chosen.of_tier) if chosen.many is TIER else (),
        key=secrets.token_urlsafe(16),
        left_alone=_LEFT_ALONE,
        **await at_the_desk(look, chosen.room),
    )


def _decided(count: int) -> str:
    return f"{count:,} of those you selected {'is' if count == 1 else 'are'} not waiting any more."


def _done(many: Many, count: int) -> str:
    return f"1 person {many.one}" if count == 1 else f"{count:,} people {many.more}"
