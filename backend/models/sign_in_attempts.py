"""How often somebody has tried to sign in lately."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from backend.models.types import UTCDateTime


class SignInAttempts(SQLModel, table=True):
    """Wrong passwords for one account, or for a name nobody has, within the present window."""

    __tablename__ = "sign_in_attempts"

    subject: str = Field(primary_key=True, max_length=64)
    started_at: datetime = Field(sa_type=UTCDateTime, index=True)
    count: int
