"""The audit: who did what to whom, when, from where and why; a record in the database and a line in the log."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import structlog

from backend.clock import Clock
from backend.models import AuditEvent
from backend.stores.audit import AuditStore

LONGEST_AGENT: Final = 400
"""Characters of a user agent that are looked at."""
_LONGEST_REASON: Final = 1000
_KNOWN: Final = 100
_log = structlog.get_logger("vestibule.audit")


class Action(StrEnum):
    """What can be recorded."""

    REGISTERED = "registered"
    FIRST_SUPERUSER = "first_user_superuser_promotion"
    SIGNIN_SUCCEEDED = "signin_succeeded"
    SIGNIN_FAILED = "signin_failed"
    SESSION_OPENED = "session_opened"
    SESSION_ENDED = "session_ended"
    SESSION_AGENT_CHANGED = "session_agent_changed"
    TOKEN_INACTIVITY_EXPIRY = "token_inactivity_expiry"  # noqa: S105  # an action
    EVERYBODY_SIGNED_OUT = "everybody_signed_out"
    PROFILE_UPDATED = "profile_updated"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # an action
    PASSWORD_RESET_REQUESTED = "password_reset_requested"  # noqa: S105  # an action
    PASSWORD_RESET_COMPLETED = "password_reset_completed"  # noqa: S105  # an action
    EMAIL_VERIFIED = "email_verified"
    USER_CREATED = "admin_user_creation"
    USER_UPDATED = "admin_user_update"
    USER_PROMOTED = "admin_user_promotion"
    USER_DEMOTED = "admin_user_demotion"
    USER_DELETED = "admin_user_deletion"
    USER_APPROVED = "admin_user_approved"
    USER_REJECTED = "admin_user_rejected"
    USER_SUSPENDED = "admin_user_suspended"
    USER_ACTIVATED = "admin_user_activated"
    PASSWORD_RESET_BY_ADMIN = "admin_password_reset"  # noqa: S105  # an action
    REFUSED = "refused"


@dataclass(frozen=True)
class Origin:
    """Where a request came from."""

    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Audit:
    """Writes records within one transaction: a change and its record are saved together or not at all."""

    store: AuditStore
    clock: Clock
    origin: Origin
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]

    async def record(
        self,
        action: Action,
        *,
        target: UUID | None = None,
        actor: UUID | None = None,
        reason: str | None = None,
        **details: Any,  # noqa: ANN401  # small JSON values
    ) -> None:
        """Record one action. The log line follows the commit and carries ids, never names or addresses."""
        agent = self.origin.user_agent
        await self.store.add(
            AuditEvent(
                at=self.clock.now(),
                action=action,
                actor_id=actor,
                target_id=target,
                reason=reason[:_LONGEST_REASON] if reason else None,
                details=details,
                ip_address=self.origin.ip_address,
                user_agent=agent[:LONGEST_AGENT] if agent else None,
                request_id=self.origin.request_id,
            )
        )
        line = {"actor_id": str(actor) if actor else None, "target_id": str(target) if target else None}

        async def log() -> None:
            _log.info(action, **line, request_id=self.origin.request_id)

        self.after_commit(log)

    async def knows(self, action: Action, target: UUID, details: Mapping[str, Any]) -> bool:
        """Tell whether the very same is on record about somebody, as far back as a hundred records of its kind."""
        records = await self.store.about(target, _KNOWN, only=action)
        return any(record.details == details for record in records)
