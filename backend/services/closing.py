"""What closes an account and opens it again: suspension, expiry, deactivation, deletion, and the way back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from backend.context import Context
from backend.errors import (
    AdminNeverExpires,
    InvalidTransition,
    LastAdmin,
    NotApproved,
    NotConfirmed,
    NotOneself,
    TooLate,
)
from backend.models import Status, User
from backend.services.audit import Action
from backend.services.lifecycle import Lifecycle
from backend.services.renaming import Renaming
from backend.services.rights import Act
from backend.services.setting_aside import withdraw


@dataclass(frozen=True)
class Closing:
    """Closes and opens accounts within one transaction. `by` is who acts; None is the command line."""

    context: Context
    lifecycle: Lifecycle
    renaming: Renaming
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]

    async def suspend(
        self, by: UUID | None, user_id: UUID, reason: str | None = None, *, until: datetime | None = None
    ) -> User:
        """Suspend an account until somebody activates it, or until a moment; all its sessions end.

        Of an account that is suspended already, reason and end are replaced.

        Raises:
            UserNotFound, InvalidTransition, NotOneself, LastAdmin: it cannot be suspended.
            TooLate: the moment has passed already.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CLOSE)
        self._insist_on_future(until)
        if user.id == by:
            raise NotOneself("Cannot suspend yourself")
        if user.status is Status.SUSPENDED:
            now = self.context.clock.now()
            columns = {"decision_reason": reason, "suspended_until": until, "updated_at": now}
            await self.lifecycle.users.update(user, columns)
            details = {"until": _written(until)} if until else {}
            await self.lifecycle.audit.record(Action.USER_SUSPENDED, target=user.id, actor=by, reason=reason, **details)
            return user
        await self.suspend_all([user], by=by, reason=reason, until=until)
        return user

    async def activate(self, by: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Open a suspended, expired or deactivated account again.

        Raises:
            UserNotFound, InvalidTransition: there is nothing to open.
            NotApproved: nobody has approved this person yet; that is a decision, not an activation.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CLOSE)
        await self.activate_all([user], by=by, reason=reason)
        return user

    async def set_end(self, by: UUID | None, user_id: UUID, at: datetime | None, reason: str | None = None) -> User:
        """Let the access of an account run out at a moment; None: never.

        Raises:
            UserNotFound: nobody has this id.
            AdminNeverExpires: nobody could administer any more once it has passed.
            TooLate: the moment has passed already.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CLOSE)
        if at == user.access_expires_at:
            return user
        if at and user.is_superuser:
            raise AdminNeverExpires
        self._insist_on_future(at)
        changed = [{"field": "access_expires_at", "old": _written(user.access_expires_at), "new": _written(at)}]
        await self.lifecycle.users.update(user, {"access_expires_at": at, "updated_at": self.context.clock.now()})
        if at:
            await self.lifecycle.sessions.store.cap(user.id, at)
        await self.lifecycle.audit.record(Action.USER_UPDATED, target=user.id, actor=by, reason=reason, changes=changed)
        return user

    async def expire(self, by: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Let the access of an account run out now; an end that was set for later stays set.

        Raises:
            UserNotFound, InvalidTransition, NotOneself, LastAdmin: it cannot.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CLOSE)
        if user.id == by:
            raise NotOneself("Cannot expire yourself")
        columns = {"decision_reason": reason}
        await self.lifecycle.change(
            user, Status.EXPIRED, Action.ACCOUNT_EXPIRED, actor=by, reason=reason, columns=columns
        )
        return user

    async def deactivate(self, user_id: UUID, *, confirmed: bool) -> User:
        """Switch one's own account off, until an administrator opens it again; all one's sessions end.

        Raises:
            NotConfirmed: nobody said that they mean it.
            LastAdmin: nobody else could administer.
        """
        if not confirmed:
            raise NotConfirmed
        user = await self.lifecycle.account(user_id, by=user_id, act=Act.DEACTIVATE)
        try:
            await self.lifecycle.change(user, Status.DEACTIVATED, Action.ACCOUNT_DEACTIVATED, actor=user_id)
        except LastAdmin:
            raise LastAdmin("Cannot deactivate the only admin account") from None
        return user

    async def delete(
        self, by: UUID | None, user_id: UUID, reason: str | None = None, *, free_names: bool = True, own: bool = False
    ) -> User:
        """Delete an account, to be restored for a while; its directory moves to the trash after the commit.

        Its names are free for others at once, or stay its own without `free_names`. Only with `own` may it be
        one's own.

        Raises:
            UserNotFound, NotOneself, LastAdmin: it cannot be deleted.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.DELETE)
        if user.id == by and not own:
            raise NotOneself("Cannot delete yourself")
        await self.delete_all([user], by=by, reason=reason, free_names=free_names)
        return user

    async def restore(self, by: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Make a deleted account what it was, with its names, if they are still free, and its directory.

        Raises:
            UserNotFound, InvalidTransition: there is no such account, or it is not deleted.
            TooLate: it was deleted so long ago that its directory is gone for good.
            EmailTaken, UsernameTaken: somebody else has the name now.
            ProvisioningFailed: the directory could not be put back; nothing was changed.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CLOSE, gone=True)
        was = user.status_before_deletion
        if user.status is not Status.DELETED or was is None:
            raise InvalidTransition(f"An account that is {user.status} cannot be restored.")
        kept = timedelta(days=self.context.settings.keep_deleted_days)
        if user.deleted_at is None or self.context.clock.now() - user.deleted_at > kept:
            raise TooLate(f"This account was deleted more than {kept.days} days ago and cannot be restored.")
        await self.renaming.claim_again(user)
        await self.lifecycle.change(user, was, Action.USER_RESTORED, actor=by, reason=reason)
        await asyncio.to_thread(self._put_back, user.id)
        return user

    async def suspend_all(
        self, users: Sequence[User], *, by: UUID | None, reason: str | None, until: datetime | None = None
    ) -> None:
        """Suspend locked accounts.

        Raises:
            InvalidTransition, LastAdmin: one of them cannot be; nothing was changed.
        """
        columns = {"decision_reason": reason, "suspended_until": until}
        details = {"until": _written(until)} if until else {}
        await self.lifecycle.change_all(
            users,
            Status.SUSPENDED,
            Action.USER_SUSPENDED,
            actor=by,
            reason=reason,
            columns=columns,
            details=lambda _: details,
        )

    async def activate_all(self, users: Sequence[User], *, by: UUID | None, reason: str | None) -> None:
        """Open locked accounts that were closed; an end of access that has passed counts no more.

        Raises:
            NotApproved: nobody has let one of them in yet.
            InvalidTransition: one of them is not closed; nothing was changed.
        """
        if any(user.status in {Status.PENDING, Status.REJECTED} for user in users):
            raise NotApproved
        over = [user for user in users if self._has_run_out(user)]
        await self._open(over, by=by, reason=reason, columns={"access_expires_at": None})
        await self._open([user for user in users if user not in over], by=by, reason=reason)

    async def delete_all(self, users: Sequence[User], *, by: UUID | None, reason: str | None, free_names: bool) -> None:
        """Delete locked accounts.

        Raises:
            LastAdmin: nobody could administer any more; nothing was changed.
        """
        ids = [user.id for user in users]
        await self.lifecycle.change_all(
            users,
            Status.DELETED,
            Action.USER_DELETED,
            actor=by,
            reason=reason,
            details=lambda user: {"username": user.username, "email": user.email},
        )
        if free_names:
            await self.renaming.identifiers.release_all(ids)
        await self.renaming.void_tokens(*users)

        for id_ in ids:
            self.after_commit(partial(withdraw, self.context, id_))

    async def catch_up(self, ids: Sequence[UUID]) -> int:
        """End suspensions and accesses whose time has come; return how many accounts changed."""
        now = self.context.clock.now()
        found = await self.lifecycle.accounts(ids, by=None, act=Act.CLOSE)
        over = [
            user
            for user in found
            if user.status is Status.SUSPENDED and user.suspended_until and user.suspended_until <= now
        ]
        await self._open(over, by=None, reason=None)
        ended = [user for user in found if user.is_active and self._has_run_out(user) and not user.is_superuser]
        await self.lifecycle.change_all(ended, Status.EXPIRED, Action.ACCOUNT_EXPIRED, actor=None)
        return len({user.id for user in (*over, *ended)})

    async def _open(
        self,
        users: Sequence[User],
        *,
        by: UUID | None,
        reason: str | None,
        columns: Mapping[str, Any] | None = None,
    ) -> None:
        columns = {"decision_reason": None, **(columns or {})}
        await self.lifecycle.change_all(
            users, Status.ACTIVE, Action.USER_ACTIVATED, actor=by, reason=reason, columns=columns
        )

    def _has_run_out(self, user: User) -> bool:
        return user.access_expires_at is not None and user.access_expires_at <= self.context.clock.now()

    def _insist_on_future(self, moment: datetime | None) -> None:
        if moment and moment <= self.context.clock.now():
            raise TooLate("This time is in the past.")

    def _put_back(self, user_id: UUID) -> None:
        self.context.provisioner.restore(user_id)
        self.context.provisioner.provision(user_id)


def check_suspended(user: User) -> None:
    """Insist that there is a suspension whose end can be moved.

    Raises:
        InvalidTransition: there is none.
    """
    if user.status is not Status.SUSPENDED:
        raise InvalidTransition(f"An account that is {user.status} has no suspension to change.")


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
