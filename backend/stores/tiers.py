"""Tiers and their limits, and who has which."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.errors import LimitExists, TierExists, TierInUse, VestibuleError
from backend.models import Tier, TierLimit, User

MOST_ID: Final = 2**31 - 1
"""The largest id that there can be."""


class TierStore:
    """The `tiers` and `tier_limits` tables within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def all(self) -> Sequence[Tier]:
        """Return all tiers, by name."""
        return (await self._session.exec(select(Tier).order_by(col(Tier.name_key)))).all()

    async def page(self, offset: int, limit: int) -> tuple[Sequence[Tier], int]:
        """Return some tiers, by name, and how many there are."""
        query = select(Tier).order_by(col(Tier.name_key)).offset(offset).limit(limit)
        count = (await self._session.exec(select(func.count()).select_from(Tier))).one()
        return (await self._session.exec(query)).all(), count

    async def get(self, id_: int) -> Tier | None:
        """Return the tier of an id."""
        return await self._one(col(Tier.id) == id_) if 0 < id_ <= MOST_ID else None

    async def called(self, key: str) -> Tier | None:
        """Return the tier whose name has this normal form."""
        return await self._one(col(Tier.name_key) == key)

    async def default(self) -> Tier | None:
        """Return the tier of the accounts that have none of their own."""
        return await self._one(col(Tier.is_default).is_(True))

    async def save(self, tier: Tier) -> None:
        """Add a tier, or write down what has changed of it.

        Raises:
            TierExists: another one has its name, or is the default; the transaction can only be rolled back.
        """
        self._session.add(tier)
        await self._flush(TierExists)

    async def delete(self, tier: Tier) -> None:
        """Remove a tier with its limits.

        Raises:
            TierInUse: an account has it; the transaction can only be rolled back.
        """
        await self._session.delete(tier)
        await self._flush(TierInUse)

    async def limits(self, tier_id: int) -> Sequence[TierLimit]:
        """Return the limits of a tier, by path."""
        query = select(TierLimit).where(TierLimit.tier_id == tier_id).order_by(col(TierLimit.path))
        return (await self._session.exec(query)).all()

    async def limit(self, tier_id: int, id_: int) -> TierLimit | None:
        """Return one limit of a tier."""
        if not 0 < id_ <= MOST_ID:
            return None
        query = select(TierLimit).where(TierLimit.tier_id == tier_id, TierLimit.id == id_)
        return (await self._session.exec(query)).one_or_none()

    async def save_limit(self, limit: TierLimit) -> None:
        """Add a limit, or write down what has changed of it.

        Raises:
            LimitExists: the tier has one for this path; the transaction can only be rolled back.
        """
        self._session.add(limit)
        await self._flush(LimitExists)

    async def delete_limit(self, limit: TierLimit) -> None:
        """Remove a limit."""
        await self._session.delete(limit)
        await self._session.flush()

    async def everything(self) -> tuple[Sequence[Tier], Sequence[TierLimit]]:
        """Return all tiers and all limits."""
        return await self.all(), (await self._session.exec(select(TierLimit))).all()

    async def holders(self, tier_id: int, limit: int) -> tuple[int, Sequence[User]]:
        """Tell how many accounts have a tier, deleted ones included, and return those that came first."""
        query = select(User).where(User.tier_id == tier_id).order_by(col(User.created_at), col(User.id)).limit(limit)
        count = select(func.count()).select_from(User).where(col(User.tier_id) == tier_id)
        return (await self._session.exec(count)).one(), (await self._session.exec(query)).all()

    async def _one(self, condition: ColumnElement[bool]) -> Tier | None:
        query: Any = select(Tier).where(condition).execution_options(populate_existing=True)
        tier: Tier | None = (await self._session.exec(query)).one_or_none()
        return tier

    async def _flush(self, otherwise: type[VestibuleError]) -> None:
        try:
            await self._session.flush()
        except IntegrityError:
            raise otherwise from None
