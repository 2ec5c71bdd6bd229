"""What a notifier has to do."""

from dataclasses import dataclass
from typing import Protocol


class Undeliverable(Exception):
    """The other side refuses this mail for good: sending it again is of no use. The text says why."""


class TryLater(Exception):
    """This mail did not leave, and may leave another time. The text says why."""


class ServerAway(TryLater):
    """The other side takes no mail at all at present: others need not be tried at once. The text says why."""


@dataclass(frozen=True)
class Message:
    """A mail, ready to leave."""

    to: str
    subject: str
    body: str
    """Plain text."""
    html: str | None = None
    """The same for programs that show HTML; None: plain text alone."""
    id: str = ""
    """What tells this mail from all others, the same each time it is sent: the left part of its Message-ID."""


class Notifier(Protocol):
    """Carries mails out of the house."""

    async def send(self, message: Message) -> None:
        """Hand one mail over; returning means that the other side has taken it.

        Raises:
            Undeliverable: it never will.
            TryLater: it did not this time.
            ServerAway: nothing does. Any other exception counts as this one.
        """
        ...

    async def rest(self) -> None:
        """Let go of what was kept for the next mail: there is none at the moment."""
        ...
