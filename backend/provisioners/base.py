"""What a provisioner has to do. All of it is repeatable: it runs before the commit, and again after a crash."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Provisioner(Protocol):
    """Prepares the place where a person's work is kept. Calls block; services run them in a thread."""

    def provision(self, user_id: UUID) -> None:
        """Make the place, whole or not at all; complete it if it is there already, overwriting nothing.

        Raises:
            ProvisioningFailed: it could not be made.
        """
        ...

    def withdraw(self, user_id: UUID, now: datetime) -> None:
        """Put the place aside without destroying what is in it; nothing happens if there is none."""
        ...

    def complete(self, user_id: UUID) -> bool:
        """Tell whether the place is there with all its parts."""
        ...

    def existing(self, older_than_seconds: float) -> Iterator[Collection[UUID]]:
        """Walk through the places there are, some at a time, leaving out those made a moment ago."""
        ...

    def leftovers(self, older_than_seconds: float) -> int:
        """Count the unfinished places that a crash left behind."""
        ...

    def sweep(self, older_than_seconds: float) -> int:
        """Remove the unfinished places that a crash left behind, and tell how many there were."""
        ...
