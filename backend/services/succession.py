"""What becomes of the organizations of somebody whose account is erased, and of their name in them."""

from dataclasses import dataclass
from uuid import UUID

from backend.clock import Clock
from backend.identifiers import email_key
from backend.models import MailPurpose, MembershipRole, Organization, User
from backend.services.audit import Action, Audit
from backend.services.founding import NAMELESS, default_name
from backend.services.outbox import Outbox
from backend.stores.invitations import InvitationStore
from backend.stores.memberships import MembershipStore
from backend.stores.organizations import OrganizationStore


@dataclass(frozen=True)
class Succession:
    """Ends memberships for good within one transaction; call it with the account locked and its names still there."""

    organizations: OrganizationStore
    memberships: MembershipStore
    invitations: InvitationStore
    outbox: Outbox
    audit: Audit
    clock: Clock

    async def end(self, user: User, *, by: UUID | None) -> None:
        """Take somebody out of all their organizations, and erase the invitations to their address.

        Where no owner is left, the next in line becomes owner and is told; an organization without members is deleted.
        An organization that still has its default name from them is renamed "Organization".
        """
        key = email_key(user.email)
        joined = await self.memberships.organizations_of(user.id)
        for id_ in sorted({*joined, *await self.invitations.organizations_of(user.id, key)}):
            organization = await self.organizations.lock(id_)
            if organization and id_ in joined:
                await self._leave(organization, user, by=by)
        await self.invitations.forget(user.id, key)

    async def _leave(self, organization: Organization, user: User, *, by: UUID | None) -> None:
        id_, now = organization.id, self.clock.now()
        await self.memberships.remove(id_, user.id)
        await self.invitations.revoke_of(id_, user.id, now, roles=frozenset(MembershipRole))
        if organization.name in {default_name(name) for name in (user.full_name, user.username) if name}:
            await self.organizations.rename(organization, NAMELESS, now)
        if await self.memberships.has_owner(id_):
            return
        heir, about = await self.memberships.heir(id_), str(id_)
        if heir is None:
            await self.organizations.delete(id_)
            await self.audit.record(Action.ORGANIZATION_DELETED, actor=by, organization_id=about, members=0)
            return
        await self.memberships.change(id_, heir.user.id, MembershipRole.OWNER)
        await self.audit.record(
            Action.OWNERSHIP_INHERITED, target=heir.user.id, actor=by, organization_id=about, was=heir.role
        )
        if heir.user.is_active:
            await self.outbox.queue(MailPurpose.OWNERSHIP_RECEIVED, heir.user, about=organization.name)
