"""What administrators do to accounts: make, change, promote, demote, suspend, activate, delete, reset."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from backend.context import Context
from backend.errors import (
    AlreadySuperuser,
    AlreadyTaken,
    InvalidEmail,
    InvalidUsername,
    MailEnabled,
    NotActive,
    NotApproved,
    NotOneself,
    NotSuperuser,
    PasswordRefused,
    ResetOfInactive,
    UserNotCreated,
)
from backend.models import Role, SessionEnd, Status, TokenPurpose, User
from backend.services.audit import Action, Audit
from backend.services.lifecycle import Lifecycle
from backend.services.renaming import Renaming, listed
from backend.services.user_manager import Registration, UserManager
from backend.stores.identifiers import IdentifierStore
from backend.stores.one_time_tokens import OneTimeTokenStore
from backend.stores.users import UserStore


@dataclass(frozen=True)
class AccountChanges:
    """What an administrator wants to be different; None leaves a value alone."""

    username: str | None = None
    email: str | None = None
    is_active: bool | None = None
    is_superuser: bool | None = None


@dataclass(frozen=True)
class Administration:
    """The acts of administrators within one transaction. `admin` is who acts; None is the command line."""

    context: Context
    users: UserStore
    identifiers: IdentifierStore
    one_time_tokens: OneTimeTokenStore
    renaming: Renaming
    manager: UserManager
    lifecycle: Lifecycle
    audit: Audit
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]

    async def create(
        self, admin: UUID | None, registration: Registration, *, is_superuser: bool, is_active: bool
    ) -> User:
        """Make an account for somebody; inactive ones begin as suspended.

        Raises:
            UserNotCreated: with the reason.
        """
        role = Role.ADMIN if is_superuser else Role.USER
        if is_superuser and not is_active:
            raise UserNotCreated(NotActive())
        try:
            return await self.manager.add_by_admin(registration, admin=admin, role=role, suspended=not is_active)
        except (AlreadyTaken, InvalidUsername, InvalidEmail, PasswordRefused) as reason:
            raise UserNotCreated(reason) from None

    async def update(self, admin: UUID | None, user_id: UUID, changes: AccountChanges) -> User:
        """Change names, activity and rights of an account in one go; a value it has already is no change.

        Raises:
            UserNotFound, EmailTaken, UsernameTaken, InvalidUsername, InvalidEmail: the names cannot be so.
            NotOneself, LastAdmin, NotApproved, NotActive: the rights cannot be so.
        """
        user = await self.lifecycle.account(user_id, by=admin)
        await self._rename(admin, user, changes)
        if changes.is_active is not None and changes.is_active != user.is_active:
            await self._switch(admin, user, active=changes.is_active)
        if changes.is_superuser is not None and changes.is_superuser != user.is_superuser:
            await self._set_superuser(admin, user, is_superuser=changes.is_superuser, reason=None)
        return user

    async def promote(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Make somebody an administrator.

        Raises:
            UserNotFound, AlreadySuperuser, NotActive: there is nobody to promote.
        """
        user = await self.lifecycle.account(user_id, by=admin)
        if user.is_superuser:
            raise AlreadySuperuser
        await self._set_superuser(admin, user, is_superuser=True, reason=reason)
        return user

    async def demote(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Make an administrator a user again.

        Raises:
            UserNotFound, NotSuperuser: there is nobody to demote.
            NotOneself, LastAdmin: it would be oneself, or the last one.
        """
        user = await self.lifecycle.account(user_id, by=admin)
        if not user.is_superuser:
            raise NotSuperuser
        await self._set_superuser(admin, user, is_superuser=False, reason=reason)
        return user

    async def suspend(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Shut an account until somebody activates it again; all its sessions end.

        Raises:
            UserNotFound, InvalidTransition, NotOneself, LastAdmin: it cannot be suspended.
        """
        user = await self.lifecycle.account(user_id, by=admin)
        await self._suspend(admin, user, reason)
        return user

    async def activate(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Open a suspended, expired or deactivated account again.

        Raises:
            UserNotFound: nobody has this id.
            NotApproved: nobody has let this person in yet; that is a decision, not a switch.
        """
        user = await self.lifecycle.account(user_id, by=admin)
        await self._activate(admin, user, reason)
        return user

    async def delete(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Delete an account: its names are free at once, its directory moves to the trash after the commit.

        Raises:
            UserNotFound, NotOneself, LastAdmin: it cannot be deleted.
        """
        user = await self.lifecycle.account(user_id, by=admin)
        if user.id == admin:
            raise NotOneself("Cannot delete yourself")
        now = self.context.clock.now()
        columns = {"status_before_deletion": user.status, "deleted_at": now}
        details = {"username": user.username, "email": user.email}
        await self.lifecycle.change(
            user, Status.DELETED, Action.USER_DELETED, actor=admin, reason=reason, columns=columns, details=details
        )
        await self.identifiers.release(user.id)
        await self.renaming.void_tokens(user)

        async def withdraw() -> None:
            await asyncio.to_thread(self.context.provisioner.withdraw, user.id, now)

        self.after_commit(withdraw)
        return user

    async def reset_password(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> tuple[User, str]:
        """Give somebody a temporary password, returned once; they have to change it, and their sessions end.

        Raises:
            MailEnabled: where mail works, people do this themselves.
            UserNotFound, ResetOfInactive: there is nobody to help.
        """
        if self.context.settings.mail_enabled:
            raise MailEnabled
        password = self.context.hasher.generate()
        hashed_password = await self.context.hasher.hashed(password)
        user = await self.lifecycle.account(user_id, by=admin)
        if not user.is_active:
            raise ResetOfInactive
        now = self.context.clock.now()
        columns = {"hashed_password": hashed_password, "must_change_password": True, "updated_at": now}
        await self.users.update(user, columns)
        await self.one_time_tokens.void(user.id, TokenPurpose.RESET_PASSWORD, now)
        await self.lifecycle.sessions.end_all(user.id, SessionEnd.PASSWORD_CHANGE, actor=admin)
        await self.audit.record(Action.PASSWORD_RESET_BY_ADMIN, target=user.id, actor=admin, reason=reason)
        return user, password

    async def end_sessions(self, admin: UUID | None, user_id: UUID) -> User:
        """End all sessions of somebody.

        Raises:
            UserNotFound: nobody has this id.
        """
        user = await self.lifecycle.account(user_id, by=admin)
        await self.lifecycle.sessions.end_all(user.id, SessionEnd.ADMIN, actor=admin)
        return user

    async def end_everybodys_sessions(self, admin: UUID | None) -> int:
        """End every session there is, those too that a restored backup has brought back; tell how many lived."""
        await self.users.raise_epochs()
        ended = await self.lifecycle.sessions.store.end_everybodys(self.context.clock.now(), SessionEnd.ADMIN)
        await self.audit.record(Action.EVERYBODY_SIGNED_OUT, actor=admin, ended=ended)
        return ended

    async def _rename(self, admin: UUID | None, user: User, changes: AccountChanges) -> None:
        columns = await self.renaming.claim(user, changes.username, changes.email)
        if columns:
            changed = listed(user, columns)
            await self.users.update(user, {**columns, "updated_at": self.context.clock.now()})
            await self.audit.record(Action.USER_UPDATED, target=user.id, actor=admin, changes=changed)

    async def _switch(self, admin: UUID | None, user: User, *, active: bool) -> None:
        if active:
            await self._activate(admin, user, None)
        elif user.id == admin:
            raise NotOneself("Cannot deactivate yourself")
        else:
            await self._suspend(admin, user, None)

    async def _suspend(self, admin: UUID | None, user: User, reason: str | None) -> None:
        if user.id == admin:
            raise NotOneself("Cannot suspend yourself")
        columns = {"decision_reason": reason}
        await self.lifecycle.change(
            user, Status.SUSPENDED, Action.USER_SUSPENDED, actor=admin, reason=reason, columns=columns
        )

    async def _activate(self, admin: UUID | None, user: User, reason: str | None) -> None:
        if user.status in {Status.PENDING, Status.REJECTED}:
            raise NotApproved
        columns = {"decision_reason": None}
        await self.lifecycle.change(
            user, Status.ACTIVE, Action.USER_ACTIVATED, actor=admin, reason=reason, columns=columns
        )

    async def _set_superuser(self, admin: UUID | None, user: User, *, is_superuser: bool, reason: str | None) -> None:
        if is_superuser:
            if not user.is_active:
                raise NotActive
            role, action = Role.ADMIN, Action.USER_PROMOTED
        else:
            if user.id == admin:
                raise NotOneself("Cannot demote yourself")
            await self.lifecycle.keep_an_admin(user)
            role, action = Role.USER, Action.USER_DEMOTED
        await self.users.update(user, {"role": role, "updated_at": self.context.clock.now()})
        await self.audit.record(action, target=user.id, actor=admin, reason=reason)
