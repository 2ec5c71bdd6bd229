"""What a notifier has to do."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """A mail, ready to leave."""

    to: str
    subject: str
    body: str


class Notifier(Protocol):
    """Carries mails out of the house."""

    async def send(self, message: Message) -> None:
        """Hand one mail over; returning means that it has left."""
        ...
