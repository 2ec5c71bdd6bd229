"""One-time tokens: made, superseded and used once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import OneTimeToken, TokenPurpose


class OneTimeTokenStore:
    """The `one_time_tokens` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add(self, token: OneTimeToken) -> None:
        """Add a token, and void the older ones of the same account and purpose.

        Those of the same mail stay good: of a mail that is sent twice, nobody knows which copy arrived.
        """
        await self.void(token.user_id, token.purpose, token.created_at, besides=token.mail_id)
        self._session.add(token)
        await self._session.flush()

    async def void(self, user_id: UUID, purpose: TokenPurpose, now: datetime, *, besides: UUID | None = None) -> None:
        """Make all unused tokens of an account and purpose worthless, but for those of one mail."""
        unused = [
            col(OneTimeToken.user_id) == user_id,
            col(OneTimeToken.purpose) == purpose,
            col(OneTimeToken.used_at).is_(None),
        ]
        if besides:
            unused.append(col(OneTimeToken.mail_id).is_distinct_from(besides))
        await self._session.exec(update(OneTimeToken).where(*unused).values(used_at=now))

    async def void_all(self, user_ids: Collection[UUID], now: datetime) -> None:
        """Make all unused tokens of accounts worthless."""
        unused = col(OneTimeToken.user_id).in_(user_ids), col(OneTimeToken.used_at).is_(None)
        await self._session.exec(update(OneTimeToken).where(*unused).values(used_at=now))

    async def find(self, digest: str, purpose: TokenPurpose, now: datetime) -> OneTimeToken | None:
        """Look at a token that is still good, without using it."""
        good = (
            col(OneTimeToken.digest) == digest,
            col(OneTimeToken.purpose) == purpose,
            col(OneTimeToken.used_at).is_(None),
            col(OneTimeToken.expires_at) > now,
        )
        return (await self._session.exec(select(OneTimeToken).where(*good))).one_or_none()

    async def use(self, token: OneTimeToken, now: datetime) -> bool:
        """Use a token up; True for exactly one of any number of callers (compare-and-swap). It voids the others.

        Call it with the account locked: otherwise two tokens of one mail could be used at the same moment.
        """
        unused = (col(OneTimeToken.id) == token.id, col(OneTimeToken.used_at).is_(None))
        swapped = await self._session.exec(
            update(OneTimeToken).where(*unused).values(used_at=now).returning(col(OneTimeToken.id))
        )
        won = swapped.first() is not None
        if won:
            await self.void(token.user_id, token.purpose, now)
        return won

    async def forget(self, user_id: UUID) -> None:
        """Remove all tokens of an account."""
        await self._session.exec(delete(OneTimeToken).where(col(OneTimeToken.user_id) == user_id))

    async def remove_over(self, before: datetime, limit: int) -> int:
        """Remove tokens that ran out before this moment; tell how many."""
        old = select(OneTimeToken.id).where(col(OneTimeToken.expires_at) < before).limit(limit)
        old = old.with_for_update(skip_locked=True)
        result: Any = await self._session.exec(delete(OneTimeToken).where(col(OneTimeToken.id).in_(old)))
        return int(result.rowcount)
