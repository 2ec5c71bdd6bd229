"""Who may do what: the one table that routes, services and pages ask."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Final

from backend.models import Role


class Oneself(Enum):
    """Whoever the act is about."""

    ONESELF = "oneself"


class Act(StrEnum):
    """What can be done to accounts, or be read about them."""

    DECIDE = "decide about applicants and see who waits"
    SEE_PEOPLE = "list, search, count and export accounts"
    SEE_PERSON = "see an account with its numbers"
    CREATE = "make and import accounts"
    UPDATE = "change names, address, institution and picture"
    CHANGE_ROLE = "give and take rights"
    CLOSE = "suspend, expire, open again and restore"
    DEACTIVATE = "switch an account off until an administrator opens it again"
    DELETE = "delete, to be restored for a while"
    ANONYMIZE = "erase for good"
    RESET_PASSWORD = "give a temporary password"  # noqa: S105  # an act
    SEND_MAIL = "send mails by hand, and hand over their links where none leave"
    END_SESSIONS = "sign out everywhere"
    TAKE_DATA = "take away all that is stored about one"
    BULK = "do one thing to many accounts at once, but for deciding about applicants"
    MANAGE_TIERS = "make tiers with their limits, and give them to accounts"
    READ_AUDIT = "read the audit and export it"


_ADMINS: Final = frozenset({Role.ADMIN})
_DECIDERS: Final = frozenset({Role.APPROVER, Role.ADMIN})
_ONESELF: Final = frozenset({Oneself.ONESELF})

WHO_MAY: Final[Mapping[Act, frozenset[Role | Oneself]]] = {
    Act.DECIDE: _DECIDERS,
    Act.SEE_PEOPLE: _ADMINS,
    Act.SEE_PERSON: _ADMINS | _ONESELF,
    Act.CREATE: _ADMINS,
    Act.UPDATE: _ADMINS | _ONESELF,
    Act.CHANGE_ROLE: _ADMINS,
    Act.CLOSE: _ADMINS,
    Act.DEACTIVATE: _ONESELF,
    Act.DELETE: _ADMINS | _ONESELF,
    Act.ANONYMIZE: _ADMINS,
    Act.RESET_PASSWORD: _ADMINS,
    Act.SEND_MAIL: _ADMINS,
    Act.END_SESSIONS: _ADMINS | _ONESELF,
    Act.TAKE_DATA: _ONESELF,
    Act.BULK: _ADMINS,
    Act.MANAGE_TIERS: _ADMINS,
    Act.READ_AUDIT: _ADMINS,
}
"""Roles of people whose account is active; nobody else may do anything."""


def may(act: Act, role: Role, *, oneself: bool = False) -> bool:
    """Tell whether somebody of this role may do this, to themselves or to others."""
    who = WHO_MAY[act]
    return role in who or (oneself and Oneself.ONESELF in who)
