"""Mail that becomes due with a change, saved in the change's own transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from backend.clock import Clock
from backend.models import MailPurpose, MailState, User
from backend.stores.mails import MailStore

_HOUR: Final = timedelta(hours=1)
_PER_HOUR: Final = 3
AWAITED: Final = frozenset({MailPurpose.RESET_PASSWORD, MailPurpose.VERIFY_EMAIL})
"""Mails that somebody sits and waits for. They overtake others, and one that is coming is not queued twice."""
NO_SERVER: Final = "There is no mail server."
TOO_MANY: Final = "There were enough of its kind within the hour."


@dataclass(frozen=True)
class Outbox:
    """Queues mails within one transaction; the courier sends them after the commit.

    Nobody gets more than three mails of a kind within an hour (`TOO_MANY`): whoever makes us write to somebody cannot
    make us write without end. Mails that cannot or shall not leave are kept account of all the same, as suppressed.
    """

    store: MailStore
    clock: Clock
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]
    wake_courier: Callable[[], None]
    leaves: bool
    """Whether mail goes anywhere at all: to a mail server, or to the console of a laptop."""

    async def queue(
        self, purpose: MailPurpose, user: User, *, address: str | None = None, by_hand: bool = False
    ) -> None:
        """Note that a mail to this person is due; to another `address` than their own if one is given.

        One that somebody sends `by_hand` is not one too many.
        """
        await self._queue(purpose, [user], address=address, by_hand=by_hand)

    async def queue_all(self, purpose: MailPurpose, users: Sequence[User]) -> None:
        """Note that a mail to each of these people is due."""
        await self._queue(purpose, users)

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
        self, purpose: MailPurpose, users: Sequence[User], *, address: str | None = None, by_hand: bool = False
    ) -> None:
        ids, now = [user.id for user in users], self.clock.now()
        coming = await self.store.due(purpose, ids) if purpose in AWAITED else frozenset()
        lately = {} if by_hand else await self.store.lately(purpose, ids, now - _HOUR)
        mails = []
        for user in users:
            if user.id in coming:
                continue
            why = TOO_MANY if lately.get(user.id, 0) >= _PER_HOUR else None
            mails.append(self._mail(purpose, user, address=address, why=why, due_at=now))
        await self._add(mails)

    def _mail(
        self, purpose: MailPurpose, user: User, *, due_at: datetime, address: str | None = None, why: str | None = None
    ) -> dict[str, Any]:
        why = why if self.leaves else NO_SERVER
        return {
            "purpose": purpose,
            "user_id": user.id,
            "address": None if why else address,
            "state": MailState.SUPPRESSED if why else MailState.DUE,
            "why": why,
            "priority": 0 if purpose in AWAITED else 1,
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
