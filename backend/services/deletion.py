"""Deletion, which can be taken back for a while, and the way back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from backend.context import Context
from backend.errors import InvalidTransition, NotOneself, TooLate
from backend.models import Status, User
from backend.services.audit import Action
from backend.services.lifecycle import Lifecycle
from backend.services.renaming import Renaming
from backend.services.rights import Act
from backend.services.setting_aside import withdraw


@dataclass(frozen=True)
class Deletion:
    """Deletes and restores accounts within one transaction. `by` is who acts; None is the command line."""

    context: Context
    lifecycle: Lifecycle
    renaming: Renaming
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]

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

    async def delete_all(
        self,
        users: Sequence[User],
        *,
        by: UUID | None,
        reason: str | None,
        free_names: bool,
        action: Action = Action.USER_DELETED,
    ) -> None:
        """Delete locked accounts; the record calls it `action`.

        Raises:
            LastAdmin: nobody could administer any more; nothing was changed.
        """
        ids = [user.id for user in users]
        await self.lifecycle.change_all(
            users,
            Status.DELETED,
            action,
            actor=by,
            reason=reason,
            details=lambda user: {"username": user.username, "email": user.email},
        )
        if free_names:
            await self.renaming.identifiers.release_all(ids)
        await self.renaming.void_tokens(*users)
        for id_ in ids:
            self.after_commit(partial(withdraw, self.context, id_))

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
        until = restorable_until(user, kept)
        if until is None or self.context.clock.now() > until:
            raise TooLate(f"This account was deleted more than {kept.days} days ago and cannot be restored.")
        await self.renaming.claim_again(user)
        await self.lifecycle.change(user, was, Action.USER_RESTORED, actor=by, reason=reason)
        await asyncio.to_thread(self._put_back, user.id)
        return user

    def _put_back(self, user_id: UUID) -> None:
        self.context.provisioner.restore(user_id)
        self.context.provisioner.provision(user_id)


def restorable_until(user: User, kept: timedelta) -> datetime | None:
    """Return until when an account can be restored, as deleted ones are `kept` for so long; None if it is not one."""
    return user.deleted_at + kept if user.status is Status.DELETED and user.deleted_at else None
