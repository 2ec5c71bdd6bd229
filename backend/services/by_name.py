"""Accounts by username (dialect B3): what people do to their own, and administrators to everybody's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.errors import NotYours
from backend.identifiers import username_key
from backend.models import User
from backend.services.deletion import Deletion
from backend.services.editing import Editing
from backend.services.erasure import Erasure
from backend.services.people import People
from backend.services.profile import Profile
from backend.services.rights import Act, may
from backend.stores.identities import Identity


@dataclass(frozen=True)
class ByName:
    """Acts on the account of a username, or of an id, within one transaction."""

    people: People
    profile: Profile
    editing: Editing
    deletion: Deletion
    erasure: Erasure

    async def update(self, caller: Identity, who: str, changes: Mapping[str, Any], password: str | None) -> User:
        """Change one's own account, an address with the current password only, or as an administrator another one.

        Raises:
            NotYours: it is somebody else's, existing or not.
            UserNotFound, …: see `Profile.update` and `Editing.update`.
        """
        if _means(caller, who):
            return await self.profile.update(caller.id, changes, password)
        if not may(Act.UPDATE, caller.role):
            raise NotYours("Cannot update for another user")
        return await self.editing.update(caller.id, (await self.people.one(who)).id, changes)

    async def delete(self, caller: Identity, who: str) -> User:
        """Delete one's own account, or as an administrator another one, to be restored for a while; names stay.

        Raises:
            NotYours: it is somebody else's, existing or not.
            UserNotFound, LastAdmin: it cannot be deleted.
        """
        oneself = _means(caller, who)
        if not may(Act.DELETE, caller.role, oneself=oneself):
            raise NotYours("Cannot delete for another user")
        target = caller.id if oneself else (await self.people.one(who)).id
        return await self.deletion.delete(caller.id, target, free_names=False, own=True)

    async def anonymize(self, caller: Identity, who: str) -> User:
        """Erase an account for good, a deleted one too; see `Erasure.anonymize`.

        Raises:
            UserNotFound, InvalidTransition, DemoteFirst: it cannot be erased.
        """
        return await self.erasure.anonymize(caller.id, (await self.people.one(who, gone=True)).id)


def _means(caller: Identity, who: str) -> bool:
    return username_key(who) == username_key(caller.username)
