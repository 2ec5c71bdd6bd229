"""Directories of invented people: noted while the past is played and made together, with one flush of the disk."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.provisioners import Provisioner


class Later:
    """A provisioner that makes directories when they are needed, or at the end; all else is left to the real one."""

    def __init__(self, real: Provisioner) -> None:
        """Wrap the real one."""
        self._real = real
        self._wanted: dict[UUID, None] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the real one does
        return getattr(self._real, name)

    def provision(self, user_id: UUID) -> None:
        """Note that a place is to be made."""
        self._wanted[user_id] = None

    def provision_all(self, user_ids: Collection[UUID]) -> Collection[UUID]:
        """Note that places are to be made; none of them fails now."""
        self._wanted.update(dict.fromkeys(user_ids))
        return []

    def withdraw(self, user_id: UUID, now: datetime) -> None:
        """Put a place aside, having made it."""
        if user_id in self._wanted:
            del self._wanted[user_id]
            self._real.provision(user_id)
        self._real.withdraw(user_id, now)

    def erase(self, user_id: UUID) -> None:
        """Destroy a place, or never make it."""
        self._wanted.pop(user_id, None)
        self._real.erase(user_id)

    def make(self) -> Collection[UUID]:
        """Make what was noted, and return the ids of those that could not be made; `provision repair` makes them later.

        Raises:
            ProvisioningFailed: none could be made to last.
        """
        return self._real.provision_all(list(self._wanted))
