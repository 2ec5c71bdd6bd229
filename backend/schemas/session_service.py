"""Dialect C, `/api/v1/auth/*`: bodies and answers in an envelope."""

from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from backend.models import Role, SessionEnd
from backend.schemas.accounts import OwnUser
from backend.schemas.types import Text
from backend.schemas.users import SignUpByEmail

Data = TypeVar("Data")


class Answer(BaseModel):
    """An answer built from a domain object."""

    model_config = ConfigDict(from_attributes=True)


class Envelope(BaseModel, Generic[Data]):
    """What every success of this dialect comes in."""

    success: bool = True
    data: Data
    message: str


class RegisterBody(SignUpByEmail):
    """Who signs up, and what their organization is to be called; it has a name by itself."""

    organization_name: Text | None = None


class LoginBody(BaseModel):
    """A sign-in as JSON."""

    login: Text = Field(validation_alias=AliasChoices("username_or_email", "username", "email"))
    password: Text
    remember_me: StrictBool = False

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        """Let a client send all three names and fill one; names that differ are no login."""
        names = ("username_or_email", "username", "email")
        if not isinstance(values, dict):
            return values
        filled = [values[name] for name in names if values.get(name) is not None]
        if any(value != filled[0] for value in filled):
            raise PydanticCustomError("names_differ", "Give one name: username_or_email, username or email.")
        return {name: value for name, value in values.items() if value is not None or name not in names}


class LoginForm(BaseModel):
    """A sign-in as a form, as OAuth2 clients send it; what else they send is tolerated."""

    username: Text
    password: Text
    remember_me: bool = False


class TokenAnswer(BaseModel):
    """The tokens of a session; `expires_in` is the access token's life in seconds."""

    model_config = ConfigDict(from_attributes=True)

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105  # RFC 6750's word
    expires_in: int


class FormAnswer(TokenAnswer):
    """The same, bare, with the token that forms send back."""

    csrf_token: str


class SignedInAnswer(BaseModel):
    """Tokens, and whose they are."""

    token: TokenAnswer
    user: OwnUser


class KnownUser(Answer):
    """What is known about a caller without asking the database."""

    id: UUID
    username: str
    email: str
    full_name: str | None
    role: Role
    is_active: bool
    is_superuser: bool
    is_verified: bool


class CheckAuthAnswer(BaseModel):
    """Whether somebody is signed in, and who."""

    authenticated: bool
    user: KnownUser | None = None


class RefreshBody(BaseModel):
    """The refresh token of a session."""

    refresh_token: Text


class LogoutBody(BaseModel):
    """What to end beside this session, or instead of it."""

    session_id: Text | None = None
    revoke_all_sessions: StrictBool = False
    refresh_token: Text | None = None


class Message(BaseModel):
    """What happened."""

    message: str


class CsrfAnswer(BaseModel):
    """The token that forms and scripts send with a change."""

    csrf_token: str


class SessionAnswer(BaseModel):
    """One of a person's sessions."""

    id: UUID
    device_id: str | None
    device_name: str | None
    device_type: str
    ip_address: str | None
    user_agent: str | None
    created_at: datetime
    last_activity: datetime
    expires_at: datetime
    is_current: bool
    is_active: bool
    ended_at: datetime | None
    ended_because: SessionEnd | None
