"""The installation itself: one row, which is also the lock for rules about all accounts together."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime


class Installation(SQLModel, table=True):
    """The single row that knows whether the first superuser has been claimed, ever."""

    __tablename__ = "installation"

    id: int = Field(default=1, primary_key=True)
    bootstrap_digest: str | None = Field(default=None, max_length=64)
    claimed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    claimed_by: UUID | None = None
    filled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    """When `demo` filled it with invented people, whose password is published; production refuses such a database."""
    revision: int = 0
    """Raised with each change of sessions or accounts, so that other processes on an embedded database notice it."""
