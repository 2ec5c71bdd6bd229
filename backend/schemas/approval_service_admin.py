"""Dialect A, `/api/auth/admin/*`: the bodies of what administrators and approvers do."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, StrictBool

from backend.schemas.answers import FromDomain
from backend.schemas.approval_service import UserAnswer
from backend.schemas.types import Email, Reason, Text, Username


class UsersAnswer(BaseModel):
    """Accounts, newest first; the counts are over all, not over this page."""

    users: list[UserAnswer]
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
