"""The audit in sentences."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backend.models import MembershipRole, Status
from backend.routes.pages.words import MAILS, STATES, exact, standing
from backend.services.audit import Action
from backend.services.people import Record

_SENTENCES: Final[Mapping[Action, str]] = {
    Action.REGISTERED: "Asked for an account",
    Action.FIRST_SUPERUSER: "Became the first administrator of this installation",
    Action.SIGNIN_SUCCEEDED: "Signed in",
    Action.SIGNIN_FAILED: "A sign-in was refused",
    Action.SESSION_OPENED: "A session began",
    Action.SESSION_ENDED: "A session ended",
    Action.SESSION_AGENT_CHANGED: "A session was used by another program than it began with",
    Action.EVERYBODY_SIGNED_OUT: "Everybody was signed out",
    Action.TOKEN_INACTIVITY_EXPIRY: "A token expired by inactivity",
    Action.PROFILE_UPDATED: "Changed their own data",
    Action.PASSWORD_CHANGED: "Changed the password",
    Action.PASSWORD_RESET_REQUESTED: "A password reset was asked for",
    Action.PASSWORD_RESET_COMPLETED: "Set a new password by mail",
    Action.EMAIL_VERIFIED: "Confirmed the email address",
    Action.USER_CREATED: "The account was made by an administrator",
    Action.USER_UPDATED: "The account's data were changed",
    Action.USER_PROMOTED: "Was made an administrator",
    Action.USER_DEMOTED: "Lost the administrator's rights",
    Action.USER_DELETED: "The account was deleted",
    Action.USER_APPROVED: "Was let in",
    Action.USER_REJECTED: "The request was turned down",
    Action.USER_SUSPENDED: "The account was suspended",
    Action.USER_ACTIVATED: "The account was opened again",
    Action.USER_REOPENED: "The request was taken up again",
    Action.USER_RESTORED: "The account was restored",
    Action.ROLE_CHANGED: "Got another role",
    Action.ACCOUNT_EXPIRED: "The access ended",
    Action.ACCOUNT_DEACTIVATED: "Closed the account themselves",
    Action.ACCOUNT_DELETED: "Deleted the account themselves",
    Action.ANONYMIZED: "Was erased for good",
    Action.USERS_EXPORTED: "Accounts were exported",
    Action.OWN_DATA_EXPORTED: "Took their data with them",
    Action.PASSWORD_RESET_BY_ADMIN: "Got a temporary password",
    Action.MAIL_GIVEN_UP: "A mail could not be delivered",
    Action.MAIL_SENT_BY_ADMIN: "A mail was sent by hand",
    Action.LINK_MADE: "A link was made to hand over",
    Action.ORGANIZATION_CREATED: "Made an organization",
    Action.OWNERSHIP_TRANSFERRED: "Was handed an organization",
    Action.OWNERSHIP_INHERITED: "Became owner of an organization whose last owner was erased",
    Action.MEMBER_ROLE_CHANGED: "Got another role in an organization",
    Action.MEMBER_REMOVED: "Was taken out of an organization",
    Action.MEMBER_LEFT: "Left an organization",
    Action.INVITATION_ACCEPTED: "Came into an organization by an invitation",
    Action.TIER_CHANGED: "Got another tier",
    Action.REGISTERED_AGAIN: "Somebody tried to sign up with this address again",
    Action.REFUSED: "Something was refused",
}
_SHUT_OUT: Final = (Status.PENDING, Status.REJECTED, Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED)
_REASONS: Final[Mapping[str, str]] = {
    "user_logout": "signed out",
    "user_logout_all": "signed out everywhere",
    "user_revoke": "signed out from another device",
    "password_change": "the password changed",
    "admin": "an administrator ended it",
    "inactivity": "inactivity",
    "expired": "its time was over",
    "refresh_reuse": "a copy of its token was used",
    "agent_change": "another program used it",
    "too_many": "more sessions than a person may have",
    "status": "the account's status changed",
    "AUTH_INVALID_CREDENTIALS": "wrong password",
    **{f"ACCOUNT_{status.name}": STATES[status].lower() for status in _SHUT_OUT},
    "EMAIL_NOT_VERIFIED": "the email address is not confirmed",
}


_MOMENTS: Final = frozenset({"access_expires_at", "until"})
_FIELDS: Final[Mapping[str, str]] = {
    "username": "Username",
    "email": "Email",
    "full_name": "Full name",
    "institution": "Institution",
    "approval_note": "Note",
    "profile_image_url": "Picture",
    "is_verified": "Address confirmed",
    "access_expires_at": "Access ends",
}
_ROLES: Final[Mapping[str, str]] = {"user": "Member", "approver": "Approver", "admin": "Administrator"}
_OF_ROLES: Final = frozenset({Action.ROLE_CHANGED, Action.USER_PROMOTED, Action.USER_DEMOTED})


@dataclass(frozen=True)
class Entry:
    """One line of a person's history, as the page shows it; who acted is named where it was somebody else."""

    at: datetime
    action: str
    actor_name: str | None
    reason: str | None
    changes: tuple[str, ...]


def entries(records: Iterable[Record]) -> list[Entry]:
    """Put a person's records into words; that a session began is told by the sign-in that began it."""
    return [_entry(record) for record in records]


def _entry(record: Record) -> Entry:
    event = record.event
    action = _SENTENCES.get(Action(event.action), event.action)
    reason = _REASONS.get(event.reason, event.reason) if event.reason else None
    own = event.actor_id == event.target_id
    changes = tuple(_changes(Action(event.action), event.details))
    return Entry(event.at, action, None if own else record.actor, reason, changes)


def _changes(action: Action, details: Mapping[str, Any]) -> Iterator[str]:
    for change in details.get("changes", ()):
        name = change["field"]
        old, new = (_value(name, change[which]) for which in ("old", "new"))
        yield f"{_FIELDS.get(name, name)}: {old} → {new}"
    if "used_by" in details:
        yield f"{details['opened_by']} → {details['used_by']}"
    if action in _OF_ROLES and "became" in details:
        yield f"{_ROLES.get(details['was'], details['was'])} → {_ROLES.get(details['became'], details['became'])}"
    if action is Action.TIER_CHANGED:
        yield f"{details['was'] or '–'} → {details['became'] or '–'}"
    if action is Action.MEMBER_ROLE_CHANGED:
        yield " → ".join(standing(MembershipRole(details[which])) for which in ("was", "became"))
    if "purpose" in details:
        yield MAILS.get(details["purpose"], details["purpose"])
    if "until" in details:
        yield f"Until {_value('until', details['until'])}"


def _value(name: str, value: object) -> str:
    """Write a value as a person would: a moment to the minute, a dash where there is nothing."""
    if value is None:
        return "–"
    return exact(datetime.fromisoformat(str(value))) if name in _MOMENTS else str(value)
