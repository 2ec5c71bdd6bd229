"""Who may do what in an organization: the one table that services, routes and pages ask."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Final

from backend.models import MembershipRole, Role


class Outsider(Enum):
    """Who may do something without being a member."""

    ADMINISTRATOR = "administrator of the installation"


class Act(StrEnum):
    """What can be done to an organization, or be read about it."""

    LIST = "list all organizations"
    SEE = "see it and its members"
    RENAME = "give it another name"
    SEE_INVITATIONS = "see its open invitations"
    INVITE = "invite people"
    REMOVE = "take people out, and take their invitations back"
    CHANGE_ROLE = "give and take roles"
    TRANSFER = "make a member owner, and stop being it oneself"
    DELETE = "delete it"


_OWNERS: Final = frozenset({MembershipRole.OWNER})
_LEADERS: Final = frozenset({MembershipRole.OWNER, MembershipRole.ADMIN})
_ALL: Final = frozenset(MembershipRole)
_ADMINISTRATORS: Final = frozenset({Outsider.ADMINISTRATOR})

WHO_MAY: Final[Mapping[Act, frozenset[MembershipRole | Outsider]]] = {
    Act.LIST: _ADMINISTRATORS,
    Act.SEE: _ALL | _ADMINISTRATORS,
    Act.RENAME: _LEADERS | _ADMINISTRATORS,
    Act.SEE_INVITATIONS: _LEADERS | _ADMINISTRATORS,
    Act.INVITE: _LEADERS,
    Act.REMOVE: _LEADERS | _ADMINISTRATORS,
    Act.CHANGE_ROLE: _OWNERS | _ADMINISTRATORS,
    Act.TRANSFER: _OWNERS | _ADMINISTRATORS,
    Act.DELETE: _OWNERS | _ADMINISTRATORS,
}
"""Members by their role, and administrators of the installation, who help where no owner is left who could."""

OVER: Final[Mapping[MembershipRole, frozenset[MembershipRole]]] = {
    MembershipRole.OWNER: _ALL,
    MembershipRole.ADMIN: frozenset({MembershipRole.MEMBER}),
    MembershipRole.MEMBER: frozenset(),
}
"""The roles that each role may invite people to, and may remove."""

RANKS: Final = (MembershipRole.MEMBER, MembershipRole.ADMIN, MembershipRole.OWNER)
"""The roles, the one with the fewest rights first."""


def may(act: Act, membership: MembershipRole | None, role: Role, *, over: MembershipRole | None = None) -> bool:
    """Tell whether a member of this kind (None: no member), who has `role` in the installation, may do this.

    `over` is the role of whom it is done to, or to which somebody is invited.
    """
    who = WHO_MAY[act]
    if role is Role.ADMIN and Outsider.ADMINISTRATOR in who:
        return True
    return membership is not None and membership in who and (over is None or over in OVER[membership])
