"""Dialect A, `/api/auth/*`: the bodies of the approval service, but for those of administrators."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AliasChoices, BaseModel, Field, PlainSerializer, WithJsonSchema

from backend.schemas.answers import FromDomain
from backend.schemas.types import Email, FullName, Institution, Note, Text, Username


class RegisterBody(BaseModel):
    """Who signs up. Rights in the body are ignored, as fastapi-users does."""

    username: Username
    email: Email
    password: Text
    full_name: FullName = Field(default=None, validation_alias=AliasChoices("full_name", "name"))
    approval_note: Note = None
    institution: Institution = None
    bootstrap_token: Text | None = None


class UserAnswer(FromDomain):
    """The user object of dialect A: fastapi-users' fields, and the story of the approval."""

    id: UUID
    email: str
    is_active: bool
    is_superuser: bool
    is_verified: bool
    username: str
    is_approved: bool
    approval_note: str | None
    institution: str | None
    approved_by: UUID | None
    approved_at: datetime | None
    created_at: datetime


class LoginBody(BaseModel):
    """A sign-in by username or email address."""

    username_or_email: Text
    password: Text


class SignedInUser(FromDomain):
    """Whom a token belongs to."""

    id: UUID
    username: str
    email: str
    is_active: bool
    is_superuser: bool
    is_approved: bool


class LoginAnswer(BaseModel):
    """The tokens of a new session; `expires_in` is the access token's life in seconds."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105  # RFC 6750's word
    expires_in: int
    refresh_token: str
    user: SignedInUser


class WhoAmI(FromDomain):
    """Who carries this token."""

    username: str
    id: UUID
    is_superuser: bool
    is_active: bool


class Features(BaseModel):
    """What clients may rely on."""

    inactivity_based_expiration: bool = True
    approval_workflow: bool
    cookie_sessions: bool = True


def _plainly(amount: float) -> int | float:
    return int(amount) if amount.is_integer() else amount


Amount = Annotated[float, PlainSerializer(_plainly, when_used="json"), WithJsonSchema({"type": "number"})]
"""A number that is written without a fraction where it has none."""


class ConfigAnswer(BaseModel):
    """The settings in force that clients need to know."""

    inactivity_threshold_minutes: Amount
    max_token_lifetime_hours: Amount
    features: Features
    registration: str
    email_features_enabled: bool


class ResetBody(BaseModel):
    """A reset token and the password to set."""

    token: Text
    password: Text = Field(validation_alias=AliasChoices("password", "new_password"))


class ChangePasswordBody(BaseModel):
    """The present password and the one to come."""

    current_password: Text
    new_password: Text
