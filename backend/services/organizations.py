"""Organizations: people found them, share them, hand them on and leave them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from backend.clock import Clock
from backend.errors import (
    AdminRequired,
    LastOwner,
    MemberNotFound,
    NotActive,
    OwnRole,
    TooManyOrganizations,
)
from backend.identifiers import email_key
from backend.models import MailPurpose, MembershipRole
from backend.services.audit import Action, Audit
from backend.services.founding import Founding, organization_name
from backend.services.organization_entry import Entry, Footing
from backend.services.organization_rights import OVER, RANKS, Act, may
from backend.services.outbox import Outbox
from backend.services.throttle import Throttle
from backend.stores.identities import Identity
from backend.stores.invitations import InvitationStore
from backend.stores.memberships import Member
from backend.stores.organizations import Place, Standing
from backend.stores.pages import Page

__all__ = ["Member", "Organizations", "Place", "Standing", "WithOwners"]

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
    """Reads and changes organizations and who is in them, within one transaction."""

    entry: Entry
    founding: Founding
    invitations: InvitationStore
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

    async def members(self, by: Identity, id_: UUID, cursor: str | None, limit: int) -> Page[Member]:
        """List who is in an organization, those who came first first; deleted accounts are left out.

        Raises:
            OrganizationNotFound: the caller is in no organization of this id.
            InvalidCursor: the cursor is not one that an earlier page handed out.
        """
        await self.entry.look(by, id_, Act.SEE)
        return await self.entry.memberships.page(id_, cursor, limit)

    async def member(self, by: Identity, id_: UUID, user_id: UUID) -> Member:
        """Show one member of an organization.

        Raises:
            OrganizationNotFound: the caller is in no organization of this id.
            MemberNotFound: nobody of this id is in it.
        """
        await self.entry.look(by, id_, Act.SEE)
        return await self._member(id_, user_id)

    async def is_only_owner(self, by: Identity, id_: UUID) -> bool:
        """Tell whether the caller is the only owner with an active account, and so cannot leave."""
        role = await self.entry.memberships.role(id_, by.id)
        return role is MembershipRole.OWNER and not await self.entry.memberships.other_active_owner(id_, by.id)

    async def create(self, by: Identity, name: str) -> Place:
        """Make an organization, with the caller as its owner.

        Raises:
            InvalidOrganizationName: it cannot be called so.
            TooManyOrganizations: the caller is in as many as one can be in.
            TooManyRequests: the caller has made or renamed too many lately.
        """
        await self.throttle.organization(str(by.id))
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
        await self.throttle.organization(str(by.id))
        footing, name = await self.entry.enter(by, id_, Act.RENAME), organization_name(name)
        if name != footing.organization.name:
            await self.entry.organizations.rename(footing.organization, name, self.clock.now())
            await self._record(Action.ORGANIZATION_RENAMED, footing, by.id)
        return await self.entry.look(by, id_, Act.SEE)

    async def delete(self, by: Identity, id_: UUID) -> None:
        """Delete an organization with its memberships and invitations; whoever was in it is told by mail.

        Raises:
            OrganizationNotFound, RoleRequired: the caller may not.
        """
        footing = await self.entry.enter(by, id_, Act.DELETE)
        members = await self.entry.memberships.everybody(id_, besides=by.id)
        await self.entry.organizations.delete(id_)
        await self._record(Action.ORGANIZATION_DELETED, footing, by.id, members=len(members))
        for begin in range(0, len(members), _AT_ONCE):
            some, name = members[begin : begin + _AT_ONCE], footing.organization.name
            await self.outbox.queue_all(MailPurpose.ORGANIZATION_DELETED, some, about=name)

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
        member = await self._member(id_, user_id)
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
        return await self._member(id_, user_id)

    async def transfer(self, by: Identity, id_: UUID, user_id: UUID) -> Place:
        """Make a member owner, and the caller admin where they were owner. The new owner is told by mail.

        Raises:
            OrganizationNotFound, RoleRequired: the caller may not.
            MemberNotFound: nobody of this id is in the organization.
            OwnRole: one hands over to somebody else.
            NotActive: nobody could look after the organization but by an active account.
        """
        footing = await self.entry.enter(by, id_, Act.TRANSFER)
        member = await self._member(id_, user_id)
        if member.user.id == by.id:
            raise OwnRole("Transfer the organization to someone else.")
        if not member.user.is_active:
            raise NotActive
        if member.role is not MembershipRole.OWNER:
            await self._change(footing, member, MembershipRole.OWNER)
            await self.outbox.queue(MailPurpose.OWNERSHIP_RECEIVED, member.user, about=footing.organization.name)
        if footing.role is MembershipRole.OWNER:
            await self._change(footing, await self._member(id_, by.id), MembershipRole.ADMIN)
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
        member = await self._member(id_, user_id)
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
        member = await self._member(id_, by.id)
        await self._end(footing, member)
        await self._record(Action.MEMBER_LEFT, footing, by.id, was=member.role)

    async def _member(self, id_: UUID, user_id: UUID) -> Member:
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

    async def _record(self, action: Action, footing: Footing, target: UUID | None, **details: str | int) -> None:
        about = {target: {"organization_id": str(footing.organization.id), **details}}
        await self.audit.record_all(action, about, actor=footing.user.id)
