"""Mail that becomes due with a change, saved in the change's own transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from backend.clock import Clock
from backend.models import MailPurpose, User
from backend.stores.mails import MailStore

_HOUR: Final = timedelta(hours=1)
_WARNINGS_PER_HOUR: Final = 3


@dataclass(frozen=True)
class Outbox:
    """Queues mails within one transaction; the courier sends them after the commit."""

    store: MailStore
    clock: Clock
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]
    wake_courier: Callable[[], None]

    async def queue(self, purpose: MailPurpose, user: User) -> None:
        """Note that a mail to this person is due."""
        await self.queue_all(purpose, [user])

    async def queue_all(self, purpose: MailPurpose, users: Sequence[User]) -> None:
        """Note that a mail to each of these people is due."""
        now = self.clock.now()
        await self.store.add_all(purpose, [user.id for user in users], now)
        self.after_commit(self._due)

    async def warn(self, purpose: MailPurpose, user: User) -> None:
        """Note that a warning is due, unless this person has had three of the kind within the hour."""
        since = self.clock.now() - _HOUR
        if await self.store.count(purpose, user.id, since) < _WARNINGS_PER_HOUR:
            await self.queue(purpose, user)

    async def _due(self) -> None:
        self.wake_courier()
