"""Access to organizations: every act in one first locks it and checks the caller's role there."""

from dataclasses import dataclass
from uuid import UUID

from backend.errors import OrganizationInert, OrganizationNotFound, RoleRequired, SessionRevoked
from backend.models import MembershipRole, Organization, Role, User
from backend.services.organization_rights import Act, may
from backend.stores.identities import Identity
from backend.stores.memberships import MembershipStore
from backend.stores.organizations import OrganizationStore, Place
from backend.stores.users import UserStore


@dataclass(frozen=True)
class Footing:
    """Somebody in an organization, both locked; `role` is None for an administrator who is no member."""

    user: User
    organization: Organization
    role: MembershipRole | None

    def insist(self, act: Act, *, over: MembershipRole | None = None) -> None:
        """Check that they may do this, to somebody whose role is `over`.

        Raises:
            RoleRequired: they may not.
        """
        if not may(act, self.role, self.user.role, over=over):
            raise RoleRequired


@dataclass(frozen=True)
class Entry:
    """Checks access to organizations within one transaction: accounts are locked before organizations."""

    users: UserStore
    organizations: OrganizationStore
    memberships: MembershipStore

    async def caller(self, by: Identity) -> User:
        """Return the caller's account as it is now, locked.

        Raises:
            SessionRevoked: it may not be used any more.
        """
        user = await self.users.lock(by.id)
        if user is None or not user.is_active:
            raise SessionRevoked
        return user

    async def enter(self, by: Identity, id_: UUID, act: Act) -> Footing:
        """Lock an organization for somebody who may do this there at this moment.

        Raises:
            OrganizationNotFound: they are no member of it, or there is none.
            RoleRequired: they may not.
            SessionRevoked: their account may not be used any more.
        """
        user = await self.caller(by)
        organization = await self.organizations.lock(id_)
        role = await self.memberships.role(id_, user.id)
        if organization is None or (role is None and user.role is not Role.ADMIN):
            raise OrganizationNotFound
        footing = Footing(user, organization, role)
        footing.insist(act)
        return footing

    async def check_works(self, id_: UUID) -> None:
        """Check that an organization is not inert.

        Raises:
            OrganizationInert: none of its owners has an active account.
        """
        if not await self.organizations.works(id_):
            raise OrganizationInert

    async def look(self, by: Identity, id_: UUID, act: Act) -> Place:
        """Show an organization to somebody who may do this there, without locking it.

        Raises:
            OrganizationNotFound, RoleRequired: see `enter`.
        """
        place = await self.organizations.place(id_, by.id)
        if place is None or (place.role is None and by.role is not Role.ADMIN):
            raise OrganizationNotFound
        if not may(act, place.role, by.role):
            raise RoleRequired
        return place
