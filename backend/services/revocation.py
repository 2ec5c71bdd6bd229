"""Signing everybody out: after a backup was restored, or when nobody knows which credentials were stolen."""

import asyncio
from collections.abc import Callable
from typing import Final

from backend.context import Context
from backend.models import SessionEnd, User
from backend.services.audit import Action, Origin
from backend.services.wiring import Services
from backend.services.work import unit_of_work
from backend.tokens import digest

_BATCH: Final = 1000
_BREATH_SECONDS: Final = 0.025
"""On SQLite, other processes get to write between two transactions only if there is time between them."""


async def sign_everybody_out(
    context: Context, origin: Origin, *, progress: Callable[[int], None] = lambda _: None
) -> int:
    """End every session there is, also those that a restored backup has brought back; return how many were alive.

    Some accounts at a time: one transaction for all would lock everybody out until the database gives up. It is on
    record from the first of them on; what an interruption has left, another call ends.
    """
    ended, after = 0, None
    while True:
        async with unit_of_work(context, origin) as services:
            users = services.users
            ids = [id_ for id_, _ in await users.ids(after, _BATCH)]
            if after is None:
                await services.audit.record(Action.EVERYBODY_SIGNED_OUT)
            await users.raise_epochs(ids)
            ended += await services.session_store.end_all_of(ids, context.clock.now(), SessionEnd.ADMIN)
        progress(len(ids))
        if len(ids) < _BATCH:
            return ended
        after = ids[-1]
        if context.database.embedded:
            await asyncio.sleep(_BREATH_SECONDS)


async def end_cookie(services: Services, user: User, cookie: str | None) -> None:
    """End the session a browser brings to the sign-in of `user`: no session stands on an old one (ASVS 7.2.4).

    Somebody else's ends after the commit, in a transaction of its own: two who sign in at once, each in the browser of
    the other, would hold one account and wait for the other.
    """
    found = await services.session_store.find_by_credential(digest(cookie)) if cookie else None
    if found is None:
        return
    owner, session = found.identity.id, found.identity.session_id

    async def end(services: Services) -> None:
        await services.sessions.end_some(owner, [session], SessionEnd.USER_LOGOUT, actor=owner)

    async def end_afterwards() -> None:
        async with unit_of_work(services.context, services.audit.origin) as later:
            await end(later)

    if owner == user.id:
        await end(services)
    else:
        services.audit.after_commit(end_afterwards)
