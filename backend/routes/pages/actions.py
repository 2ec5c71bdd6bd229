"""What can be done to a person's account from its page: what it is called, what it will do, and to whom it applies."""

from collections.abc import Mapping
from typing import Final

from backend.models import GONE, Role, Status
from backend.routes.pages import acts
from backend.routes.pages.acts import Action
from backend.routes.pages.by_link import BY_LINK

_READ_BY_THEM: Final = "They will read this, and it is kept in the history of this account."
_SIGNED_OUT: Final = "All their sessions and tokens end at once."
_NEXT_CLICK: Final = "It takes effect with their next click."


_ALL: Final = (
    Action(
        "approve",
        "Let in",
        "Let {name} in?",
        "{name} has been let in.",
        ("They can sign in at once.", "They are told by mail, if this installation sends any."),
        lambda user: user.status in {Status.PENDING, Status.REJECTED},
        acts.approve,
        reason_hint=_READ_BY_THEM,
    ),
    Action(
        "reopen",
        "Let them wait again",
        "Take up the request of {name} again?",
        "{name} waits for a decision again.",
        (
            "Their request appears among those that wait, and somebody decides about it anew.",
            "They are not told, but where they wait, they see that it is open again.",
        ),
        lambda user: user.status is Status.REJECTED,
        acts.reopen,
    ),
    Action(
        "activate",
        "Open the account again",
        "Open the account of {name} again?",
        "The account of {name} is open again.",
        (
            "They can sign in again with the password they had.",
            "An end of their access that has passed counts no more.",
        ),
        lambda user: user.status in {Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED},
        acts.activate,
    ),
    Action(
        "restore",
        "Restore",
        "Restore the account of {name}?",
        "The account of {name} is back.",
        (
            "The account becomes what it was before it was deleted, with its files.",
            "It gets its username and email address back, if nobody else has taken them meanwhile.",
        ),
        lambda user: user.status is Status.DELETED,
        acts.restore,
        words={
            "AUTH_EMAIL_EXISTS": "Somebody else has the email address of this account by now. Nothing was changed.",
            "AUTH_USERNAME_EXISTS": "Somebody else has the username of this account by now. Nothing was changed.",
        },
    ),
    Action(
        "promote",
        "Make an administrator",
        "Make {name} an administrator?",
        "{name} is an administrator now.",
        (
            "They can decide about applicants, change and delete every account, and make others administrators.",
            "Their access has no end any more.",
            _NEXT_CLICK,
        ),
        lambda user: user.is_active and user.role is not Role.ADMIN,
        acts.give(Role.ADMIN),
    ),
    Action(
        "appoint",
        "Make an approver",
        "Make {name} an approver?",
        "{name} is an approver now.",
        ("They can decide about applicants, and change nothing else.", _NEXT_CLICK),
        lambda user: user.is_active and user.role is not Role.APPROVER,
        acts.give(Role.APPROVER),
    ),
    Action(
        "demote",
        "Make a plain member",
        "Make {name} a plain member?",
        "{name} is a plain member now.",
        ("They keep their account and their files, and can decide and administer no more.", _NEXT_CLICK),
        lambda user: user.role is not Role.USER and user.status not in GONE,
        acts.give(Role.USER),
    ),
    Action(
        "end-sessions",
        "Sign out everywhere",
        "Sign {name} out everywhere?",
        "{name} is signed out everywhere.",
        (_SIGNED_OUT, "They can sign in again with their password."),
        lambda user: user.is_active,
        acts.end_sessions,
        wants_reason=False,
    ),
    Action(
        "reset-password",
        "Give a temporary password",
        "Give {name} a temporary password?",
        "{name} has a temporary password.",
        (
            "Their present password stops working, and all their sessions and tokens end at once.",
            "You see the temporary password once, and hand it over yourself.",
            "They have to choose a password of their own with it, within {temporary}. It opens nothing else.",
        ),
        lambda user: user.is_active,
        acts.reset_password,
        words={"EMAIL_FEATURES_ENABLED": "Where mail works, send them a link to choose a new password."},
        by_mail=False,
    ),
    Action(
        "reject",
        "Turn down",
        "Turn down the request of {name}?",
        "The request of {name} was turned down.",
        ("They cannot sign in.", "Where they wait, they see the reason you give.", "You can let them in later."),
        lambda user: user.status is Status.PENDING,
        acts.reject,
        danger=True,
        reason_hint=_READ_BY_THEM,
    ),
    Action(
        "suspend",
        "Suspend",
        "Suspend {name}?",
        "{name} is suspended.",
        (
            _SIGNED_OUT,
            "They cannot sign in until somebody opens the account again, or until the day you choose.",
            "Where they try to, they see until when, and the reason you give.",
            "Their files stay as they are.",
        ),
        lambda user: user.is_active,
        acts.suspend,
        danger=True,
        reason_hint=_READ_BY_THEM,
        wants_end=True,
    ),
    Action(
        "change-suspension",
        "Change the suspension",
        "Change the suspension of {name}?",
        "The suspension of {name} is as you wrote it.",
        (
            "They stay shut out until somebody opens the account again, or until the day you choose.",
            "Where they try to sign in, they see until when, and the reason you give.",
        ),
        lambda user: user.status is Status.SUSPENDED,
        acts.change_suspension,
        reason_hint=_READ_BY_THEM,
        wants_end=True,
        begins_with_present=True,
    ),
    Action(
        "expire",
        "End the access",
        "End the access of {name}?",
        "The access of {name} has ended.",
        (
            _SIGNED_OUT,
            "They cannot sign in, and read that the time they were granted is over.",
            "Their files stay as they are, and you can open the account again.",
        ),
        lambda user: user.is_active and not user.is_superuser,
        acts.expire,
        danger=True,
    ),
    Action(
        "delete",
        "Delete",
        "Delete {name}?",
        "{name} was deleted.",
        (
            _SIGNED_OUT,
            "They disappear from every list but that of the deleted.",
            "Their username and email address are free for others.",
            "Their directory moves to the trash of the data directory.",
            "All of it can be restored for {kept}; then the files are destroyed.",
        ),
        lambda user: user.status not in GONE,
        acts.delete,
        danger=True,
    ),
    Action(
        "anonymize",
        "Erase for good",
        "Erase {name} for good?",
        "The account was erased for good.",
        (
            "Name, notes, reasons, picture, password and devices are erased, and the directory is destroyed.",
            "{address}",
            "The history keeps what happened and when, and loses what would tell who it was.",
            "There is no way back.",
        ),
        lambda user: user.status is not Status.ANONYMIZED and not user.is_superuser,
        acts.anonymize,
        danger=True,
        wants_reason=False,
        wants_name=True,
    ),
)

ACTIONS: Final[Mapping[str, Action]] = {action.key: action for action in (*_ALL, *BY_LINK)}
