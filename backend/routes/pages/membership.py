"""What can be done about a member of an organization: what it is called, what it will do, and whom it fits."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from backend.models import MembershipRole
from backend.services import Services
from backend.services.identity import Identity
from backend.services.members import Member
from backend.services.organization_rights import RANKS, Act, may
from backend.services.organizations import Place

Done = Callable[[Services, Identity, UUID, UUID], Awaitable[object]]
"""Services, who acts, in which organization, on whom."""
_NEXT_CLICK: Final = "This takes effect immediately."
_YOU: Final = {"they": "you", "They": "You", "their": "your"}
_THEY: Final = {"they": "they", "They": "They", "their": "their"}
_AS_OWNER: Final = (
    "You become an admin and can rename it, invite and remove members. Only an owner can make you an owner again."
)
_AS_HELPER: Final = "Current owners stay owners."
_TOLD: Final = "They are notified by mail, if this server sends mail."
_INVITATIONS: Final = "Open invitations that {they} may no longer send are revoked."


@dataclass(frozen=True)
class MemberAct:
    """One thing that can be done about a member, as the confirmation page tells it."""

    key: str
    label: str
    question: str
    done: str
    consequences: tuple[str, ...]
    """Sentences; `{they}`, `{They}`, `{their}`: in the third person, or in the second for oneself."""
    right: Act
    do: Done
    becomes: MembershipRole | None = None
    """The role it gives."""
    danger: bool = False

    def offered(self, place: Place, caller: Identity, member: Member) -> bool:
        """Tell whether the caller can do it to this member."""
        if not may(self.right, place.role, caller.role, over=member.role):
            return False
        oneself = member.user.id == caller.id
        if self.becomes is None:
            return not oneself and (self.right is not Act.TRANSFER or _can_take_over(member))
        higher = RANKS.index(self.becomes) > RANKS.index(member.role)
        return self.becomes is not member.role and not (higher and (oneself or not member.user.is_active))

    def told(self, place: Place, caller: Identity, member: Member) -> list[str]:
        """Return what will happen, in sentences."""
        words = _YOU if member.user.id == caller.id else _THEY
        told = [sentence.format_map(words) for sentence in self.consequences]
        if self.right is Act.TRANSFER:
            told.append(_AS_OWNER if place.role is MembershipRole.OWNER else _AS_HELPER)
        return told


def _can_take_over(member: Member) -> bool:
    return member.user.is_active and member.role is not MembershipRole.OWNER


def _give(role: MembershipRole) -> Done:
    async def given(work: Services, by: Identity, organization: UUID, whom: UUID) -> object:
        return await work.members.change_role(by, organization, whom, role)

    return given


async def _transfer(work: Services, by: Identity, organization: UUID, whom: UUID) -> object:
    return await work.members.transfer(by, organization, whom)


async def _remove(work: Services, by: Identity, organization: UUID, whom: UUID) -> None:
    await work.members.remove(by, organization, whom)


_ALL: Final = (
    MemberAct(
        "make-owner",
        "Make owner",
        "Make {name} an owner of {organization}?",
        "{name} is now an owner of {organization}.",
        (
            "They can do everything: invite and remove people, change every role, and delete the organization.",
            _AS_HELPER,
            _TOLD,
        ),
        Act.CHANGE_ROLE,
        _give(MembershipRole.OWNER),
        MembershipRole.OWNER,
    ),
    MemberAct(
        "make-admin",
        "Make admin",
        "Make {name} an admin of {organization}?",
        "{name} is now an admin of {organization}.",
        (
            "{They} can rename the organization, invite people, and remove members.",
            "{They} cannot change roles, transfer the organization or delete it.",
            _NEXT_CLICK,
        ),
        Act.CHANGE_ROLE,
        _give(MembershipRole.ADMIN),
        MembershipRole.ADMIN,
    ),
    MemberAct(
        "make-member",
        "Make member",
        "Make {name} a member of {organization}?",
        "{name} is now a member of {organization}.",
        (
            "{They} can see who is in the organization, but cannot change it.",
            _INVITATIONS,
            _NEXT_CLICK,
        ),
        Act.CHANGE_ROLE,
        _give(MembershipRole.MEMBER),
        MembershipRole.MEMBER,
    ),
    MemberAct(
        "hand-over",
        "Transfer ownership",
        "Transfer {organization} to {name}?",
        "{organization} was transferred to {name}.",
        (
            "They become an owner and can do everything: change every role, and delete the organization.",
            _TOLD,
        ),
        Act.TRANSFER,
        _transfer,
    ),
    MemberAct(
        "remove",
        "Remove from organization",
        "Remove {name} from {organization}?",
        "{name} was removed from {organization}. To add them again, invite them.",
        (
            "They lose access to the organization immediately.",
            "Their account, their files and their other organizations do not change.",
            "Open invitations that they sent are revoked.",
            _TOLD,
            "This cannot be undone. To add them again, you have to invite them.",
        ),
        Act.REMOVE,
        _remove,
        danger=True,
    ),
)
ACTS: Final[Mapping[str, MemberAct]] = {act.key: act for act in _ALL}
_GIVING: Final = {act.becomes: act.key for act in _ALL if act.becomes}


def giving(role: MembershipRole) -> str:
    """Return the key of the act that gives a role."""
    return _GIVING[role]
