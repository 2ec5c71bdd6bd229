"""How often somebody has tried to sign in lately."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime


class SignInAttempts(SQLModel, table=True):
    """Passwords within the present window: for an account or a name nobody has, by a known device, from a place.

    The subject is a digest that begins alike for all that concerns one account, or the network of a place. What the
    columns mean as time goes on is in `stores/lockouts.py`.
    """

    __tablename__ = "sign_in_attempts"

    subject: str = Field(primary_key=True, max_length=64)
    started_at: datetime = Field(sa_type=UTCDateTime)
    """When the present window began."""
    failures: int = 0
    """Wrong ones within it."""
    under_way: int = 0
    """Those that are being checked at this moment."""
    level: int = 0
    """How many times in a row it was closed; each time for longer."""
    closed_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    touched_at: datetime = Field(sa_type=UTCDateTime, index=True)
    """The last attempt: what nobody has touched for long is forgotten."""
