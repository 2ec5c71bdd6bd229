"""Decisions about applicants: approve, reject or reopen; one by one or many at once."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.context import Context
from backend.errors import AlreadyApproved, AlreadyDecided, ProvisioningFailed
from backend.models import MailPurpose, Status, User
from backend.services.audit import Action
from backend.services.lifecycle import Lifecycle
from backend.services.outbox import Outbox
from backend.services.rights import Act
from backend.services.waits import wait_of


@dataclass(frozen=True)
class Reopened:
    """Who waits again, and whether the mail about the rejection had left before."""

    user: User
    mail_left: bool


@dataclass(frozen=True)
class Decisions:
    """Decides about applicants within one transaction."""

    context: Context
    lifecycle: Lifecycle
    outbox: Outbox

    async def approve(
        self, user_id: UUID, *, by: UUID | None, reason: str | None = None, reconsider: bool = False
    ) -> User:
        """Approve an applicant.

        Raises:
            UserNotFound: nobody has this id.
            AlreadyApproved, AlreadyDecided: somebody decided before (`reconsider` reopens a rejection).
            ProvisioningFailed: the directory could not be made; nothing was changed.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.DECIDE)
        check_undecided(user, reconsider=reconsider)
        if await self.approve_all([user], by=by, reason=reason):
            raise ProvisioningFailed
        return user

    async def reject(
        self, user_id: UUID, *, by: UUID | None, reason: str | None = None, reconsider: bool = False
    ) -> User:
        """Reject an applicant. Who decided is in the audit.

        Raises:
            UserNotFound: nobody has this id.
            AlreadyApproved, AlreadyDecided: somebody decided before (`reconsider` replaces the reason of a rejection).
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.DECIDE)
        check_undecided(user, reconsider=reconsider)
        if user.status is Status.REJECTED:
            columns = {"decision_reason": reason, "updated_at": self.context.clock.now()}
            await self.lifecycle.users.update(user, columns)
            await self.lifecycle.audit.record(Action.USER_REJECTED, target=user.id, actor=by, reason=reason)
        else:
            await self.reject_all([user], by=by, reason=reason)
        return user

    async def reopen(self, user_id: UUID, *, by: UUID | None, reason: str | None = None) -> Reopened:
        """Let somebody wait again who was turned away; the mail about it is not sent, if it has not left.

        Raises:
            UserNotFound: nobody has this id.
            InvalidTransition: they were not rejected.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.DECIDE)
        columns = {"decision_reason": None}
        await self.lifecycle.change(
            user, Status.PENDING, Action.USER_REOPENED, actor=by, reason=reason, columns=columns
        )
        await self.outbox.take_back(MailPurpose.ACCOUNT_REJECTED, user)
        return Reopened(user, await self.outbox.has_left(MailPurpose.ACCOUNT_REJECTED, user))

    async def approve_all(self, users: Sequence[User], *, by: UUID | None, reason: str | None) -> Collection[UUID]:
        """Approve locked accounts about which nobody has decided; return those whose directory could not be made.

        Raises:
            ProvisioningFailed: no directory could be made; nothing was changed.
        """
        ids = [user.id for user in users]
        failed = set(await asyncio.to_thread(self.context.provisioner.provision_all, ids))
        users = [user for user in users if user.id not in failed]
        columns = {"approved_by": by, "approved_at": self.context.clock.now(), "decision_reason": reason}
        self._count(users)
        await self.lifecycle.change_all(
            users, Status.ACTIVE, Action.USER_APPROVED, actor=by, reason=reason, columns=columns
        )
        await self.outbox.queue_all(MailPurpose.ACCOUNT_APPROVED, users)
        return failed

    async def reject_all(self, users: Sequence[User], *, by: UUID | None, reason: str | None) -> None:
        """Reject locked accounts about which nobody has decided."""
        columns = {"approved_by": None, "approved_at": None, "decision_reason": reason}
        self._count(users)
        await self.lifecycle.change_all(
            users, Status.REJECTED, Action.USER_REJECTED, actor=by, reason=reason, columns=columns
        )
        await self.outbox.queue_all(MailPurpose.ACCOUNT_REJECTED, users)

    def _count(self, users: Sequence[User]) -> None:
        """Count how long the applicants had waited; those who were rejected before do not wait."""
        now = self.context.clock.now()
        waits = Counter(wait_of(now - user.created_at) for user in users if user.status is Status.PENDING)
        self.lifecycle.users.tallies.decided(now, waits)


def check_undecided(user: User, *, reconsider: bool) -> None:
    """Insist that nobody has decided about somebody yet.

    Raises:
        AlreadyApproved, AlreadyDecided: somebody has.
    """
    if user.is_approved:
        raise AlreadyApproved
    if user.status is Status.REJECTED and not reconsider:
        raise AlreadyDecided
