"""Moves a deleted account's directory to the trash and destroys an erased one's, safely beside other changes."""

import asyncio
from uuid import UUID

from backend.context import Context
from backend.models import Status
from backend.stores.users import UserStore


async def withdraw(context: Context, id_: UUID) -> None:
    """Move a directory to the trash, unless its account was restored meanwhile; the account is locked until it is done.

    Raises:
        DatabaseUnavailable: nobody knows whether it may be moved; the reconciler tries again.
    """
    async with context.database.writing() as session:
        user = await UserStore(session).lock(id_)
        if user is None or user.status is Status.DELETED:
            await asyncio.to_thread(context.provisioner.withdraw, id_, context.clock.now())


async def erase(context: Context, id_: UUID) -> None:
    """Destroy the directory of an erased account and its copies in the trash. Nothing is locked meanwhile.

    Raises:
        ErasingFailed: something of it is still there; asked again, it goes on from there.
        DatabaseUnavailable: nobody knows whether it may be destroyed.
    """
    async with context.database.reading() as session:
        user = await UserStore(session).get(id_)
        erased = user is not None and user.status is Status.ANONYMIZED  # and nothing leads out of this status
    if erased:
        await asyncio.to_thread(context.provisioner.erase, id_)
