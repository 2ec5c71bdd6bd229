"""Recent attempts to sign in."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime


class SignInAttempts(SQLModel, table=True):
    """Attempts of one subject within the current window.

    A subject is an account (or a name that no account has), an account and a known device, an account and a network,
    or a network alone. The first three are digests that begin alike for the same account. What still counts at a
    later moment is computed in `stores/lockouts.py`.
    """

    __tablename__ = "sign_in_attempts"

    subject: str = Field(primary_key=True, max_length=64)
    started_at: datetime = Field(sa_type=UTCDateTime)
    """When the current window began."""
    failures: int = 0
    """Wrong passwords within it."""
    under_way: int = 0
    """Passwords that are being checked at this moment."""
    level: int = 0
    """Lockouts in a row; each is longer than the one before."""
    closed_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    touched_at: datetime = Field(sa_type=UTCDateTime, index=True)
    """The last attempt; rows that are old enough are removed."""
