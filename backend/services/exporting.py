"""Exports accounts: recorded in the audit before the first one is sent, and read a page at a time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from backend.context import Context
from backend.services.account_files import head, written
from backend.services.audit import Action, Origin
from backend.services.records import Format
from backend.services.rights import Act
from backend.services.work import reading, unit_of_work
from backend.stores.listings import Order, Total, Wanted

_PAGE: Final = 1000


@dataclass(frozen=True)
class Export:
    """The number of accounts, and the file of them, which is written while it is read."""

    total: Total
    pages: AsyncIterator[str]


async def begin(
    context: Context,
    origin: Origin,
    format: Format,  # noqa: A002  # what it is
    wanted: Wanted,
    *,
    admin: UUID | None,
) -> Export:
    """Begin an export by `admin` (None: the command line), and record it: newest accounts first, never a password.

    Raises:
        AdminRequired: the admin's rights were taken away.
    """
    async with unit_of_work(context, origin) as services:
        await services.lifecycle.check_rights(admin, Act.SEE_PEOPLE, oneself=False)
        total = await services.people.total(wanted)
        await services.audit.record(
            Action.USERS_EXPORTED, actor=admin, format=format, accounts=total.count, exact=total.exact
        )
    return Export(total, _pages(context, format, wanted, total))


async def _pages(context: Context, format: Format, wanted: Wanted, total: Total) -> AsyncIterator[str]:  # noqa: A002
    yield head(format)
    cursor: str | None = None
    while True:
        async with reading(context) as services:
            page = await services.people.listings.page(wanted, Order(), after=cursor, limit=_PAGE, total=total)
        yield written(page.rows, format)
        cursor = page.next_cursor
        if cursor is None:
            return
