"""Dialect C, `/api/v1/auth/*`: bodies, and what stands in the envelope of its answers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AliasChoices, BaseModel, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from backend.models import Role, SessionEnd
from backend.schemas.accounts import OwnUser
from backend.schemas.answers import FromDomain
from backend.schemas.types import Text, Unfilled
from backend.schemas.users import SignUpByEmail


class SignUpWithOrganization(SignUpByEmail):
    """Who signs up, and the name of their organization; without one it is named after them."""

    organization_name: Unfilled = None


class LoginBody(BaseModel):
    """A sign-in as JSON."""

    login: Text = Field(validation_alias=AliasChoices("username_or_email", "username", "email"))
    password: Text
    remember_me: StrictBool = False

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        """Let a client send all three names and fill one, leaving others empty; names that differ are no login."""
        names = ("username_or_email", "username", "email")
        if not isinstance(values, dict):
            return values
        unfilled = [name for name in names if name in values and values[name] in (None, "")]
        filled = [values[name] for name in names if name in values and name not in unfilled]
        if any(value != filled[0] for value in filled):
            raise PydanticCustomError("names_differ", "Give one name: username_or_email, username or email.")
        return {name: value for name, value in values.items() if name not in unfilled}


class LoginForm(BaseModel):
    """A sign-in as a form, as OAuth2 clients send it; what else they send is tolerated."""

    username: Text
    password: Text
    remember_me: bool = False


class TokenAnswer(FromDomain):
    """The tokens of a session; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105  # RFC 6750's word
    expires_in: int


class FormAnswer(TokenAnswer):
    """The tokens without an envelope, and the CSRF token that forms send back."""

    csrf_token: str


class SignedInAnswer(BaseModel):
    """Tokens, and whose they are."""

    token: TokenAnswer
    user: OwnUser


class KnownUser(FromDomain):
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
