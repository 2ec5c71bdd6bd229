"""Mail that becomes due with a change, saved in the change's own transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from backend.clock import Clock
from backend.models import Mail, MailPurpose, User
from backend.stores.mails import MailStore


@dataclass(frozen=True)
class Outbox:
    """Queues mails within one transaction; the courier sends them after the commit."""

    store: MailStore
    clock: Clock
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]
    wake_courier: Callable[[], None]

    async def queue(self, purpose: MailPurpose, user: User) -> None:
        """Note that a mail to this person is due."""
        await self.store.add(Mail(purpose=purpose, user_id=user.id, created_at=self.clock.now()))
        self.after_commit(self._due)

    async def _due(self) -> None:
        self.wake_courier()
