"""Furnishing: the two accounts and, where nobody else is, an installation full of people around them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from backend.context import Context
from backend.services.audit import Origin
from backend.services.demo.accounts import ACCOUNTS, Made, make, refuse_production
from backend.services.demo.filling import Filled, Play, beginning, fill, written
from backend.services.demo.stage import Moved
from backend.services.work import reading, unit_of_work

Watch = Callable[[Play], AbstractContextManager[Callable[[datetime], None]]]
"""Shows progress: what it gives is called with the time of each scene that is over."""


class Why(Enum):
    """Why an installation is not filled."""

    ASKED = "only the two accounts were asked for"
    BEFORE = "it was filled before"
    OTHERS = "other people are here"


@dataclass(frozen=True)
class Furnished:
    """What was made: the two accounts, and either what the installation holds now or why it was not filled."""

    accounts: Sequence[Made]
    filled: Filled | None = None
    why: Why | None = None


async def furnish(
    context: Context,
    origin: Origin,
    watch: Watch,
    *,
    people: int,
    only_accounts: bool = False,
    among_others: bool = False,
) -> Furnished:
    """Make the demo accounts that are not there yet, and fill the installation with so many people, once and for ever.

    An installation with other people is filled only if it may be done `among_others`.

    Raises:
        SettingsError: this is production.
        UsernameTaken: somebody else has the name of a demo account.
    """
    refuse_production(context)
    why = Why.ASKED if only_accounts else await _why_not(context, among_others=among_others)
    if why:
        return Furnished(await make(context, origin), why=why)
    now = context.clock.now()
    first = beginning(now)
    made = await make(replace(context, clock=Moved(first, first)), origin)
    why = await _claim(context, among_others=among_others)  # last: production never starts after it
    if why:
        return Furnished(made, why=why)
    play = written(now, people)
    with watch(play) as played:
        return Furnished(made, await fill(context, play, played))


async def _claim(context: Context, *, among_others: bool) -> Why | None:
    """Note that the installation is filled; of any number of callers one succeeds (None), the others get the reason."""
    async with unit_of_work(context) as services:
        await services.installation.lock()
        why = await _why_not(context, among_others=among_others)
        if why is None:
            await services.installation.fill(context.clock.now())
        return why


async def _why_not(context: Context, *, among_others: bool) -> Why | None:
    async with reading(context) as look:
        if (await look.installation.get()).filled_at:
            return Why.BEFORE
    return Why.OTHERS if not among_others and await _others(context) else None


async def _others(context: Context) -> bool:
    """Tell whether anybody is here beside the demo accounts, those that are gone included."""
    async with reading(context) as look:
        users = look.users
        ours = [await users.get_by_email(account.email) for account in ACCOUNTS]
        return (await users.tallies.people()).total() > sum(1 for user in ours if user)
