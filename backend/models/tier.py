"""Tiers of accounts, and the rate limits of each."""

from datetime import datetime
from typing import Final

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime

_NEVER_AGAIN: Final = {"sqlite_autoincrement": True}
"""Ids are never used again: counts against a deleted limit must not go on for a new one."""


class Tier(SQLModel, table=True):
    """A group of accounts with the same limits. Accounts without a tier have the default one's, where there is one."""

    __tablename__ = "tiers"
    __table_args__ = (
        Index(
            "uq_tiers_is_default",
            "is_default",
            unique=True,
            postgresql_where=text("is_default"),
            sqlite_where=text("is_default"),
        ),
        _NEVER_AGAIN,
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=64)
    name_key: str = Field(max_length=256, unique=True)
    """The name in its normal form: two that differ in case only are one."""
    is_default: bool = False
    created_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)


class TierLimit(SQLModel, table=True):
    """At most `amount` requests of one account within `period` seconds to a path and all below it."""

    __tablename__ = "tier_limits"
    __table_args__ = (UniqueConstraint("tier_id", "path"), _NEVER_AGAIN)

    id: int | None = Field(default=None, primary_key=True)
    tier_id: int = Field(foreign_key="tiers.id", ondelete="CASCADE")
    name: str = Field(max_length=100)
    path: str = Field(max_length=200)
    amount: int
    period: int
    created_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)
