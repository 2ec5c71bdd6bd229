"""Organizations: people found, name and delete them; who is in them is for `members`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from backend.clock import Clock
from backend.errors import AdminRequired, TooManyOrganizations
from backend.models import MailPurpose
from backend.services.audit import Action, Audit
from backend.services.founding import Founding, organization_name
from backend.services.organization_entry import Entry
from backend.services.organization_rights import Act, may
from backend.services.outbox import Outbox
from backend.services.throttle import Throttle
from backend.stores.identities import Identity
from backend.stores.organizations import Place, Standing
from backend.stores.pages import Page

__all__ = ["Organizations", "Place", "Standing", "WithOwners"]

_AT_ONCE: Final = 500
MOST: Final = 40
"""Organizations that one person can be in, so that an access token can name them all."""


@dataclass(frozen=True)
class WithOwners:
    """An organization as administrators of the installation see it, with the usernames of its owners."""

    place: Place
    owners: Sequence[str]


@dataclass(frozen=True)
class Organizations:
    """Reads and changes organizations within one transaction."""

    entry: Entry
    founding: Founding
    outbox: Outbox
    audit: Audit
    clock: Clock
    throttle: Throttle

    async def mine(self, user_id: UUID) -> Sequence[Place]:
        """Return the organizations somebody is in, by name."""
        return await self.entry.organizations.places(user_id)

    async def standings(self, user_id: UUID) -> Sequence[Standing]:
        """Return the same without the numbers of members, which have to be counted."""
        return await self.entry.organizations.standings(user_id)

    async def all(self, by: Identity, cursor: str | None, limit: int) -> Page[WithOwners]:
        """List all organizations there are, newest first.

        Raises:
            AdminRequired: the caller does not administer the installation.
            InvalidCursor: the cursor is not one that an earlier page handed out.
        """
        if not may(Act.LIST, None, by.role):
            raise AdminRequired
        page = await self.entry.organizations.newest(by.id, cursor, limit)
        owners = await self.entry.organizations.owners([place.organization.id for place in page.rows])
        return Page([WithOwners(place, owners[place.organization.id]) for place in page.rows], page.next_cursor)

    async def one(self, by: Identity, id_: UUID) -> Place:
        """Show an organization; an administrator of the installation need not be in it, and has no role then.

        Raises:
            OrganizationNotFound: the caller is in no organization of this id.
        """
        return await self.entry.look(by, id_, Act.SEE)

    async def create(self, by: Identity, name: str) -> Place:
        """Make an organization, with the caller as its owner.

        Raises:
            InvalidOrganizationName: it cannot be called so.
            TooManyOrganizations: the caller is in as many as one can be in.
            TooManyRequests: the caller has made or renamed too many lately.
        """
        await self.throttle.organization(by.id)
        user = await self.entry.caller(by)
        if await self.entry.memberships.count_of(user.id) >= MOST:
            raise TooManyOrganizations
        organization = await self.founding.found(user, name)
        return await self.entry.look(by, organization.id, Act.SEE)

    async def rename(self, by: Identity, id_: UUID, name: str) -> Place:
        """Give an organization another name.

        Raises:
            OrganizationNotFound, RoleRequired: the caller may not.
            InvalidOrganizationName: it cannot be called so.
            TooManyRequests: the caller has made or renamed too many lately.
        """
        await self.throttle.organization(by.id)
        footing, name = await self.entry.enter(by, id_, Act.RENAME), organization_name(name)
        if name != footing.organization.name:
            await self.entry.organizations.rename(footing.organization, name, self.clock.now())
            await self.audit.record(Action.ORGANIZATION_RENAMED, target=by.id, actor=by.id, organization_id=str(id_))
        return await self.entry.look(by, id_, Act.SEE)

    async def delete(self, by: Identity, id_: UUID) -> None:
        """Delete an organization with its memberships and invitations; whoever was in it is told by mail.

        Raises:
            OrganizationNotFound, RoleRequired: the caller may not.
        """
        footing = await self.entry.enter(by, id_, Act.DELETE)
        members = await self.entry.memberships.everybody(id_, besides=by.id)
        await self.entry.organizations.delete(id_)
        await self.audit.record(
            Action.ORGANIZATION_DELETED, target=by.id, actor=by.id, organization_id=str(id_), members=len(members)
        )
        for begin in range(0, len(members), _AT_ONCE):
            some, name = members[begin : begin + _AT_ONCE], footing.organization.name
            await self.outbox.queue_all(MailPurpose.ORGANIZATION_DELETED, some, about=name)
