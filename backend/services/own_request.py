"""One's own request for access: amended or withdrawn while it waits, sent again after a rejection.

Applicants have no session and no role, so that `rights` knows nothing of them: each act takes their password
(decision record 26).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from backend.context import Context
from backend.errors import RegistrationClosed, RegistrationFull, RequestDecided, RequestTooSoon, WrongCurrentPassword
from backend.models import MailPurpose, Status, User
from backend.services.audit import Action
from backend.services.deletion import Deletion
from backend.services.lifecycle import Lifecycle
from backend.services.outbox import Outbox
from backend.services.recovery import Recovery
from backend.services.registration import missing_words, refuse
from backend.services.renaming import listed
from backend.services.throttle import Throttle
from backend.stores.users import UserStore

_PAUSE: Final = timedelta(days=1)
"""From one request that is sent again to the next."""


@dataclass(frozen=True)
class Words:
    """What an applicant says for themselves."""

    institution: str | None
    approval_note: str | None


@dataclass(frozen=True)
class OwnRequest:
    """Changes one's own request within one transaction, which begins after the password was checked."""

    context: Context
    lifecycle: Lifecycle
    deletion: Deletion
    recovery: Recovery
    outbox: Outbox
    throttle: Throttle

    async def standing(self, user_id: UUID, status: Status) -> User:
        """Return one's own account, if its request stands so.

        Raises:
            RequestDecided: it does not, or not any more.
        """
        user = await self.lifecycle.users.get(user_id)
        if user is None or user.status is not status:
            raise RequestDecided
        return user

    async def amend(self, user_id: UUID, password: str, words: Words) -> User:
        """Say something else while nobody has decided; those who decide see that, and when.

        Raises:
            WrongCurrentPassword, TooManyRequests: it is not theirs to change, as far as this shows, or not now.
            NoteRequired, InstitutionRequired: this installation asks for them.
            RequestDecided: somebody has decided.
        """
        await self.throttle.amendment(user_id)
        user = await self._own(user_id, password, Status.PENDING)
        refuse(missing_words(self.context, words.approval_note, words.institution))
        columns = _changed(user, words)
        if columns:
            changes = listed(user, columns)
            await self.lifecycle.users.update(user, {**columns, "updated_at": self.context.clock.now()})
            await self.lifecycle.audit.record(Action.REQUEST_AMENDED, target=user.id, actor=user.id, changes=changes)
        return user

    async def withdraw(self, user_id: UUID, password: str) -> None:
        """Delete one's own account while nobody has decided; its names are free at once, and it can be restored.

        Raises:
            WrongCurrentPassword, TooManyRequests: it is not theirs to withdraw, as far as this shows, or not now.
            RequestDecided: somebody has decided.
        """
        user = await self._own(user_id, password, Status.PENDING)
        await self.deletion.delete_all(
            [user], by=user.id, reason=None, free_names=True, action=Action.REQUEST_WITHDRAWN
        )

    async def send_again(self, user_id: UUID, password: str, words: Words) -> User:
        """Ask once more after a rejection; a mail about it that has not left yet does not leave.

        Raises:
            WrongCurrentPassword, TooManyRequests: it is not theirs to send, as far as this shows, or not now.
            RequestTooSoon: they asked again within a day before.
            NoteRequired, InstitutionRequired: this installation asks for them.
            RegistrationClosed, RegistrationFull: nobody can ask at present.
            RequestDecided: it waits already, or was approved after all.
        """
        if not self.context.policy.open:
            raise RegistrationClosed
        user = await self._own(user_id, password, Status.REJECTED)
        refuse(missing_words(self.context, words.approval_note, words.institution))
        if await self.lifecycle.users.pending() >= self.context.settings.max_pending:
            raise RegistrationFull
        await self._insist_on_a_pause(user)
        columns = _changed(user, words)
        details = {"changes": listed(user, columns)} if columns else {}  # now, while the old version is there
        await self.lifecycle.change_all(
            [user],
            Status.PENDING,
            Action.REQUEST_SENT_AGAIN,
            actor=user.id,
            columns={**columns, "decision_reason": None},
            details=lambda _: details,
        )
        await self.outbox.take_back(MailPurpose.ACCOUNT_REJECTED, user)
        if self.context.settings.tell_approvers:
            await self.outbox.tell_later(MailPurpose.APPLICANTS_WAITING, await self.lifecycle.users.deciders())
        return user

    async def _insist_on_a_pause(self, user: User) -> None:
        found = await self.lifecycle.audit.store.last([user.id], [Action.REQUEST_SENT_AGAIN])
        last = found.get(user.id, {}).get(Action.REQUEST_SENT_AGAIN)
        if last and self.context.clock.now() - last < _PAUSE:
            raise RequestTooSoon

    async def _own(self, user_id: UUID, password: str, status: Status) -> User:
        """Return one's own account, locked, after the right password, if its request stands so."""
        async with self.context.database.reading() as session:
            known = await UserStore(session).get(user_id)
        if known is None or known.status is not status:
            raise RequestDecided
        await self.recovery.prove(known, password)
        await self.lifecycle.installation.lock()
        user = await self.lifecycle.users.lock(user_id)
        if user is None or user.hashed_password != known.hashed_password:
            raise WrongCurrentPassword
        if user.status is not status:
            raise RequestDecided
        return user


def _changed(user: User, words: Words) -> dict[str, Any]:
    said = {"institution": words.institution, "approval_note": words.approval_note}
    return {name: value for name, value in said.items() if value != getattr(user, name)}
