"""Times, lengths, sizes and states in words, as people say them."""

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from backend.models import MailPurpose, MailState, MembershipRole, Role, Status

NOW: Final[ContextVar[datetime]] = ContextVar("now")
"""The moment at which a page is written, by the clock of the installation."""
_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_AGES: Final = ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))
_EVERY: Final = {86400: "day", 3600: "hour", 60: "minute", 1: "second"}
_SIZES: Final = ("kB", "MB", "GB", "TB")
_STEP: Final = 1000
_WHOLE: Final = 9.95
"""From here on a size has no decimal."""
STATES: Final[Mapping[Status, str]] = {
    Status.ACTIVE: "Active",
    Status.PENDING: "Pending",
    Status.SUSPENDED: "Suspended",
    Status.EXPIRED: "Access expired",
    Status.DEACTIVATED: "Closed by user",
    Status.REJECTED: "Rejected",
    Status.DELETED: "Deleted",
    Status.ANONYMIZED: "Erased",
}
"""What each state of an account is called, in the order in which people choose from them."""

MAILS: Final[Mapping[MailPurpose, str]] = {
    MailPurpose.VERIFY_EMAIL: "Link to confirm the email address",
    MailPurpose.RESET_PASSWORD: "Link to reset the password",
    MailPurpose.REGISTRATION_RECEIVED: "Request received",
    MailPurpose.ALREADY_REGISTERED: "Account already exists",
    MailPurpose.APPLICANTS_WAITING: "Requests to review",
    MailPurpose.ACCOUNT_APPROVED: "Request approved",
    MailPurpose.ACCOUNT_REJECTED: "Request rejected",
    MailPurpose.PASSWORD_CHANGED: "Password changed",
    MailPurpose.EMAIL_CHANGED: "Email address changed",
    MailPurpose.USERNAME_CHANGED: "Username changed",
    MailPurpose.NEW_DEVICE: "Sign-in on a new device",
    MailPurpose.REFRESH_REUSE: "Session ended for security",
    MailPurpose.SIGN_IN_BLOCKED: "Sign-in blocked temporarily",
    MailPurpose.ORGANIZATION_INVITATION: "Invitation to an organization",
    MailPurpose.ORGANIZATION_DELETED: "Organization deleted",
    MailPurpose.OWNERSHIP_RECEIVED: "New owner of an organization",
    MailPurpose.MEMBERSHIP_ENDED: "Removed from an organization",
}
"""What each mail is for, in the order in which people choose from them."""
MAIL_STATES: Final[Mapping[MailState, str]] = {
    MailState.DUE: "Queued",
    MailState.SENT: "Sending",
    MailState.ACCEPTED: "Sent",
    MailState.FAILED: "Undeliverable",
    MailState.SUPPRESSED: "Not sent",
}
"""What each state of a mail is called, in the order in which a mail may go through them."""

STANDINGS: Final[Mapping[MembershipRole, tuple[str, str, str]]] = {
    MembershipRole.OWNER: ("Owner", "an owner", "can do everything: change roles, transfer it, delete it."),
    MembershipRole.ADMIN: ("Admin", "an admin", "can rename it, invite people, and remove members."),
    MembershipRole.MEMBER: ("Member", "a member", "can see who is in it, but cannot change it."),
}
"""What each role in an organization is called, how it stands in a sentence, and what it means."""


ROLES: Final[Mapping[Role, str]] = {Role.USER: "User", Role.APPROVER: "Approver", Role.ADMIN: "Administrator"}
"""What each role of an account is called."""


def role(role: Role) -> str:
    """Say what somebody is in this installation: "Approver"."""
    return ROLES[role]


def standing(role: MembershipRole) -> str:
    """Say what somebody is in an organization: "Admin"."""
    return STANDINGS[role][0]


def standing_here(role: MembershipRole) -> str:
    """Say what somebody is in an organization, within a sentence: "an admin"."""
    return STANDINGS[role][1]


def standing_means(role: MembershipRole) -> str:
    """Say what a role in an organization allows: "can rename it, …"."""
    return STANDINGS[role][2]


def state(status: Status | MailState) -> str:
    """Say where in its life an account or a mail is: "Access expired"."""
    return MAIL_STATES[status] if isinstance(status, MailState) else STATES[status]


def mail(purpose: MailPurpose) -> str:
    """Say what a mail is for: "Link to reset the password"."""
    return MAILS[purpose]


def age(moment: datetime) -> str:
    """Say how long ago, as people do: "3 days"."""
    seconds = (NOW.get() - moment).total_seconds()
    for length, word in _AGES:
        count = int(seconds // length)
        if count:
            return _many(count, word)
    return "just now"


def until(moment: datetime) -> str:
    """Say how long it is still, as people do: "24 hours"."""
    seconds = (moment - NOW.get()).total_seconds()
    for length, word in _AGES:
        if seconds >= length:
            return _many(ceil(seconds / length), word)
    return "a moment"


def span(length: timedelta) -> str:
    """Say how long, exactly: "20 minutes"."""
    seconds = max(1, round(length.total_seconds()))
    unit, word = next((unit, word) for unit, word in _UNITS if seconds % unit == 0)
    return _many(seconds // unit, word)


def rate(amount: int, seconds: int) -> str:
    """Say how many requests within which time: "100 requests per minute", "1 request per 5 minutes"."""
    within = _EVERY.get(seconds) or span(timedelta(seconds=seconds))
    return f"{amount:,} {'request' if amount == 1 else 'requests'} per {within}"


def exact(moment: datetime) -> str:
    """Say when, to the minute: "3 Mar 2026, 14:05 UTC"."""
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def to_the_second(moment: datetime) -> str:
    """Say when, to the second: "3 Mar 2026, 14:05:09 UTC"."""
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def day(moment: datetime) -> str:
    """Write the day as forms do (UTC): "2026-03-03"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def today(moment: datetime) -> str:
    """Write a day as people say it (UTC): "Saturday, 21 November 2026"."""
    utc = moment.astimezone(UTC)
    return f"{utc:%A}, {utc.day} {utc:%B %Y}"


def size(count: int) -> str:
    """Say how many bytes: "640 bytes", "1.2 MB"; a kilobyte is a thousand of them."""
    if count < _STEP:
        return _many(count, "byte")
    left, unit = float(count), ""
    for unit in _SIZES:  # noqa: B007  # the unit it stops at
        left /= _STEP
        if round(left) < _STEP:
            break
    return f"{left:,.0f} {unit}" if left >= _WHOLE else f"{left:.1f} {unit}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
