"""What the buttons of a person's page do: each asks one service, and knows the way back where there is one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Final
from uuid import UUID

from backend.models import Role, User
from backend.routes.pages.words import ROLES
from backend.services import Services
from backend.services.decisions import Reopened
from backend.services.messages import Link


@dataclass(frozen=True)
class Said:
    """What the person who presses the button adds to it."""

    reason: str | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Done:
    """Whom it was done to, the act that undoes it, and the secret to hand over, if there is one."""

    user: User
    undo: str | None = None
    temporary_password: str | None = None
    link: Link | None = None
    besides: str = ""
    """What is said after the action's own sentence."""


Act = Callable[[Services, UUID, UUID, Said], Awaitable[Done]]
"""Services, who acts, on whom, and what they add."""


class Group(Enum):
    """What an action is about; together they stand on a person's page."""

    NEXT = auto()
    """What the person waits for, said first."""
    SIGN_IN = auto()
    ROLE = auto()
    ACCESS = auto()
    END = auto()
    SESSIONS = auto()


@dataclass(frozen=True)
class Action:
    """One thing an administrator can do, as the confirmation page tells it."""

    key: str
    label: str
    question: str
    done: str
    consequences: tuple[str, ...]
    """Sentences; `{kept}`: how long deleted accounts are kept; `{address}`: what becomes of an erased one's address;
    `{temporary}`: how long a temporary password works; `{email}`, `{role}`: the person's address and role."""
    applies: Callable[[User], bool]
    act: Act
    group: Group
    danger: bool = False
    wants_reason: bool = True
    reason_hint: str = "Saved in the account’s history."
    wants_end: bool = False
    """Whether one may say when it is over."""
    begins_with_present: bool = False
    """Whether its form shows what was said before, to be changed."""
    wants_name: bool = False
    """Whether one has to type whom it is about."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What is said in place of an error's own sentence."""
    by_mail: bool | None = None
    """Whether it is for installations that send mail, or for those that send none; None: for all."""

    def label_for(self, user: User) -> str:
        """Return what its button is called: "Remove approver role"."""
        return self.label.format(role=ROLES[user.role].lower())

    def offered(self, user: User, *, mail_leaves: bool) -> bool:
        """Tell whether it can be done to somebody here."""
        return self.by_mail in {None, mail_leaves} and self.applies(user)


_GIVING: Final[Mapping[Role, str]] = {Role.ADMIN: "promote", Role.APPROVER: "appoint", Role.USER: "demote"}
"""The act that gives each role."""


async def approve(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Let somebody in; they are told by mail, so there is no way back, but to suspend them."""
    return Done(await work.decisions.approve(whom, by=by, reason=said.reason, reconsider=True), "suspend")


async def reject(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Turn somebody away."""
    return Done(await work.decisions.reject(whom, by=by, reason=said.reason), "reopen")


async def reopen(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Let somebody wait again who was turned away."""
    reopened = await work.decisions.reopen(whom, by=by, reason=said.reason)
    return Done(reopened.user, besides=besides(reopened))


def besides(reopened: Reopened) -> str:
    """Say what taking back a rejection could not take back."""
    return " The rejection mail was already sent." if reopened.mail_left else ""


async def suspend(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Shut an account, for a while or until somebody opens it."""
    return Done(await work.closing.suspend(by, whom, said.reason, until=said.until), "activate")


async def change_suspension(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Give a suspension another end or another reason; what it was before is in the history alone."""
    return Done(await work.closing.suspend(by, whom, said.reason, until=said.until))


async def expire(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Let somebody's access run out now."""
    return Done(await work.closing.expire(by, whom, said.reason), "activate")


async def activate(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Open an account again."""
    return Done(await work.closing.activate(by, whom, said.reason))


async def delete(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Delete an account, to be restored for a while: nobody else gets its names, so that it always can be."""
    return Done(await work.deletion.delete(by, whom, said.reason, free_names=False), "restore")


async def restore(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Make a deleted account what it was."""
    return Done(await work.deletion.restore(by, whom, said.reason))


async def anonymize(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Erase somebody for good."""
    return Done(await work.erasure.anonymize(by, whom))


async def end_sessions(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Sign somebody out everywhere."""
    return Done(await work.administration.end_sessions(by, whom))


async def reset_password(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
    """Give somebody a temporary password."""
    user, password = await work.administration.reset_password(by, whom, said.reason)
    return Done(user, temporary_password=password)


def give(role: Role) -> Act:
    """Make the act that gives a role; the way back gives the one of before."""

    async def given(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
        before = (await work.people.one(whom)).role
        return Done(await work.roles.give(by, whom, role, said.reason), _GIVING[before])

    return given
