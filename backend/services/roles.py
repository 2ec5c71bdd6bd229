"""Roles: rights over the whole installation, given to active accounts and taken away."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from backend.errors import AlreadySuperuser, NotActive, NotOneself, NotSuperuser
from backend.models import Role, User
from backend.services.audit import Action
from backend.services.lifecycle import Lifecycle
from backend.services.rights import Act


@dataclass(frozen=True)
class Roles:
    """Gives roles within one transaction. `by` is who acts; None is the command line."""

    lifecycle: Lifecycle

    async def promote(self, by: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Make somebody an administrator.

        Raises:
            UserNotFound, AlreadySuperuser, NotActive: there is nobody to promote.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CHANGE_ROLE)
        if user.is_superuser:
            raise AlreadySuperuser
        await self.give_all([user], Role.ADMIN, by=by, reason=reason)
        return user

    async def demote(self, by: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Make an administrator a user again.

        Raises:
            UserNotFound, NotSuperuser: there is nobody to demote.
            NotOneself, LastAdmin: it would be oneself, or the last one.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CHANGE_ROLE)
        if not user.is_superuser:
            raise NotSuperuser
        await self.give_all([user], Role.USER, by=by, reason=reason)
        return user

    async def give(self, by: UUID | None, user_id: UUID, role: Role, reason: str | None = None) -> User:
        """Give somebody a role; the one they have is no change.

        Raises:
            UserNotFound, NotActive, NotOneself, LastAdmin: it cannot be.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CHANGE_ROLE)
        if role is not user.role:
            await self.give_all([user], role, by=by, reason=reason)
        return user

    async def give_all(self, users: Sequence[User], role: Role, *, by: UUID | None, reason: str | None) -> None:
        """Give locked accounts another role than they have.

        Raises:
            NotActive, NotOneself, LastAdmin: one of them cannot have it; nothing was changed.
        """
        for user in users:
            check_can_have(role, active=user.is_active)
            if user.is_superuser and user.id == by:
                raise NotOneself("Cannot demote yourself")
        await self.lifecycle.keep_an_admin(*users)
        columns: dict[str, Any] = {"role": role, "updated_at": self.lifecycle.clock.now()}
        if role is Role.ADMIN:
            columns["access_expires_at"] = None
        for was, group in groupby(sorted(users, key=lambda user: user.role), key=lambda user: user.role):
            same = list(group)
            await self.lifecycle.users.update_all(same, columns)
            told = {user.id: {"was": was, "became": role} for user in same}
            await self.lifecycle.audit.record_all(_action(was, role), told, actor=by, reason=reason)


def check_can_have(role: Role, *, active: bool) -> None:
    """Check that an account, active or not, can have a role.

    Raises:
        NotActive: rights are for active accounts.
    """
    if role is not Role.USER and not active:
        raise NotActive


def _action(was: Role, became: Role) -> Action:
    if was is Role.ADMIN:
        return Action.USER_DEMOTED
    return Action.USER_PROMOTED if became is Role.ADMIN else Action.ROLE_CHANGED
