"""What can be done to a person's account from its page: what it is called, what it will do, and to whom it applies."""

from collections.abc import Mapping, Sequence
from typing import Final

from backend.models import CLOSED, GONE, NOT_LET_IN, Role, Status, User
from backend.routes.pages import acts
from backend.routes.pages.acts import Action, Group
from backend.routes.pages.by_link import BY_LINK

_READ_BY_THEM: Final = "They will read this. It is saved in the account’s history."
_SIGNED_OUT: Final = "All their sessions and tokens end immediately."
_NEXT_CLICK: Final = "This takes effect immediately."


_ALL: Final = (
    Action(
        "approve",
        "Approve",
        "Approve {name}?",
        "{name} was approved.",
        ("They can sign in immediately.", "They are notified by mail, if this server sends mail."),
        lambda user: user.status in NOT_LET_IN,
        acts.approve,
        Group.NEXT,
        reason_hint=_READ_BY_THEM,
    ),
    Action(
        "reopen",
        "Reopen request",
        "Reopen the request of {name}?",
        "{name} is waiting again.",
        (
            "Their request is pending again and can be approved or rejected.",
            "They get no mail, but see the new status when they sign in.",
        ),
        lambda user: user.status is Status.REJECTED,
        acts.reopen,
        Group.NEXT,
    ),
    Action(
        "activate",
        "Reactivate",
        "Reactivate {name}?",
        "{name} was reactivated.",
        (
            "They can sign in again with their password.",
            "If their access has expired, its end date is removed.",
        ),
        lambda user: user.status in CLOSED,
        acts.activate,
        Group.NEXT,
    ),
    Action(
        "restore",
        "Restore",
        "Restore the account of {name}?",
        "{name} was restored.",
        (
            "The account gets back the status and the files it had before it was deleted.",
            "It also gets back its username and email address, unless another account has them now.",
        ),
        lambda user: user.status is Status.DELETED,
        acts.restore,
        Group.NEXT,
        words={
            "AUTH_EMAIL_EXISTS": "Another account now has this email address. Nothing was changed.",
            "AUTH_USERNAME_EXISTS": "Another account now has this username. Nothing was changed.",
        },
    ),
    Action(
        "promote",
        "Make administrator",
        "Make {name} an administrator?",
        "{name} is now an administrator.",
        (
            "They can approve requests, change and delete every account, and make others administrators.",
            "Their access no longer expires.",
            _NEXT_CLICK,
        ),
        lambda user: user.is_active and user.role is not Role.ADMIN,
        acts.give(Role.ADMIN),
        Group.ROLE,
    ),
    Action(
        "appoint",
        "Make approver",
        "Make {name} an approver?",
        "{name} is now an approver.",
        ("They can approve and reject requests, and nothing else.", _NEXT_CLICK),
        lambda user: user.is_active and user.role is not Role.APPROVER,
        acts.give(Role.APPROVER),
        Group.ROLE,
    ),
    Action(
        "demote",
        "Remove {role} role",
        "Remove the {role} role from {name}?",
        "{name} is now a regular user.",
        ("They keep their account and files, but can no longer approve requests or manage accounts.", _NEXT_CLICK),
        lambda user: user.role is not Role.USER and user.status not in GONE,
        acts.give(Role.USER),
        Group.ROLE,
    ),
    Action(
        "end-sessions",
        "Sign out everywhere",
        "Sign {name} out everywhere?",
        "{name} was signed out everywhere.",
        (_SIGNED_OUT, "They can sign in again with their password."),
        lambda user: user.is_active,
        acts.end_sessions,
        Group.SESSIONS,
        wants_reason=False,
    ),
    Action(
        "reset-password",
        "Set temporary password",
        "Set a temporary password for {name}?",
        "{name} has a temporary password.",
        (
            "Their current password stops working, and all their sessions and tokens end immediately.",
            "You see the temporary password once, and give it to them yourself.",
            "Within {temporary}, they have to sign in with it and choose their own password.",
        ),
        lambda user: user.is_active,
        acts.reset_password,
        Group.SIGN_IN,
        words={"EMAIL_FEATURES_ENABLED": "This server sends mail. Send them a link to reset the password instead."},
        by_mail=False,
    ),
    Action(
        "reject",
        "Reject",
        "Reject {name}?",
        "The request of {name} was rejected.",
        ("They cannot sign in.", "They see your reason when they try.", "You can still approve them later."),
        lambda user: user.status is Status.PENDING,
        acts.reject,
        Group.NEXT,
        danger=True,
        reason_hint=_READ_BY_THEM,
    ),
    Action(
        "suspend",
        "Suspend",
        "Suspend {name}?",
        "{name} was suspended.",
        (
            _SIGNED_OUT,
            "They cannot sign in until the day you choose, or until an administrator reactivates the account.",
            "When they try to sign in, they see the end date and your reason.",
            "Their files are kept.",
        ),
        lambda user: user.is_active,
        acts.suspend,
        Group.ACCESS,
        danger=True,
        reason_hint=_READ_BY_THEM,
        wants_end=True,
    ),
    Action(
        "change-suspension",
        "Change suspension",
        "Change the suspension of {name}?",
        "The suspension of {name} was changed.",
        (
            "They cannot sign in until the day you choose, or until an administrator reactivates the account.",
            "When they try to sign in, they see the end date and your reason.",
        ),
        lambda user: user.status is Status.SUSPENDED,
        acts.change_suspension,
        Group.NEXT,
        reason_hint=_READ_BY_THEM,
        wants_end=True,
        begins_with_present=True,
    ),
    Action(
        "expire",
        "Expire access",
        "Expire the access of {name}?",
        "The access of {name} has expired.",
        (
            _SIGNED_OUT,
            "They cannot sign in. When they try, they see that their access has expired.",
            "Their files are kept, and you can reactivate the account.",
        ),
        lambda user: user.is_active and not user.is_superuser,
        acts.expire,
        Group.ACCESS,
        danger=True,
    ),
    Action(
        "delete",
        "Delete",
        "Delete {name}?",
        "{name} was deleted.",
        (
            _SIGNED_OUT,
            "They no longer appear in lists, except under the status “Deleted”.",
            "Nobody else can use their username and email address.",
            "Their directory moves to the trash in the data directory.",
            "You can restore the account for {kept}. After that, its files are deleted for good.",
        ),
        lambda user: user.status not in GONE,
        acts.delete,
        Group.END,
        danger=True,
    ),
    Action(
        "anonymize",
        "Erase for good",
        "Erase {name} for good?",
        "The account was erased for good.",
        (
            "Name, notes, reasons, picture, password and devices are erased. The directory and its files are deleted.",
            "{address}",
            "The history keeps what happened and when, without personal details.",
            "This cannot be undone.",
        ),
        lambda user: user.status is not Status.ANONYMIZED and not user.is_superuser,
        acts.anonymize,
        Group.END,
        danger=True,
        wants_reason=False,
        wants_name=True,
    ),
)

GROUPS: Final[Mapping[Group, str]] = {
    Group.SIGN_IN: "Sign-in",
    Group.ROLE: "Role",
    Group.ACCESS: "Access",
    Group.END: "Remove",
}
"""What the groups of actions are called that stand in one card, those with the gravest consequences last."""
ACTIONS: Final[Mapping[str, Action]] = {action.key: action for action in (*_ALL, *BY_LINK)}


def offered(user: User, *, mail_leaves: bool) -> Mapping[Group, Sequence[Action]]:
    """Return what can be done to somebody here, by what it is about; groups of which nothing can be are left out."""
    found: dict[Group, list[Action]] = {}
    for action in ACTIONS.values():
        if action.offered(user, mail_leaves=mail_leaves):
            found.setdefault(action.group, []).append(action)
    return found
