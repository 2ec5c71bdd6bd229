"""The two ways in: `reading` for questions, `unit_of_work` for everything that changes something."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from backend.context import Context
from backend.errors import DatabaseUnavailable
from backend.services.audit import Origin
from backend.services.wiring import Services

_NOWHERE: Final = Origin()


@asynccontextmanager
async def unit_of_work(context: Context, origin: Origin = _NOWHERE) -> AsyncIterator[Services]:
    """Open one writing transaction; it is saved when the block ends, and undone whole if the block raises.

    Raises:
        DatabaseUnavailable: the database does not answer; nothing was changed.
    """
    services = None
    try:
        async with context.database.writing() as session:
            services = Services(context, session, origin)
            yield services
            await context.news.within(session, services.changes)
    except DatabaseUnavailable:
        if services:
            await context.news.doubt(services.changes)
        raise
    await context.news.after(services.changes)
    await services.committed()


@asynccontextmanager
async def reading(context: Context, origin: Origin = _NOWHERE) -> AsyncIterator[Services]:
    """Open a short look at the database; nothing is saved.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    async with context.database.reading() as session:
        yield Services(context, session, origin)
