"""Search text and sort keys of accounts, computed by us so that they are the same on every database."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, String, Text
from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime, words
from backend.models.user import Role, Status

LONGEST_KEY: Final = 320
"""Characters of a sort key; PostgreSQL refuses to index values beyond some 2,700 bytes."""


def _key() -> String:
    """Return a type of text that sorts by code points on every database."""
    return String(LONGEST_KEY).with_variant(String(LONGEST_KEY, collation="C"), "postgresql")


class Listing(SQLModel, table=True):
    """One row for each account, derived from `User` and never the other way round."""

    __tablename__ = "listings"
    __table_args__ = (
        Index("ix_listings_username_key_user_id", "username_key", "user_id"),
        Index("ix_listings_email_key_user_id", "email_key", "user_id"),
        Index("ix_listings_name_key_user_id", "name_key", "user_id"),
    )

    number: int | None = Field(default=None, primary_key=True)
    """The rowid by which SQLite's full-text index knows the row."""
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", unique=True)
    text: str = Field(sa_type=Text)
    username_key: str = Field(sa_type=_key())
    email_key: str = Field(sa_type=_key())
    name_key: str = Field(sa_type=_key())
    role: Role = Field(sa_type=words(Role))
    """Role, status and creation are copies of `users`, so that a search need not look up every account it finds."""
    status: Status = Field(sa_type=words(Status))
    created_at: datetime = Field(sa_type=UTCDateTime)
