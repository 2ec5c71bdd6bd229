"""Dialect A, `/api/auth/*`: the bodies of the approval service."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AliasChoices, BaseModel, Field, PlainSerializer, StrictBool, WithJsonSchema

from backend.schemas.answers import FromDomain
from backend.schemas.types import Email, FullName, Institution, Note, Reason, Text, Username


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


class ListedUser(FromDomain):
    """One account in an administrator's list."""

    id: UUID
    username: str
    email: str
    is_active: bool
    is_superuser: bool
    is_verified: bool
    is_approved: bool
    approval_note: str | None
    institution: str | None
    approved_by: UUID | None
    approved_at: datetime | None
    created_at: datetime


class UsersAnswer(BaseModel):
    """Accounts, newest first; the counts are over all, not over this page."""

    users: list[ListedUser]
    total: int
    superusers: int
    active_users: int
    next_cursor: str | None


class CreateUserBody(BaseModel):
    """An account an administrator makes; what is wrong with the names is told as why it was not made."""

    username: Text
    email: Text
    password: Text
    is_superuser: StrictBool = False
    is_active: StrictBool = True


class UpdateUserBody(BaseModel):
    """What an administrator changes; null and absent mean: leave alone. Their own address needs their password."""

    username: Username | None = None
    email: Email | None = None
    is_active: StrictBool | None = None
    is_superuser: StrictBool | None = None
    current_password: Text | None = None

    def changes(self) -> dict[str, Any]:
        """Return what is to change."""
        return self.model_dump(exclude_none=True, exclude={"current_password"})


class AdministeredUser(FromDomain):
    """An account after an administrator's change."""

    id: UUID
    username: str
    email: str
    is_active: bool
    is_superuser: bool


class AdministeredAnswer(BaseModel):
    """What an administrator did, and to whom."""

    message: str
    user: AdministeredUser


class ReasonBody(BaseModel):
    """Why, for the audit. Anything else in it is tolerated."""

    reason: Reason = None


class SystemInfo(BaseModel):
    """Facts about the installation."""

    first_user_created: datetime | None
    has_superusers: bool


class StatsAnswer(BaseModel):
    """How many accounts there are, counted by the database."""

    total_users: int
    active_users: int
    inactive_users: int
    superusers: int
    regular_users: int
    system_info: SystemInfo


class PendingUser(FromDomain):
    """Somebody who waits for a decision."""

    id: UUID
    username: str
    email: str
    approval_note: str | None
    institution: str | None
    created_at: datetime
    is_active: bool


class PendingAnswer(BaseModel):
    """Who waits, longest first; `count` is over all of them."""

    pending_users: list[PendingUser]
    count: int
    next_cursor: str | None


class DecisionBody(BaseModel):
    """Yes or no, why, and whether an earlier no may be reconsidered."""

    approved: StrictBool
    reason: Reason = None
    reconsider: StrictBool = False


class DecidedUser(FromDomain):
    """An account after a decision."""

    id: UUID
    username: str
    email: str
    is_approved: bool
    is_active: bool
    approved_by: UUID | None
    approved_at: datetime | None


class DecisionAnswer(BaseModel):
    """What was decided, and about whom."""

    message: str
    user: DecidedUser


class AdminResetBody(BaseModel):
    """Whose password to replace."""

    user_id: Text
    reason: Reason = None


class AdminResetAnswer(BaseModel):
    """A temporary password, shown this once; it opens nothing but its own change, and that for a while only."""

    message: str = "Password reset successfully"
    temp_password: str
    email_sent: bool = False
