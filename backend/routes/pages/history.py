"""The audit in words: what a record tells, for a person's history and for the page of the audit."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from backend.errors import VestibuleError
from backend.models import CLOSED, NOT_LET_IN, AuditEvent, MembershipRole
from backend.routes.pages.words import MAILS, ROLES, STATES, exact, standing
from backend.services.audit import CODED, Action
from backend.services.audit_trail import GROUPS, Group, device_of
from backend.services.people import Record

SENTENCES: Final[Mapping[str, str]] = {
    Action.REGISTERED: "Requested an account",
    Action.FIRST_SUPERUSER: "Became the first administrator",
    Action.SIGNIN_SUCCEEDED: "Signed in",
    Action.SIGNIN_FAILED: "Sign-in failed",
    Action.SESSION_OPENED: "Session started",
    Action.SESSION_ENDED: "Session ended",
    Action.SESSION_AGENT_CHANGED: "A session was used by a different program",
    Action.EVERYBODY_SIGNED_OUT: "Everyone was signed out",
    Action.TOKEN_INACTIVITY_EXPIRY: "Token expired after inactivity",
    Action.PROFILE_UPDATED: "Changed their own details",
    Action.PASSWORD_CHANGED: "Changed the password",
    Action.PASSWORD_RESET_REQUESTED: "Password reset requested",
    Action.PASSWORD_RESET_COMPLETED: "Set a new password with a reset link",
    Action.EMAIL_VERIFIED: "Confirmed the email address",
    Action.USER_CREATED: "Account created by an administrator",
    Action.USER_UPDATED: "Account details changed",
    Action.USER_PROMOTED: "Made administrator",
    Action.USER_DEMOTED: "Administrator role removed",
    Action.USER_DELETED: "Account deleted",
    Action.USER_APPROVED: "Approved",
    Action.USER_REJECTED: "Rejected",
    Action.USER_SUSPENDED: "Suspended",
    Action.USER_ACTIVATED: "Reactivated",
    Action.USER_REOPENED: "Request reopened",
    Action.USER_RESTORED: "Account restored",
    Action.ROLE_CHANGED: "Role changed",
    Action.ACCOUNT_EXPIRED: "Access expired",
    Action.ACCOUNT_DEACTIVATED: "Closed the account",
    Action.ANONYMIZED: "Erased for good",
    Action.USERS_EXPORTED: "Accounts exported",
    Action.AUDIT_EXPORTED: "Audit exported",
    Action.OWN_DATA_EXPORTED: "Downloaded their data",
    Action.PASSWORD_RESET_BY_ADMIN: "Temporary password set",
    Action.MAIL_GIVEN_UP: "Undeliverable mail",
    Action.MAIL_SENT_BY_ADMIN: "Mail sent manually",
    Action.LINK_MADE: "Link created manually",
    Action.ORGANIZATION_CREATED: "Created an organization",
    Action.ORGANIZATION_RENAMED: "Organization renamed",
    Action.ORGANIZATION_DELETED: "Organization deleted",
    Action.OWNERSHIP_TRANSFERRED: "Became owner of an organization",
    Action.OWNERSHIP_INHERITED: "Became owner of an organization whose last owner was erased",
    Action.MEMBER_ROLE_CHANGED: "Role in an organization changed",
    Action.MEMBER_REMOVED: "Removed from an organization",
    Action.MEMBER_LEFT: "Left an organization",
    Action.INVITATION_MADE: "Invitation created",
    Action.INVITATION_SENT_AGAIN: "Invitation sent again",
    Action.INVITATION_LINK_MADE: "Invitation link created",
    Action.INVITATION_REVOKED: "Invitation revoked",
    Action.INVITATION_DECLINED: "Invitation declined",
    Action.INVITATION_ACCEPTED: "Accepted an invitation to an organization",
    Action.TIER_CHANGED: "Tier changed",
    Action.TIER_CREATED: "Tier created",
    Action.TIER_UPDATED: "Tier settings changed",
    Action.TIER_DELETED: "Tier deleted",
    Action.REGISTERED_AGAIN: "Someone tried to sign up with this address again",
    Action.REQUEST_AMENDED: "Changed their request",
    Action.REQUEST_WITHDRAWN: "Withdrew their request",
    Action.REQUEST_SENT_AGAIN: "Sent their request again",
    Action.REFUSED: "Request refused",
}
_SHUT_OUT: Final = (*NOT_LET_IN, *CLOSED)
_REASONS: Final[Mapping[str, str]] = {
    "user_logout": "signed out",
    "user_logout_all": "signed out everywhere",
    "user_revoke": "signed out from another device",
    "password_change": "password changed",
    "admin": "ended by an administrator",
    "inactivity": "inactivity",
    "expired": "reached its time limit",
    "refresh_reuse": "a copy of its token was used",
    "agent_change": "used by a different program",
    "too_many": "too many sessions",
    "status": "account status changed",
    "AUTH_INVALID_CREDENTIALS": "wrong password",
    **{f"ACCOUNT_{status.name}": STATES[status].lower() for status in _SHUT_OUT},
    "EMAIL_NOT_VERIFIED": "email address not confirmed",
}


_MOMENTS: Final = frozenset({"access_expires_at", "until"})
_FIELDS: Final[Mapping[str, str]] = {
    "username": "Username",
    "email": "Email",
    "full_name": "Full name",
    "institution": "Institution",
    "approval_note": "Note",
    "profile_image_url": "Picture",
    "is_verified": "Email confirmed",
    "access_expires_at": "Access expires",
}
_OF_ROLES: Final = frozenset({Action.ROLE_CHANGED, Action.USER_PROMOTED, Action.USER_DEMOTED})


@dataclass(frozen=True)
class Told:
    """What a record tells in words, but for who and when; `origin` is the address and the device."""

    action: str
    refused: bool
    reason: str | None
    changes: tuple[str, ...]
    origin: str | None


@dataclass(frozen=True)
class Entry:
    """Records of a person's history that follow each other and tell the same; other people who acted are named."""

    told: Told
    actor_name: str | None
    times: int
    at: datetime
    """When the last of them was."""
    first: datetime


def entries(records: Iterable[Record]) -> list[Entry]:
    """Put a person's records into words, the newest first."""
    lines = [_Line(record.event.at, tell(record.event), _by_another(record)) for record in records]
    alike = [list(group) for _, group in groupby(lines, key=attrgetter("told", "actor_name"))]
    return [
        Entry(group[0].told, group[0].actor_name, times=len(group), at=group[0].at, first=group[-1].at)
        for group in alike
    ]


@dataclass(frozen=True)
class _Line:
    at: datetime
    told: Told
    actor_name: str | None


def tell(event: AuditEvent) -> Told:
    """Put a record into words."""
    origin = ", ".join(word for word in (event.ip_address, device_of(event)) if word)
    return Told(
        action=SENTENCES.get(event.action, event.action),
        refused=event.action in set(GROUPS[Group.REFUSALS]),
        reason=_reason(event) if event.reason else None,
        changes=tuple(_changes(event.action, event.details)),
        origin=origin or None,
    )


def _by_another(record: Record) -> str | None:
    return None if record.event.actor_id == record.event.target_id else record.actor


def _reason(event: AuditEvent) -> str | None:
    """Say a code in words; what a person typed stays as it is."""
    if event.action not in CODED or not event.reason:
        return event.reason
    return _REASONS.get(event.reason) or _refusals().get(event.reason, event.reason)


@cache
def _refusals() -> Mapping[str, str]:
    """Return what each refusal says by its code."""
    found: dict[str, str] = {}
    left = [VestibuleError]
    while left:
        error = left.pop()
        found.setdefault(error.code, error.detail)
        left.extend(error.__subclasses__())
    return found


def _changes(action: str, details: Mapping[str, Any]) -> Iterator[str]:
    for change in details.get("changes", ()):
        name = change["field"]
        old, new = (_value(name, change[which]) for which in ("old", "new"))
        yield f"{_FIELDS.get(name, name)}: {old} → {new}"
    if "used_by" in details:
        yield f"{details['opened_by']} → {details['used_by']}"
    if action in _OF_ROLES and "became" in details:
        yield f"{ROLES.get(details['was'], details['was'])} → {ROLES.get(details['became'], details['became'])}"
    if action == Action.TIER_CHANGED:
        yield f"{details['was'] or '–'} → {details['became'] or '–'}"
    if action == Action.MEMBER_ROLE_CHANGED:
        yield " → ".join(standing(MembershipRole(details[which])) for which in ("was", "became"))
    if action == Action.REFUSED and "path" in details:
        yield f"{details['method']} {details['path']}"
    if "purpose" in details:
        yield MAILS.get(details["purpose"], details["purpose"])
    if "until" in details:
        yield f"Until {_value('until', details['until'])}"


def _value(name: str, value: object) -> str:
    """Write a value as a person would: a moment to the minute, a dash where there is nothing."""
    if value is None:
        return "–"
    return exact(datetime.fromisoformat(str(value))) if name in _MOMENTS else str(value)
