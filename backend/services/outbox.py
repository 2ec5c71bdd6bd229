"""Mail that becomes due with a change, saved in the change's own transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final
from uuid import UUID

from backend.clock import Clock
from backend.models import MailPurpose, MailState, User
from backend.stores.mails import MailStore, WantedMails

_HOUR: Final = timedelta(hours=1)
_PER_HOUR: Final = 3
_DAY: Final = timedelta(days=1)
_PER_DAY: Final = 10


class Priority(IntEnum):
    """Which mails are sent first. Proofs, which strangers cause, and invitations have priorities of their own."""

    RESET = 0
    PROOF = 1
    NEWS = 2
    INVITATION = 3


_AWAITED: Final = {MailPurpose.RESET_PASSWORD: Priority.RESET, MailPurpose.VERIFY_EMAIL: Priority.PROOF}
"""Mails that somebody waits for at the screen; one that is still due is not queued twice."""
_PRIORITIES: Final = {**_AWAITED, MailPurpose.ORGANIZATION_INVITATION: Priority.INVITATION}
_HELD: Final = {MailPurpose.ACCOUNT_REJECTED: timedelta(minutes=1)}
"""Mails that wait a moment before they leave, because what they tell may be taken back, and how long."""
NO_SERVER: Final = "There is no mail server."
TOO_MANY: Final = "Too many mails of this kind were sent recently."
REPLACED: Final = "A newer mail replaced it, or it was no longer needed."


@dataclass(frozen=True)
class Outbox:
    """Queues mails within one transaction; the courier sends them after the commit.

    Nobody gets more than three mails of a kind within an hour, and ten within a day (`TOO_MANY`): whoever makes us
    write to somebody cannot make us write without end. Mails that cannot or shall not leave are kept account of all
    the same, as suppressed.
    """

    store: MailStore
    clock: Clock
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]
    wake_courier: Callable[[], None]
    leaves: bool
    """Whether mail goes anywhere at all: to a mail server, or to the console of a laptop."""

    async def queue(
        self,
        purpose: MailPurpose,
        user: User,
        *,
        address: str | None = None,
        about: str | None = None,
        invitation_id: UUID | None = None,
        unlimited: bool = False,
    ) -> None:
        """Note that a mail to this person is due; to another `address` than their own if one is given.

        It may be `about` an organization, by its name, and carry an invitation. An `unlimited` one is never one
        too many, and never held back.
        """
        more = {"address": address, "about": about, "invitation_id": invitation_id}
        await self._queue(purpose, [user], unlimited=unlimited, **more)

    async def leave_out(self, purpose: MailPurpose, user: User) -> None:
        """Record a mail to this person as suppressed: it would have been one too many."""
        await self._add([self._mail(purpose, user, why=TOO_MANY, due_at=self.clock.now())])

    async def take_back(self, purpose: MailPurpose, user: User) -> None:
        """Suppress mails of this purpose to this person that are still due."""
        await self.store.suppress(purpose, user.id, REPLACED)

    async def has_left(self, purpose: MailPurpose, user: User) -> bool:
        """Tell whether the newest mail of a purpose to this person has left, or is leaving at this moment."""
        newest = await self.store.page(WantedMails(purpose=purpose, user_id=user.id), None, 1)
        return any(mail.state in {MailState.SENT, MailState.ACCEPTED} for mail in newest.rows)

    async def queue_all(self, purpose: MailPurpose, users: Sequence[User], *, about: str | None = None) -> None:
        """Note that a mail to each of these people is due, about an organization if it is named."""
        await self._queue(purpose, users, about=about)

    async def tell_later(self, purpose: MailPurpose, users: Sequence[User]) -> None:
        """Queue a mail to each of these people that bundles news: now, or an hour after the last of its kind.

        Call it behind a lock: two callers at the same moment would queue it twice.
        """
        ids, now = [user.id for user in users], self.clock.now()
        coming = await self.store.due(purpose, ids)
        last = await self.store.newest(purpose, ids)
        told = [user for user in users if user.id not in coming]
        await self._add(
            [
                self._mail(purpose, user, due_at=max(now, last[user.id] + _HOUR if user.id in last else now))
                for user in told
            ]
        )

    async def _queue(
        self,
        purpose: MailPurpose,
        users: Sequence[User],
        *,
        unlimited: bool = False,
        **more: Any,  # noqa: ANN401  # columns
    ) -> None:
        ids, now = [user.id for user in users], self.clock.now()
        coming = await self.store.renew(purpose, ids, now) if purpose in _AWAITED else frozenset[UUID]()
        enough: set[UUID] = set()
        for span, most in () if unlimited else ((_HOUR, _PER_HOUR), (_DAY, _PER_DAY)):
            lately = await self.store.lately(purpose, ids, now - span, now)
            enough |= {id_ for id_, count in lately.items() if count >= most}
        due_at = now if unlimited else now + _HELD.get(purpose, timedelta())
        mails = []
        for user in users:
            if user.id in coming:
                continue
            why = TOO_MANY if user.id in enough else None
            mails.append(self._mail(purpose, user, why=why, due_at=due_at, **more))
        await self._add(mails)
        if coming:
            self.wake()

    def _mail(
        self,
        purpose: MailPurpose,
        user: User,
        *,
        due_at: datetime,
        why: str | None = None,
        **more: Any,  # noqa: ANN401  # columns
    ) -> dict[str, Any]:
        why = why if self.leaves else NO_SERVER
        return {
            **more,
            "purpose": purpose,
            "user_id": user.id,
            "address": None if why else more.get("address"),
            "state": MailState.SUPPRESSED if why else MailState.DUE,
            "why": why,
            "priority": _PRIORITIES.get(purpose, Priority.NEWS),
            "due_at": due_at,
            "created_at": self.clock.now(),
        }

    async def _add(self, mails: Sequence[dict[str, Any]]) -> None:
        await self.store.add_all(mails)
        if mails:
            self.wake()

    def wake(self) -> None:
        """Wake the courier after the commit."""
        self.after_commit(self._due)

    async def _due(self) -> None:
        self.wake_courier()
