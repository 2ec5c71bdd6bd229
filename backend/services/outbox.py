"""Mail that becomes due with a change, saved in the change's own transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final
from uuid import UUID

from backend.clock import Clock
from backend.models import MailPurpose, MailState, User
from backend.stores.mails import MailStore

_HOUR: Final = timedelta(hours=1)
_PER_HOUR: Final = 3
_DAY: Final = timedelta(days=1)
_PER_DAY: Final = 10


class Priority(IntEnum):
    """Which mails overtake which. Strangers cause proofs, and anybody invitations: nothing else shares their places."""

    RESET = 0
    PROOF = 1
    NEWS = 2
    INVITATION = 3


_AWAITED: Final = {MailPurpose.RESET_PASSWORD: Priority.RESET, MailPurpose.VERIFY_EMAIL: Priority.PROOF}
"""Mails that somebody sits and waits for; one that is coming is not queued twice."""
_PRIORITIES: Final = {**_AWAITED, MailPurpose.ORGANIZATION_INVITATION: Priority.INVITATION}
NO_SERVER: Final = "There is no mail server."
TOO_MANY: Final = "There were enough of its kind lately."
REPLACED: Final = "Another one has taken its place, or it was not needed any more."


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
        by_hand: bool = False,
    ) -> None:
        """Note that a mail to this person is due; to another `address` than their own if one is given.

        It may be `about` an organization, by its name, and carry an invitation. One that somebody sends `by_hand` is
        not one too many.
        """
        more = {"address": address, "about": about, "invitation_id": invitation_id}
        await self._queue(purpose, [user], by_hand=by_hand, **more)

    async def leave_out(self, purpose: MailPurpose, user: User) -> None:
        """Note that a mail to this person would have been one too many."""
        await self._add([self._mail(purpose, user, why=TOO_MANY, due_at=self.clock.now())])

    async def take_back(self, purpose: MailPurpose, user: User) -> None:
        """Note that a mail that may be due to this person is not needed any more."""
        await self.store.suppress(purpose, user.id, REPLACED)

    async def queue_all(self, purpose: MailPurpose, users: Sequence[User], *, about: str | None = None) -> None:
        """Note that a mail to each of these people is due, about an organization if it is named."""
        await self._queue(purpose, users, about=about)

    async def tell_later(self, purpose: MailPurpose, users: Sequence[User]) -> None:
        """Note that news is due to each of these people: at once, or an hour after the last of its kind, then as one.

        Call it behind a lock: of two at the same moment, each would see none coming.
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
        by_hand: bool = False,
        **more: Any,  # noqa: ANN401  # columns
    ) -> None:
        ids, now = [user.id for user in users], self.clock.now()
        coming = await self.store.renew(purpose, ids, now) if purpose in _AWAITED else frozenset[UUID]()
        enough: set[UUID] = set()
        for span, most in () if by_hand else ((_HOUR, _PER_HOUR), (_DAY, _PER_DAY)):
            lately = await self.store.lately(purpose, ids, now - span, now)
            enough |= {id_ for id_, count in lately.items() if count >= most}
        mails = []
        for user in users:
            if user.id in coming:
                continue
            why = TOO_MANY if user.id in enough else None
            mails.append(self._mail(purpose, user, why=why, due_at=now, **more))
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
        """Let the courier look after the commit."""
        self.after_commit(self._due)

    async def _due(self) -> None:
        self.wake_courier()
