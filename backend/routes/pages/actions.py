"""What can be done to a person's account from its page: what it is called, what it will do, and to whom it applies."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from backend.models import Status, User
from backend.services import Services


@dataclass(frozen=True)
class Done:
    """Whom it was done to, and the secret to hand over, if there is one."""

    user: User
    temporary_password: str | None = None


_READ_BY_THEM: Final = "They will read this, and it is kept in the history of this account."

Act = Callable[[Services, UUID, UUID, str | None], Awaitable[Done]]
"""Services, who acts, on whom, why."""


@dataclass(frozen=True)
class Action:
    """One thing an administrator can do, as the confirmation page tells it."""

    key: str
    label: str
    question: str
    done: str
    consequences: tuple[str, ...]
    applies: Callable[[User], bool]
    act: Act
    danger: bool = False
    wants_reason: bool = True
    reason_required: bool = False
    reason_hint: str = "It is kept in the history of this account."


async def _approve(work: Services, by: UUID, whom: UUID, reason: str | None) -> Done:
    return Done(await work.users.approve(whom, by=by, reason=reason, reconsider=True))


async def _reject(work: Services, by: UUID, whom: UUID, reason: str | None) -> Done:
    return Done(await work.users.reject(whom, by=by, reason=reason))


async def _promote(work: Services, by: UUID, whom: UUID, reason: str | None) -> Done:
    return Done(await work.administration.promote(by, whom, reason))


async def _demote(work: Services, by: UUID, whom: UUID, reason: str | None) -> Done:
    return Done(await work.administration.demote(by, whom, reason))


async def _suspend(work: Services, by: UUID, whom: UUID, reason: str | None) -> Done:
    return Done(await work.closing.suspend(by, whom, reason))


async def _activate(work: Services, by: UUID, whom: UUID, reason: str | None) -> Done:
    return Done(await work.closing.activate(by, whom, reason))


async def _delete(work: Services, by: UUID, whom: UUID, reason: str | None) -> Done:
    return Done(await work.closing.delete(by, whom, reason))


async def _end_sessions(work: Services, by: UUID, whom: UUID, _: str | None) -> Done:
    return Done(await work.administration.end_sessions(by, whom))


async def _reset_password(work: Services, by: UUID, whom: UUID, reason: str | None) -> Done:
    return Done(*await work.administration.reset_password(by, whom, reason))


ACTIONS: Final[Mapping[str, Action]] = {
    action.key: action
    for action in (
        Action(
            "approve",
            "Let in",
            "Let {name} in?",
            "{name} has been let in.",
            ("They can sign in at once.", "They are told by mail, if this installation sends any."),
            lambda user: user.status in {Status.PENDING, Status.REJECTED},
            _approve,
            reason_hint=_READ_BY_THEM,
        ),
        Action(
            "activate",
            "Open the account again",
            "Open the account of {name} again?",
            "The account of {name} is open again.",
            ("They can sign in again with the password they had.",),
            lambda user: user.status in {Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED},
            _activate,
        ),
        Action(
            "promote",
            "Make an administrator",
            "Make {name} an administrator?",
            "{name} is an administrator now.",
            (
                "They can decide about applicants, change and delete every account, and make others administrators.",
                "It takes effect with their next click.",
            ),
            lambda user: user.is_active and not user.is_superuser,
            _promote,
        ),
        Action(
            "demote",
            "Take the administrator's rights away",
            "Take the administrator's rights of {name} away?",
            "{name} is no administrator any more.",
            ("They stay a user.", "It takes effect with their next click."),
            lambda user: user.is_superuser,
            _demote,
        ),
        Action(
            "end-sessions",
            "Sign out everywhere",
            "Sign {name} out everywhere?",
            "{name} is signed out everywhere.",
            ("All their sessions and tokens end at once.", "They can sign in again with their password."),
            lambda user: user.is_active,
            _end_sessions,
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
                "They have to choose a password of their own after signing in.",
            ),
            lambda user: user.is_active,
            _reset_password,
        ),
        Action(
            "reject",
            "Turn down",
            "Turn down the request of {name}?",
            "The request of {name} was turned down.",
            ("They cannot sign in.", "Where they wait, they see the reason you give.", "You can let them in later."),
            lambda user: user.status is Status.PENDING,
            _reject,
            danger=True,
            reason_hint=_READ_BY_THEM,
        ),
        Action(
            "suspend",
            "Suspend",
            "Suspend {name}?",
            "{name} is suspended.",
            (
                "All their sessions and tokens end at once.",
                "They cannot sign in until somebody opens the account again.",
                "Their files stay as they are.",
            ),
            lambda user: user.is_active,
            _suspend,
            danger=True,
        ),
        Action(
            "delete",
            "Delete",
            "Delete {name}?",
            "{name} was deleted.",
            (
                "All their sessions and tokens end at once.",
                "They disappear from every list, and their username and email address are free for others.",
                "Their directory moves to the trash of the data directory; it is not destroyed.",
            ),
            lambda user: True,  # noqa: ARG005  # everybody can be deleted
            _delete,
            danger=True,
        ),
    )
}
