"""What administrators do to accounts: make, change, give and take rights, reset, sign out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from backend.context import Context
from backend.errors import (
    AlreadySuperuser,
    AlreadyTaken,
    InvalidEmail,
    InvalidTransition,
    InvalidUsername,
    MailEnabled,
    NotActive,
    NotOneself,
    NotSuperuser,
    PasswordNeeded,
    PasswordRefused,
    ResetOfInactive,
    UserNotCreated,
    UserNotFound,
)
from backend.identifiers import email_as_typed
from backend.models import GONE, Role, SessionEnd, Status, TokenPurpose, User
from backend.services.admission import Admission, Registration
from backend.services.audit import Action, Audit
from backend.services.closing import Closing, check_suspended
from backend.services.decisions import Decisions
from backend.services.guesses import Guesses
from backend.services.lifecycle import Lifecycle, check_way
from backend.services.passwords import temporary_until
from backend.services.recovery import Recovery
from backend.services.renaming import Renaming, listed
from backend.services.rights import Act
from backend.services.tiers import Tiers
from backend.stores.one_time_tokens import OneTimeTokenStore
from backend.stores.users import UserStore

PLAIN: Final = frozenset({"full_name", "institution", "profile_image_url", "approval_note", "is_verified"})
"""Columns that change without further rules."""


@dataclass(frozen=True)
class Administration:
    """The acts of administrators within one transaction. `admin` is who acts; None is the command line."""

    context: Context
    users: UserStore
    one_time_tokens: OneTimeTokenStore
    renaming: Renaming
    admission: Admission
    decisions: Decisions
    lifecycle: Lifecycle
    closing: Closing
    tiers: Tiers
    recovery: Recovery
    audit: Audit

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
            return await self.admission.add_by_admin(registration, admin=admin, role=role, suspended=not is_active)
        except (AlreadyTaken, InvalidUsername, InvalidEmail, PasswordRefused) as reason:
            raise UserNotCreated(reason) from None

    async def make(
        self, admin: UUID | None, registration: Registration, role: Role, *, is_active: bool
    ) -> tuple[User, str | None]:
        """Make an account for somebody, whose password is a temporary one; inactive ones are suspended.

        Without a password one is made up, and returned once.

        Raises:
            NotActive: rights are for active accounts.
            InvalidUsername, InvalidEmail, PasswordRefused, EmailTaken, UsernameTaken: a value has to change.
        """
        if role is not Role.USER and not is_active:
            raise NotActive("Only active accounts can have a role.")
        made_up = None if registration.password else self.context.hasher.generate()
        user = await self.admission.add_by_admin(
            replace(registration, password=made_up or registration.password),
            admin=admin,
            role=role,
            suspended=not is_active,
            temporary=True,
        )
        return user, made_up

    async def update(
        self,
        admin: UUID | None,
        user_id: UUID,
        changes: Mapping[str, Any],
        reason: str | None = None,
        current_password: str | None = None,
    ) -> User:
        """Change what `changes` names, in one go; a value the account has already is no change.

        They are: username, email, the `PLAIN` ones, is_active, status, suspended_until, access_expires_at,
        is_superuser, role, tier_id. One's own address changes with one's `current_password`.

        Raises:
            UserNotFound, EmailTaken, UsernameTaken, InvalidUsername, InvalidEmail: the names cannot be so.
            PasswordNeeded: it is one's own address, and the password is missing or wrong (ASVS 7.5.1).
            TooManyRequests: too many wrong passwords, or new addresses.
            NotOneself, LastAdmin, NotApproved, NotActive, InvalidTransition: status or rights cannot be so.
            AdminNeverExpires, TooLate: access cannot run out then.
            TierNotFound: there is no such tier.
        """
        proven = None
        if user_id == admin and "email" in changes and current_password:
            proven = await self._proven(user_id, changes["email"], current_password)
        act = Act.CHANGE_ROLE if changes.keys() & {"is_superuser", "role"} else Act.CLOSE
        user = await self.lifecycle.account(user_id, by=admin, act=act, gone=True)
        if "status" in changes and changes["status"] is not user.status:
            check_way(user, changes["status"])
            await self._move(admin, user, changes["status"], reason, until=changes.get("suspended_until"))
        elif changes.get("suspended_until", user.suspended_until) != user.suspended_until:
            check_suspended(user)
            await self.closing.suspend(admin, user.id, reason or user.decision_reason, until=changes["suspended_until"])
        if user.status in GONE:
            if changes.keys() != {"status"}:
                raise UserNotFound
            return user
        new_address = user.id == admin and email_as_typed(changes.get("email", user.email)) != user.email
        if new_address and proven != user.hashed_password:
            raise PasswordNeeded("Change your own email address under “Your account”, with your password.")
        await self._rename(admin, user, changes, reason)
        if changes.get("is_active", user.is_active) is not user.is_active:
            await self._switch(admin, user, active=changes["is_active"], reason=reason)
        await self._allow(admin, user, changes, reason)
        role = changes.get("role", user.role)
        if changes.get("is_superuser", user.is_superuser) is not user.is_superuser:
            role = Role.ADMIN if changes["is_superuser"] else Role.USER
        if role is not user.role:
            await self.give_role_to_all([user], role, by=admin, reason=reason)
        return user

    async def promote(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Make somebody an administrator.

        Raises:
            UserNotFound, AlreadySuperuser, NotActive: there is nobody to promote.
        """
        user = await self.lifecycle.account(user_id, by=admin, act=Act.CHANGE_ROLE)
        if user.is_superuser:
            raise AlreadySuperuser
        await self.give_role_to_all([user], Role.ADMIN, by=admin, reason=reason)
        return user

    async def demote(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Make an administrator a user again.

        Raises:
            UserNotFound, NotSuperuser: there is nobody to demote.
            NotOneself, LastAdmin: it would be oneself, or the last one.
        """
        user = await self.lifecycle.account(user_id, by=admin, act=Act.CHANGE_ROLE)
        if not user.is_superuser:
            raise NotSuperuser
        await self.give_role_to_all([user], Role.USER, by=admin, reason=reason)
        return user

    async def set_role(self, admin: UUID | None, user_id: UUID, role: Role, reason: str | None = None) -> User:
        """Give somebody a role; the one they have is no change.

        Raises:
            UserNotFound, NotActive, NotOneself, LastAdmin: it cannot be.
        """
        user = await self.lifecycle.account(user_id, by=admin, act=Act.CHANGE_ROLE)
        if role is not user.role:
            await self.give_role_to_all([user], role, by=admin, reason=reason)
        return user

    async def give_role_to_all(self, users: Sequence[User], role: Role, *, by: UUID | None, reason: str | None) -> None:
        """Give locked accounts another role than they have.

        Raises:
            NotActive, NotOneself, LastAdmin: one of them cannot have it; nothing was changed.
        """
        for user in users:
            if role is not Role.USER and not user.is_active:
                raise NotActive
            if user.is_superuser and user.id == by:
                raise NotOneself("Cannot demote yourself")
        await self.lifecycle.keep_an_admin(*users)
        columns: dict[str, Any] = {"role": role, "updated_at": self.context.clock.now()}
        if role is Role.ADMIN:
            columns["access_expires_at"] = None
        for was, group in groupby(sorted(users, key=lambda user: user.role), key=lambda user: user.role):
            same = list(group)
            await self.users.update_all(same, columns)
            action = Action.ROLE_CHANGED if Role.ADMIN not in {was, role} else Action.USER_PROMOTED
            action = Action.USER_DEMOTED if was is Role.ADMIN else action
            told = {user.id: {"was": was, "became": role} for user in same}
            await self.audit.record_all(action, told, actor=by, reason=reason)

    async def reset_password(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> tuple[User, str]:
        """Give somebody a temporary password, returned once; it opens nothing but its change, and their sessions end.

        Raises:
            MailEnabled: where mail works, people do this themselves.
            UserNotFound, ResetOfInactive: there is nobody to help.
        """
        if self.context.settings.mail_enabled:
            raise MailEnabled
        password = self.context.hasher.generate()
        hashed_password = await self.context.hasher.hashed(password)
        user = await self.lifecycle.account(user_id, by=admin, act=Act.RESET_PASSWORD)
        if not user.is_active:
            raise ResetOfInactive
        now = self.context.clock.now()
        columns = {
            "hashed_password": hashed_password,
            "must_change_password": True,
            "password_expires_at": temporary_until(self.context.settings, now),
            "updated_at": now,
        }
        await self.users.update(user, columns)
        await self.one_time_tokens.void(user.id, TokenPurpose.RESET_PASSWORD, now)
        await self.lifecycle.sessions.end_all(user.id, SessionEnd.PASSWORD_CHANGE, actor=admin)
        await self.audit.record(Action.PASSWORD_RESET_BY_ADMIN, target=user.id, actor=admin, reason=reason)
        guesses = Guesses(self.context, self.audit.origin)
        self.audit.after_commit(lambda: guesses.forget(user_id))
        return user, password

    async def end_sessions(self, admin: UUID | None, user_id: UUID) -> User:
        """End all sessions of somebody.

        Raises:
            UserNotFound: nobody has this id.
        """
        user = await self.lifecycle.account(user_id, by=admin, act=Act.END_SESSIONS)
        await self.lifecycle.sessions.end_all(user.id, SessionEnd.ADMIN, actor=admin)
        return user

    async def _proven(self, user_id: UUID, email: str, password: str) -> str | None:
        """Ask for the password that one's own new address needs; return the hash it is right for, if one was asked."""
        async with self.context.database.reading() as session:
            known = await UserStore(session).get(user_id)
        if known is None or email_as_typed(email) == known.email:
            return None
        await self.recovery.allow_new_address(known, password)
        return known.hashed_password

    async def _rename(self, admin: UUID | None, user: User, changes: Mapping[str, Any], reason: str | None) -> None:
        columns = await self.renaming.claim(user, changes.get("username"), changes.get("email"))
        columns |= {
            name: changes[name] for name in sorted(PLAIN & changes.keys()) if changes[name] != getattr(user, name)
        }
        if columns:
            changed = listed(user, columns, proven="is_verified" in changes)
            await self.users.update(user, {**columns, "updated_at": self.context.clock.now()})
            await self.audit.record(Action.USER_UPDATED, target=user.id, actor=admin, reason=reason, changes=changed)

    async def _allow(self, admin: UUID | None, user: User, changes: Mapping[str, Any], reason: str | None) -> None:
        """Set when access ends, and the tier."""
        if "access_expires_at" in changes:
            await self.closing.set_end(admin, user.id, changes["access_expires_at"], reason)
        if "tier_id" in changes:
            await self.tiers.give([user], changes["tier_id"], by=admin, reason=reason)

    async def _switch(self, admin: UUID | None, user: User, *, active: bool, reason: str | None) -> None:
        if active:
            await self.closing.activate(admin, user.id, reason)
        elif user.id == admin:
            raise NotOneself("Cannot deactivate yourself")
        else:
            await self.closing.suspend(admin, user.id, reason)

    async def _move(
        self, admin: UUID | None, user: User, to: Status, reason: str | None, *, until: datetime | None
    ) -> None:
        """Bring an account to a status, by the method for that transition."""
        if user.status is Status.DELETED and to is user.status_before_deletion:
            await self.closing.restore(admin, user.id, reason)
        elif to is Status.PENDING:
            await self.decisions.reopen(user.id, by=admin, reason=reason)
        elif to is Status.REJECTED and user.status is Status.PENDING:
            await self.decisions.reject(user.id, by=admin, reason=reason, reconsider=False)
        elif to is Status.ACTIVE and user.status in {Status.PENDING, Status.REJECTED}:
            await self.decisions.approve(user.id, by=admin, reason=reason, reconsider=True)
        elif to is Status.ACTIVE:
            await self.closing.activate(admin, user.id, reason)
        elif to is Status.SUSPENDED:
            await self.closing.suspend(admin, user.id, reason, until=until)
        elif to is Status.EXPIRED:
            await self.closing.expire(admin, user.id, reason)
        elif to is Status.DELETED:
            await self.closing.delete(admin, user.id, reason, free_names=False)
        else:
            raise InvalidTransition(f"An account that is {user.status} cannot become {to} here.")
