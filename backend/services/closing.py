"""What closes an account and opens it again: suspension, the end of access, deactivation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.errors import (
    AdminNeverExpires,
    InvalidTransition,
    LastAdmin,
    NotApproved,
    NotConfirmed,
    NotOneself,
    TooLate,
)
from backend.models import NOT_LET_IN, Status, User
from backend.services.audit import Action
from backend.services.lifecycle import Lifecycle
from backend.services.rights import Act


@dataclass(frozen=True)
class Closing:
    """Closes and opens accounts within one transaction. `by` is who acts; None is the command line."""

    lifecycle: Lifecycle

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
        self._check_ahead(until)
        if user.id == by:
            raise NotOneself("Cannot suspend yourself")
        if user.status is not Status.SUSPENDED:
            await self.suspend_all([user], by=by, reason=reason, until=until)
            return user
        columns = {"decision_reason": reason, "suspended_until": until, "updated_at": self.lifecycle.clock.now()}
        await self.lifecycle.users.update(user, columns)
        details = _details(until)
        await self.lifecycle.audit.record(Action.USER_SUSPENDED, target=user.id, actor=by, reason=reason, **details)
        return user

    async def move_end_of_suspension(
        self, by: UUID | None, user_id: UUID, until: datetime | None, reason: str | None = None
    ) -> User:
        """Give a suspension another end, and another reason if there is one.

        Raises:
            InvalidTransition: there is no suspension.
            UserNotFound, NotOneself, TooLate: see `suspend`.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CLOSE, gone=True)
        if user.status is not Status.SUSPENDED:
            raise InvalidTransition(f"An account that is {user.status} has no suspension to change.")
        return await self.suspend(by, user.id, reason or user.decision_reason, until=until)

    async def suspend_all(
        self, users: Sequence[User], *, by: UUID | None, reason: str | None, until: datetime | None = None
    ) -> None:
        """Suspend locked accounts.

        Raises:
            InvalidTransition, LastAdmin: one of them cannot be; nothing was changed.
        """
        await self.lifecycle.change_all(
            users,
            Status.SUSPENDED,
            Action.USER_SUSPENDED,
            actor=by,
            reason=reason,
            columns={"decision_reason": reason, "suspended_until": until},
            details=lambda _: _details(until),
        )

    async def activate(self, by: UUID | None, user_id: UUID, reason: str | None = None) -> User:
        """Open a suspended, expired or deactivated account again.

        Raises:
            UserNotFound, InvalidTransition: there is nothing to open.
            NotApproved: nobody has approved this person yet; that is a decision, not an activation.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.CLOSE)
        await self.activate_all([user], by=by, reason=reason)
        return user

    async def activate_all(self, users: Sequence[User], *, by: UUID | None, reason: str | None) -> None:
        """Open locked accounts that were closed; an end of access that has passed counts no more.

        Raises:
            NotApproved: nobody has let one of them in yet.
            InvalidTransition: one of them is not closed; nothing was changed.
        """
        for user in users:
            check_let_in(user)
        over = [user for user in users if self._has_run_out(user)]
        await self._open(over, by=by, reason=reason, columns={"access_expires_at": None})
        await self._open([user for user in users if user not in over], by=by, reason=reason)

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
        self._check_ahead(at)
        changed = [{"field": "access_expires_at", "old": _written(user.access_expires_at), "new": _written(at)}]
        await self.lifecycle.users.update(user, {"access_expires_at": at, "updated_at": self.lifecycle.clock.now()})
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

    async def catch_up(self, ids: Sequence[UUID]) -> int:
        """End suspensions and accesses whose time has come; return how many accounts changed."""
        now = self.lifecycle.clock.now()
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
        return user.access_expires_at is not None and user.access_expires_at <= self.lifecycle.clock.now()

    def _check_ahead(self, moment: datetime | None) -> None:
        if moment and moment <= self.lifecycle.clock.now():
            raise TooLate("This time is in the past.")


def check_let_in(user: User) -> None:
    """Check that it is no missing approval that keeps somebody out.

    Raises:
        NotApproved: nobody has let them in.
    """
    if user.status in NOT_LET_IN:
        raise NotApproved


def _details(until: datetime | None) -> Mapping[str, Any]:
    return {"until": _written(until)} if until else {}


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
