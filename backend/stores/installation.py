"""The one row about the installation: the first superuser's flag, and a lock."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import Installation

_ONLY: Final = 1


class InstallationStore:
    """The `installation` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def get(self) -> Installation:
        """Return the row as it is now."""
        return (await self._session.exec(select(Installation).where(Installation.id == _ONLY))).one()

    async def lock(self) -> Installation:
        """Return the row and let nobody else past this point until this transaction ends.

        Rules about all accounts together (the first superuser, the last one, how many may wait) are decided behind
        this lock. Take it before any account's.
        """
        query = select(Installation).where(Installation.id == _ONLY).with_for_update()
        return (await self._session.exec(query.execution_options(populate_existing=True))).one()

    async def claim(self, user_id: UUID, now: datetime) -> None:
        """Note who became the first superuser; call it with the row locked and unclaimed."""
        row = await self.get()
        row.claimed_at, row.claimed_by, row.bootstrap_digest = now, user_id, None
        self._session.add(row)
        await self._session.flush()

    async def fill(self, now: datetime) -> None:
        """Note that it is filled with invented people; call it with the row locked."""
        row = await self.get()
        row.filled_at = now
        self._session.add(row)
        await self._session.flush()

    async def expect_token(self, digest: str) -> None:
        """Note the digest of the token that the first registration has to show."""
        row = await self.get()
        row.bootstrap_digest = digest
        self._session.add(row)
        await self._session.flush()
