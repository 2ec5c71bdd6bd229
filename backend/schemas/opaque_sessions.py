"""Dialect B0: session calls whose bodies carry the session."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from backend.schemas.types import Text


class SignInBody(BaseModel):
    """A sign-in by username or email address."""

    login: Text
    password: Text
    appid: Text | None = None


class SessionBody(BaseModel):
    """The session that asks."""

    session: Text
    appid: Text | None = None


class SignOutSessionsBody(SessionBody):
    """Which sessions to end, as ids with commas between them."""

    ids: Text


class Answer(BaseModel):
    """What every success of this dialect says."""

    success: bool = True
    message: str
    timestamp: datetime


class SignInAnswer(Answer):
    """A new session, shown this once."""

    session: str
    user_id: UUID
    email: str


class Info(BaseModel):
    """Whose session it is."""

    id: UUID
    email: str
    name: str
    created_at: datetime
    last_login: datetime | None
    is_active: bool


class InfoAnswer(Answer):
    """Whose session it is."""

    data: Info


class ListedSession(BaseModel):
    """One of a person's sessions. `token` tells rows apart and opens nothing."""

    id: UUID
    token: str
    created_at: datetime
    last_activity: datetime
    ip_address: str | None
    user_agent: str | None
    is_current: bool


class SessionsAnswer(Answer):
    """A person's live sessions."""

    sessions: list[ListedSession]
    total_count: int


class SignOutAnswer(Answer):
    """How many sessions ended."""

    sessions_invalidated: int
