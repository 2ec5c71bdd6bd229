"""The life of an account: which status may follow which, and the one function that changes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from backend.clock import Clock
from backend.errors import AdminRequired, InvalidTransition, LastAdmin, UserNotFound
from backend.models import GONE, SessionEnd, Status, User
from backend.services.audit import Action, Audit
from backend.services.rights import Act, may
from backend.services.sessions import Sessions
from backend.stores.installation import InstallationStore
from backend.stores.users import UserStore

ALLOWED: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.ACTIVE, Status.REJECTED, Status.DELETED, Status.ANONYMIZED}),
    Status.REJECTED: frozenset({Status.PENDING, Status.ACTIVE, Status.DELETED, Status.ANONYMIZED}),
    Status.ACTIVE: frozenset({Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED, Status.DELETED, Status.ANONYMIZED}),
    Status.SUSPENDED: frozenset({Status.ACTIVE, Status.DELETED, Status.ANONYMIZED}),
    Status.EXPIRED: frozenset({Status.ACTIVE, Status.DELETED, Status.ANONYMIZED}),
    Status.DEACTIVATED: frozenset({Status.ACTIVE, Status.DELETED, Status.ANONYMIZED}),
    Status.DELETED: frozenset({Status.ANONYMIZED}),
    Status.ANONYMIZED: frozenset(),
}
"""Allowed transitions. A deleted account may also return to the status it had before."""


@dataclass(frozen=True)
class Lifecycle:
    """Changes the status of accounts within one transaction."""

    users: UserStore
    installation: InstallationStore
    sessions: Sessions
    audit: Audit
    clock: Clock

    async def account(self, id_: UUID, *, by: UUID | None, act: Act, gone: bool = False) -> User:
        """Return an account, locked, for somebody (`by`; None is the command line) who still may do this to it.

        The installation is locked first, as by everything that may remove the last administrator.

        Raises:
            AdminRequired: the rights were taken away while the request was under way (ASVS 8.3.2).
            UserNotFound: there is no such account, or it is deleted and `gone` does not ask for those.
        """
        await self.check_rights(by, act, oneself=by == id_)
        user = await self.users.lock(id_)
        if user is None or (user.status in GONE and not gone):
            raise UserNotFound
        return user

    async def accounts(self, ids: Sequence[UUID], *, by: UUID | None, act: Act, gone: bool = False) -> Sequence[User]:
        """Return those of these accounts that there are, locked, in the order of their ids; see `account`.

        Raises:
            AdminRequired: the rights were taken away while the request was under way.
        """
        await self.check_rights(by, act, oneself=False)
        return [user for user in await self.users.lock_all(ids) if gone or user.status not in GONE]

    async def check_rights(self, by: UUID | None, act: Act, *, oneself: bool) -> None:
        """Lock the installation, and check that somebody may do this now.

        Raises:
            AdminRequired: they may not, or not any more.
        """
        await self.installation.lock()
        actor = await self.users.as_it_is(by) if by else None
        if by and (actor is None or not actor.is_active or not may(act, actor.role, oneself=oneself)):
            raise AdminRequired

    async def change(
        self,
        user: User,
        to: Status,
        action: Action,
        *,
        actor: UUID | None,
        reason: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> None:
        """Change the status of one locked account; see `change_all`."""
        await self.change_all([user], to, action, actor=actor, reason=reason, columns=columns)

    async def change_all(
        self,
        users: Sequence[User],
        to: Status,
        action: Action,
        *,
        actor: UUID | None,
        reason: str | None = None,
        columns: Mapping[str, Any] | None = None,
        details: Callable[[User], Mapping[str, Any]] = lambda _: {},
    ) -> None:
        """Change the status of locked accounts, with `columns` that belong to the change, and record each.

        All sessions of accounts that leave `ACTIVE` end in the same commit.

        Raises:
            InvalidTransition: the table has no way from here to there; nothing was changed.
            LastAdmin: nobody could administer the installation any more.
        """
        for user in users:
            check_way(user, to)
        leaving = [user for user in users if user.is_active]
        await self.keep_an_admin(*leaving)
        for holder in await self.sessions.store.holders([user.id for user in leaving]):
            await self.sessions.end_all(holder, SessionEnd.STATUS, actor=actor)
        now = self.clock.now()
        for was, group in groupby(sorted(users, key=lambda user: user.status), key=lambda user: user.status):
            same = list(group)
            belonging: dict[str, Any] = {"updated_at": now}
            if to is Status.ACTIVE:
                belonging["suspended_until"] = None
            if to is Status.DELETED:
                belonging |= {"status_before_deletion": was, "deleted_at": now}
            elif was is Status.DELETED and to is not Status.ANONYMIZED:
                belonging |= {"status_before_deletion": None, "deleted_at": None}
            await self.users.update_all(same, {**belonging, **(columns or {}), "status": to})
            told = {user.id: {"was": was, "became": to, **details(user)} for user in same}
            await self.audit.record_all(action, told, actor=actor, reason=reason)

    async def keep_an_admin(self, *leaving: User) -> None:
        """Check that an administrator is left; call it with the installation locked, before accounts lose rights.

        Raises:
            LastAdmin: no active administrator would be left.
        """
        admins = sum(1 for user in leaving if user.is_superuser and user.is_active)
        if admins and await self.users.active_admins() <= admins:
            raise LastAdmin


def check_way(user: User, to: Status) -> None:
    """Check that an account may change to a status.

    Raises:
        InvalidTransition: `ALLOWED` has no such transition.
    """
    before = {user.status_before_deletion} if user.status is Status.DELETED else frozenset()
    if to not in ALLOWED[user.status] | before:
        raise InvalidTransition(f"An account that is {user.status} cannot become {to}.")
