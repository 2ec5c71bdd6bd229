"""What administrators change of an account: names, status, role, tier and more, several in one go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from backend.context import Context
from backend.errors import ChangedMeanwhile, InvalidTransition, NotOneself, PasswordNeeded, UserNotFound
from backend.identifiers import email_as_typed
from backend.models import GONE, Role, Status, User
from backend.services.audit import Action
from backend.services.closing import Closing
from backend.services.decisions import Decisions
from backend.services.deletion import Deletion
from backend.services.lifecycle import Lifecycle, check_way
from backend.services.recovery import Recovery
from backend.services.renaming import Renaming, listed
from backend.services.rights import Act
from backend.services.roles import Roles
from backend.services.tier_holders import TierHolders
from backend.stores.users import UserStore

_PLAIN: Final = frozenset({"full_name", "institution", "profile_image_url", "approval_note", "is_verified"})
"""Columns that change without further rules."""


@dataclass(frozen=True)
class Editing:
    """Changes accounts within one transaction. `by` is who acts; None is the command line."""

    context: Context
    lifecycle: Lifecycle
    renaming: Renaming
    recovery: Recovery
    decisions: Decisions
    closing: Closing
    deletion: Deletion
    roles: Roles
    tier_holders: TierHolders

    async def update(
        self,
        by: UUID | None,
        user_id: UUID,
        changes: Mapping[str, Any],
        reason: str | None = None,
        current_password: str | None = None,
        seen: Mapping[str, Any] | None = None,
    ) -> User:
        """Change what `changes` names, in one go; a value the account has already is no change.

        They are: username, email, the `_PLAIN` ones, is_active, status, suspended_until, access_expires_at,
        is_superuser, role, tier_id. One's own address changes with one's `current_password`. Where the caller says
        what they have `seen`, it must still be so.

        Raises:
            UserNotFound, EmailTaken, UsernameTaken, InvalidUsername, InvalidEmail: the names cannot be so.
            PasswordNeeded: it is one's own address, and the password is missing or wrong (ASVS 7.5.1).
            TooManyRequests: too many wrong passwords, or new addresses.
            NotOneself, LastAdmin, NotApproved, NotActive, InvalidTransition: status or rights cannot be so.
            AdminNeverExpires, TooLate: access cannot run out then.
            TierNotFound: there is no such tier.
            ChangedMeanwhile: something is neither as it was seen nor as it is wanted.
        """
        proven = None
        if user_id == by and "email" in changes and current_password:
            proven = await self._proven(user_id, changes["email"], current_password)
        act = Act.CHANGE_ROLE if changes.keys() & {"is_superuser", "role"} else Act.CLOSE
        user = await self.lifecycle.account(user_id, by=by, act=act, gone=True)
        await self._set_status(by, user, changes, reason)
        if user.status in GONE:
            if changes.keys() != {"status"}:
                raise UserNotFound
            return user
        _check_unchanged(user, changes, seen or {})
        new_address = user.id == by and email_as_typed(changes.get("email", user.email)) != user.email
        if new_address and proven != user.hashed_password:
            raise PasswordNeeded("Change your own email address under “Your account”, with your password.")
        await self._set_columns(by, user, changes, reason)
        if changes.get("is_active", user.is_active) is not user.is_active:
            await self._switch(by, user, reason)
        if "access_expires_at" in changes:
            await self.closing.set_end(by, user.id, changes["access_expires_at"], reason)
        if "tier_id" in changes:
            await self.tier_holders.give([user], changes["tier_id"], by=by, reason=reason)
        role = _wanted_role(user, changes)
        if role is not user.role:
            await self.roles.give_all([user], role, by=by, reason=reason)
        return user

    async def _proven(self, user_id: UUID, email: str, password: str) -> str | None:
        """Ask for the password that one's own new address needs; return the hash it is right for, if one was asked."""
        async with self.context.database.reading() as session:
            known = await UserStore(session).get(user_id)
        if known is None or email_as_typed(email) == known.email:
            return None
        await self.recovery.allow_new_address(known, password)
        return known.hashed_password

    async def _set_status(self, by: UUID | None, user: User, changes: Mapping[str, Any], reason: str | None) -> None:
        until = changes.get("suspended_until", user.suspended_until)
        if changes.get("status", user.status) is not user.status:
            await self._bring_to(by, user, changes["status"], reason, until=changes.get("suspended_until"))
        elif until != user.suspended_until:
            await self.closing.move_end_of_suspension(by, user.id, until, reason)

    async def _bring_to(
        self, by: UUID | None, user: User, to: Status, reason: str | None, *, until: datetime | None
    ) -> None:
        """Bring an account to another status, by the verb for that way; `check_way` has the table of ways."""
        check_way(user, to)
        match user.status, to:
            case Status.DELETED, _ if to is user.status_before_deletion:
                await self.deletion.restore(by, user.id, reason)
            case _, Status.PENDING:
                await self.decisions.reopen(user.id, by=by, reason=reason)
            case _, Status.REJECTED:
                await self.decisions.reject(user.id, by=by, reason=reason, reconsider=False)
            case Status.PENDING | Status.REJECTED, Status.ACTIVE:
                await self.decisions.approve(user.id, by=by, reason=reason, reconsider=True)
            case _, Status.ACTIVE:
                await self.closing.activate(by, user.id, reason)
            case _, Status.SUSPENDED:
                await self.closing.suspend(by, user.id, reason, until=until)
            case _, Status.EXPIRED:
                await self.closing.expire(by, user.id, reason)
            case _, Status.DELETED:
                await self.deletion.delete(by, user.id, reason, free_names=False)
            case _:
                raise InvalidTransition(f"An account that is {user.status} cannot become {to} here.")

    async def _set_columns(self, by: UUID | None, user: User, changes: Mapping[str, Any], reason: str | None) -> None:
        columns = await self.renaming.claim(user, changes.get("username"), changes.get("email"))
        columns |= {
            name: changes[name] for name in sorted(_PLAIN & changes.keys()) if changes[name] != getattr(user, name)
        }
        if columns:
            changed = listed(user, columns, proven="is_verified" in changes)
            await self.lifecycle.users.update(user, {**columns, "updated_at": self.context.clock.now()})
            await self.lifecycle.audit.record(
                Action.USER_UPDATED, target=user.id, actor=by, reason=reason, changes=changed
            )

    async def _switch(self, by: UUID | None, user: User, reason: str | None) -> None:
        """Suspend an active account, or open one that is not."""
        if not user.is_active:
            await self.closing.activate(by, user.id, reason)
        elif user.id == by:
            raise NotOneself("Cannot deactivate yourself")
        else:
            await self.closing.suspend(by, user.id, reason)


def _check_unchanged(user: User, changes: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    now = {name: getattr(user, name) for name in seen}
    other = {name: value for name, value in now.items() if value not in (seen[name], changes.get(name, seen[name]))}
    if other:
        raise ChangedMeanwhile(other)


def _wanted_role(user: User, changes: Mapping[str, Any]) -> Role:
    """Return the role that is asked for; an approver who is to be no superuser stays an approver."""
    if changes.get("is_superuser", user.is_superuser) is not user.is_superuser:
        return Role.ADMIN if changes["is_superuser"] else Role.USER
    role: Role = changes.get("role", user.role)
    return role
