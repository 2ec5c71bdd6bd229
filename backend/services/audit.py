"""The audit: who did what to whom, when, from where and why; a record in the database and a line in the log."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import structlog

from backend.clock import Clock
from backend.errors import ProvisioningFailed
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
    USER_REOPENED = "admin_user_reopened"
    USER_RESTORED = "admin_user_restored"
    ROLE_CHANGED = "role_changed"
    ACCOUNT_EXPIRED = "account_expired"
    ACCOUNT_DEACTIVATED = "account_deactivated"
    ANONYMIZED = "anonymized"
    PASSWORD_RESET_BY_ADMIN = "admin_password_reset"  # noqa: S105  # an action
    USERS_EXPORTED = "admin_users_export"
    AUDIT_EXPORTED = "audit_exported"
    OWN_DATA_EXPORTED = "own_data_exported"
    MAIL_GIVEN_UP = "mail_given_up"
    MAIL_SENT_BY_ADMIN = "admin_mail"
    LINK_MADE = "admin_link"
    TIER_CHANGED = "tier_changed"
    TIER_CREATED = "tier_created"
    TIER_UPDATED = "tier_updated"
    TIER_DELETED = "tier_deleted"
    ORGANIZATION_CREATED = "organization_created"
    ORGANIZATION_RENAMED = "organization_renamed"
    ORGANIZATION_DELETED = "organization_deleted"
    OWNERSHIP_TRANSFERRED = "ownership_transferred"
    OWNERSHIP_INHERITED = "ownership_inherited"
    MEMBER_ROLE_CHANGED = "member_role_changed"
    MEMBER_REMOVED = "member_removed"
    MEMBER_LEFT = "member_left"
    INVITATION_MADE = "invitation_made"
    INVITATION_SENT_AGAIN = "invitation_sent_again"
    INVITATION_LINK_MADE = "invitation_link_made"
    INVITATION_REVOKED = "invitation_revoked"
    INVITATION_ACCEPTED = "invitation_accepted"
    INVITATION_DECLINED = "invitation_declined"
    REGISTERED_AGAIN = "registered_again"
    REQUEST_AMENDED = "request_amended"
    REQUEST_WITHDRAWN = "request_withdrawn"
    REQUEST_SENT_AGAIN = "request_sent_again"
    REFUSED = "refused"


_TELLING: Final = (
    Action.USER_DELETED,
    Action.USER_UPDATED,
    Action.PROFILE_UPDATED,
    Action.REQUEST_AMENDED,
    Action.REQUEST_WITHDRAWN,
    Action.REQUEST_SENT_AGAIN,
    Action.SESSION_AGENT_CHANGED,
)
"""Actions whose details hold names, addresses or devices."""
CODED: Final = (Action.SIGNIN_FAILED, Action.SESSION_ENDED, Action.SESSION_AGENT_CHANGED, Action.REFUSED)
"""Actions whose reason is one of our codes; all other reasons were typed by somebody."""

COUNTED: Final = frozenset(
    {
        Action.REGISTERED,
        Action.USER_CREATED,
        Action.USER_APPROVED,
        Action.USER_REJECTED,
        Action.SIGNIN_SUCCEEDED,
        Action.SIGNIN_FAILED,
        Action.PASSWORD_RESET_REQUESTED,
        Action.MAIL_GIVEN_UP,
    }
)
"""Actions that are also counted by day; with their reason, where that is a code."""
_COUNTED_REFUSALS: Final = frozenset({ProvisioningFailed.code})
"""Refusals that are counted by day: what is broken, and not what somebody may not do."""


@dataclass(frozen=True)
class Origin:
    """Where a request came from."""

    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    known_device: str | None = field(default=None, repr=False)
    """The token of a known device, not verified yet."""


COMMAND_LINE: Final = Origin(user_agent="command line")
"""Where the changes of a command come from."""


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
        """Record one action; see `record_all`."""
        await self.record_all(action, {target: details}, actor=actor, reason=reason)

    async def record_all(
        self,
        action: Action,
        targets: Mapping[UUID, Mapping[str, Any]] | Mapping[UUID | None, Mapping[str, Any]],
        *,
        actor: UUID | None = None,
        reason: str | None = None,
    ) -> None:
        """Record one action for each target, with its details: small JSON values.

        Log lines follow the commit and carry ids, never names or addresses.
        """
        agent = self.origin.user_agent
        same: dict[str, Any] = {
            "at": self.clock.now(),
            "action": action,
            "actor_id": actor,
            "reason": reason[:_LONGEST_REASON] if reason else None,
            "ip_address": self.origin.ip_address,
            "user_agent": agent[:LONGEST_AGENT] if agent else None,
            "request_id": self.origin.request_id,
        }
        await self.store.add_all(
            [{"target_id": target, "details": dict(details), **same} for target, details in targets.items()]
        )
        if targets and (action in COUNTED or (action is Action.REFUSED and reason in _COUNTED_REFUSALS)):
            self.store.tallies.recorded(same["at"], action, reason if action in CODED else None, len(targets))

        async def log() -> None:
            for target in targets:
                line = {"actor_id": str(actor) if actor else None, "target_id": str(target) if target else None}
                _log.info(action, **line, request_id=self.origin.request_id)

        self.after_commit(log)

    async def forget(self, user_id: UUID) -> None:
        """Erase from all records what tells who somebody was; that something happened, and when, stays on record."""
        await self.store.forget_details(user_id, _TELLING)
        await self.store.forget_reasons(user_id, CODED)
        await self.store.forget_origins(user_id)

    async def knows(self, action: Action, target: UUID, details: Mapping[str, Any]) -> bool:
        """Tell whether a record with the same details is among somebody's last hundred of this action."""
        records = await self.store.about(target, _KNOWN, only=action)
        return any(record.details == details for record in records)
