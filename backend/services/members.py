"""Members of an organization: who is in it, with what role, and how they go."""

from dataclasses import dataclass
from uuid import UUID

from backend.clock import Clock
from backend.errors import LastOwner, MemberNotFound, NotActive, OwnRole
from backend.identifiers import email_key
from backend.models import MailPurpose, MembershipRole
from backend.services.audit import Action, Audit
from backend.services.organization_entry import Entry, Footing
from backend.services.organization_rights import OVER, RANKS, Act
from backend.services.outbox import Outbox
from backend.stores.identities import Identity
from backend.stores.invitations import InvitationStore
from backend.stores.memberships import Member
from backend.stores.organizations import Place
from backend.stores.pages import Page

__all__ = ["Member", "Members"]


@dataclass(frozen=True)
class Members:
    """Reads and changes who is in an organization, within one transaction."""

    entry: Entry
    invitations: InvitationStore
    outbox: Outbox
    audit: Audit
    clock: Clock

    async def page(self, by: Identity, id_: UUID, cursor: str | None, limit: int) -> Page[Member]:
        """List who is in an organization, those who came first first; deleted accounts are left out.

        Raises:
            OrganizationNotFound: the caller is in no organization of this id.
            InvalidCursor: the cursor is not one that an earlier page handed out.
        """
        await self.entry.look(by, id_, Act.SEE)
        return await self.entry.memberships.page(id_, cursor, limit)

    async def one(self, by: Identity, id_: UUID, user_id: UUID) -> Member:
        """Show one member of an organization.

        Raises:
            OrganizationNotFound: the caller is in no organization of this id.
            MemberNotFound: nobody of this id is in it.
        """
        await self.entry.look(by, id_, Act.SEE)
        return await self._found(id_, user_id)

    async def is_only_owner(self, by: Identity, id_: UUID) -> bool:
        """Tell whether the caller is the only owner with an active account, and so cannot leave."""
        role = await self.entry.memberships.role(id_, by.id)
        return role is MembershipRole.OWNER and not await self.entry.memberships.other_active_owner(id_, by.id)

    async def change_role(self, by: Identity, id_: UUID, user_id: UUID, role: MembershipRole) -> Member:
        """Let a member be owner, admin or member. A new owner is told by mail.

        Raises:
            OrganizationNotFound, RoleRequired: the caller may not.
            MemberNotFound: nobody of this id is in the organization.
            OwnRole: nobody gives themselves rights.
            NotActive: only active accounts are given rights.
            LastOwner: no other owner with an active account would be left.
        """
        footing = await self.entry.enter(by, id_, Act.CHANGE_ROLE)
        member = await self._found(id_, user_id)
        footing.insist(Act.CHANGE_ROLE, over=member.role)
        if role is member.role:
            return member
        if RANKS.index(role) > RANKS.index(member.role):
            if member.user.id == by.id:
                raise OwnRole
            if not member.user.is_active:
                raise NotActive
        await self._change(footing, member, role)
        await self._record(Action.MEMBER_ROLE_CHANGED, footing, user_id, was=member.role, became=role)
        if role is MembershipRole.OWNER:
            await self.outbox.queue(MailPurpose.OWNERSHIP_RECEIVED, member.user, about=footing.organization.name)
        return await self._found(id_, user_id)

    async def transfer(self, by: Identity, id_: UUID, user_id: UUID) -> Place:
        """Make a member owner, and the caller admin where they were owner. The new owner is told by mail.

        Raises:
            OrganizationNotFound, RoleRequired: the caller may not.
            MemberNotFound: nobody of this id is in the organization.
            OwnRole: one hands over to somebody else.
            NotActive: nobody could look after the organization but by an active account.
        """
        footing = await self.entry.enter(by, id_, Act.TRANSFER)
        member = await self._found(id_, user_id)
        if member.user.id == by.id:
            raise OwnRole("Transfer the organization to someone else.")
        if not member.user.is_active:
            raise NotActive
        if member.role is not MembershipRole.OWNER:
            await self._change(footing, member, MembershipRole.OWNER)
            await self.outbox.queue(MailPurpose.OWNERSHIP_RECEIVED, member.user, about=footing.organization.name)
        if footing.role is MembershipRole.OWNER:
            await self._change(footing, await self._found(id_, by.id), MembershipRole.ADMIN)
        await self._record(Action.OWNERSHIP_TRANSFERRED, footing, user_id, was=member.role)
        return await self.entry.look(by, id_, Act.SEE)

    async def remove(self, by: Identity, id_: UUID, user_id: UUID) -> None:
        """Remove a member, who is told by mail; oneself: see `leave`.

        The invitations they made are taken back, and those to their address.

        Raises:
            OrganizationNotFound, RoleRequired: the caller may not.
            MemberNotFound: nobody of this id is in the organization.
            LastOwner: no other owner with an active account would be left.
        """
        if user_id == by.id:
            await self.leave(by, id_)
            return
        footing = await self.entry.enter(by, id_, Act.REMOVE)
        member = await self._found(id_, user_id)
        footing.insist(Act.REMOVE, over=member.role)
        await self._end(footing, member)
        for taken in await self.invitations.revoke_to(id_, email_key(member.user.email), self.clock.now()):
            await self._record(Action.INVITATION_REVOKED, footing, None, invitation_id=str(taken))
        await self._record(Action.MEMBER_REMOVED, footing, user_id, was=member.role)
        await self.outbox.queue(MailPurpose.MEMBERSHIP_ENDED, member.user, about=footing.organization.name)

    async def leave(self, by: Identity, id_: UUID) -> None:
        """Leave an organization. The invitations one made are taken back.

        Raises:
            OrganizationNotFound, MemberNotFound: the caller is not in it.
            LastOwner: no other owner with an active account would be left.
        """
        footing = await self.entry.enter(by, id_, Act.SEE)
        member = await self._found(id_, by.id)
        await self._end(footing, member)
        await self._record(Action.MEMBER_LEFT, footing, by.id, was=member.role)

    async def _found(self, id_: UUID, user_id: UUID) -> Member:
        member = await self.entry.memberships.member(id_, user_id)
        if member is None:
            raise MemberNotFound
        return member

    async def _change(self, footing: Footing, member: Member, role: MembershipRole) -> None:
        """Change a role; open invitations that the member could not make in the new role are revoked."""
        await self._keep_an_owner(footing, member)
        await self.entry.memberships.change(footing.organization.id, member.user.id, role)
        await self._take_back(footing, member, OVER[member.role] - OVER[role])

    async def _end(self, footing: Footing, member: Member) -> None:
        await self._keep_an_owner(footing, member)
        await self.entry.memberships.remove(footing.organization.id, member.user.id)
        await self._take_back(footing, member, frozenset(MembershipRole))

    async def _keep_an_owner(self, footing: Footing, member: Member) -> None:
        """Check that an active owner is left; call it with the organization locked, before a member's role ends."""
        if member.role is MembershipRole.OWNER and not await self.entry.memberships.other_active_owner(
            footing.organization.id, member.user.id
        ):
            raise LastOwner

    async def _take_back(self, footing: Footing, member: Member, roles: frozenset[MembershipRole]) -> None:
        id_, now = footing.organization.id, self.clock.now()
        for taken in await self.invitations.revoke_of(id_, member.user.id, now, roles=roles):
            await self._record(Action.INVITATION_REVOKED, footing, None, invitation_id=str(taken))

    async def _record(self, action: Action, footing: Footing, target: UUID | None, **details: str) -> None:
        about = str(footing.organization.id)
        await self.audit.record(action, target=target, actor=footing.user.id, organization_id=about, **details)
