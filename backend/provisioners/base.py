"""What a provisioner has to do. All of it is repeatable: it runs before the commit, and again after a crash."""

from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Usage:
    """How much a person keeps."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Something a person keeps, by its path below their place, with `/` between names; bytes that are no text escaped.

    `file` is open for reading until the next one is asked for; it is None where there is nothing that could be read: a
    link, a pipe, or what is not ours to open.
    """

    path: str
    file: BinaryIO | None
    size: int = 0
    modified: float = 0
    """Seconds since 1970."""


class Provisioner(Protocol):
    """Prepares the place where a person's work is kept. Calls block; services run them in a thread."""

    def provision(self, user_id: UUID) -> None:
        """Make the place, whole or not at all; complete it if it is there already, overwriting nothing.

        Raises:
            ProvisioningFailed: it could not be made.
        """
        ...

    def provision_all(self, user_ids: Collection[UUID]) -> Collection[UUID]:
        """Make or complete many places, each as `provision` does, and return the ids of those that could not be made.

        Raises:
            ProvisioningFailed: none could be made to last.
        """
        ...

    def withdraw(self, user_id: UUID, now: datetime) -> None:
        """Put the place aside without destroying what is in it; nothing happens if there is none."""
        ...

    def restore(self, user_id: UUID) -> bool:
        """Put back what was put aside last; False if there is nothing. A place that is there is left alone.

        Raises:
            ProvisioningFailed: it could not be put back.
        """
        ...

    def erase(self, user_id: UUID) -> None:
        """Destroy the place and everything of it that was put aside; nothing happens if there is none.

        Raises:
            ErasingFailed: something of it is still there; asked again, it goes on from there.
        """
        ...

    def purge(self, before: date) -> int:
        """Destroy what was put aside before a day (UTC), and tell how many places that were.

        Raises:
            ErasingFailed: something of it is still there; asked again, it goes on from there.
        """
        ...

    def measure(self, user_id: UUID) -> Usage:
        """Count what is kept in the place, at this moment or a little before or after."""
        ...

    def walk(self, user_id: UUID) -> Generator[Kept, None, None]:
        """Go through what is kept in the place, or else in what was put aside last. Close it if you stop half-way."""
        ...

    def complete(self, user_id: UUID) -> bool:
        """Tell whether the place is there with all its parts."""
        ...

    def existing(self, older_than_seconds: float) -> Iterator[Collection[UUID]]:
        """Walk through the places there are, some at a time, leaving out those made a moment ago."""
        ...

    def withdrawn(self) -> Iterator[Collection[UUID]]:
        """Walk through the ids of which something was put aside, some at a time; one may come several times."""
        ...

    def leftovers(self, older_than_seconds: float) -> int:
        """Count the unfinished places that a crash left behind."""
        ...

    def sweep(self, older_than_seconds: float) -> int:
        """Remove the unfinished places that a crash left behind, and tell how many there were."""
        ...
