"""What a registration policy has to answer."""

from typing import Protocol

from backend.models import Status


class RegistrationPolicy(Protocol):
    """Decides what becomes of somebody who signs up. The first account ever is never asked about."""

    @property
    def open(self) -> bool:
        """Whether anybody may sign up at all."""
        ...

    @property
    def initial_status(self) -> Status:
        """The status of a new account: `PENDING` waits for a decision, `ACTIVE` is let in at once."""
        ...
