"""What can be done to many people at once: the table that lists and confirmation pages are made from."""

from dataclasses import dataclass
from typing import Final

from backend.models import Role
from backend.services.bulk import Operation

_READ_BY_THEM: Final = "They will read this. It is saved in the history of each account."
_SIGNED_OUT: Final = "All their sessions and tokens end immediately."


@dataclass(frozen=True)
class Many:
    """One thing that can be done to many, as the list and the confirmation page tell it."""

    key: str
    label: str
    operation: Operation
    one: str
    """What is true of one person then."""
    more: str
    consequences: tuple[str, ...]
    role: Role | None = None
    danger: bool = False
    reason_hint: str = "Saved in the history of each account."
    phrase: str = "{label} {whom}"

    def of(self, whom: str) -> str:
        """Say what is done to whom: "Suspend 3 people"."""
        return self.phrase.format(label=self.label, whom=whom)


_APPROVE: Final = Many(
    "approve",
    "Approve",
    Operation.APPROVE,
    "was approved",
    "were approved",
    (
        "They can sign in with their passwords.",
        "They are notified by mail, if this server sends mail.",
    ),
    reason_hint=_READ_BY_THEM,
)
_REJECT: Final = Many(
    "reject",
    "Reject",
    Operation.REJECT,
    "was rejected",
    "were rejected",
    (
        "They cannot sign in.",
        "They are notified by mail with your reason, if this server sends mail.",
        "You can still approve them later.",
    ),
    danger=True,
    reason_hint=_READ_BY_THEM,
)
TIER: Final = Many(
    "tier",
    "Move to a tier",
    Operation.UPDATE_TIER,
    "now has {tier}",
    "now have {tier}",
    ("The limits of the tier apply to them immediately.", "Nothing else changes, and they are not notified."),
    phrase="Move {whom} to a tier",
)
OF_APPLICANTS: Final = (_APPROVE, _REJECT)
"""What can be done to many who wait."""
OF_PEOPLE: Final = (
    Many(
        "deactivate",
        "Suspend",
        Operation.DEACTIVATE,
        "was suspended",
        "were suspended",
        (
            _SIGNED_OUT,
            "They cannot sign in until an administrator reactivates their accounts.",
            "When they try to sign in, they see your reason.",
            "Their files are kept.",
        ),
        danger=True,
        reason_hint=_READ_BY_THEM,
    ),
    Many(
        "activate",
        "Reactivate",
        Operation.ACTIVATE,
        "was reactivated",
        "were reactivated",
        (
            "Suspended, expired and closed accounts become active again.",
            "They can sign in again with their passwords.",
        ),
    ),
    _APPROVE,
    _REJECT,
    Many(
        "admin",
        "Make administrators",
        Operation.UPDATE_ROLE,
        "is now an administrator",
        "are now administrators",
        (
            "They can approve requests, change and delete every account, and make others administrators.",
            "Their access no longer expires.",
        ),
        Role.ADMIN,
        phrase="Give {whom} the administrator role",
    ),
    Many(
        "approver",
        "Make approvers",
        Operation.UPDATE_ROLE,
        "is now an approver",
        "are now approvers",
        ("They can approve and reject requests, and nothing else.",),
        Role.APPROVER,
        phrase="Give {whom} the approver role",
    ),
    Many(
        "user",
        "Remove roles",
        Operation.UPDATE_ROLE,
        "is now a regular user",
        "are now regular users",
        ("They keep their accounts and files, but can no longer approve requests or manage accounts.",),
        Role.USER,
        phrase="Remove all roles from {whom}",
    ),
    Many(
        "delete",
        "Delete",
        Operation.DELETE,
        "was deleted",
        "were deleted",
        (
            _SIGNED_OUT,
            "They no longer appear in lists, except under the status “Deleted”.",
            "Nobody else can use their usernames and email addresses.",
            "You can restore each account on its page for a limited time.",
        ),
        danger=True,
    ),
    TIER,
)
