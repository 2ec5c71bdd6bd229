"""Invitations, for those who have one: looking at, accepting and declining it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend import tokens
from backend.context import Context
from backend.errors import AlreadyMember, InvitationForAnother, InvitationInvalid, TooManyOrganizations
from backend.identifiers import email_key
from backend.models import GONE, Invitation, Membership, MembershipRole, Organization, User
from backend.services.audit import Action, Audit
from backend.services.invitation_delivery import Delivery, ids_of
from backend.services.organization_entry import Entry
from backend.services.organization_rights import Act, may
from backend.services.organizations import MOST
from backend.stores.identities import Identity
from backend.stores.invitations import InvitationStore
from backend.stores.organizations import Place


@dataclass(frozen=True)
class Offer:
    """What an invitation says to whoever brings it: who invites (a name), to what, as what, and whom."""

    organization: Organization
    role: MembershipRole
    inviter: str | None
    email: str | None
    expires_at: datetime


@dataclass(frozen=True)
class Offers:
    """Shows and uses invitations by their tokens, within one transaction."""

    context: Context
    entry: Entry
    store: InvitationStore
    delivery: Delivery
    audit: Audit

    async def look(self, token: str) -> Offer:
        """Show what an invitation offers to whoever brings its token.

        Raises:
            InvitationInvalid: it is unknown, used, taken back or too old, or whoever made it may not invite any more.
        """
        invitation = await self._by_token(token)
        organization = await self.entry.organizations.get(invitation.organization_id)
        if organization is None:
            raise InvitationInvalid
        inviter = await self.entry.users.get(invitation.invited_by) if invitation.invited_by else None
        name = None if inviter is None or inviter.status in GONE else inviter.display_name
        return Offer(organization, invitation.role, name, invitation.email, invitation.expires_at)

    async def accept(self, by: Identity, token: str) -> Place:
        """Join by an invitation, which is used up then.

        Raises:
            InvitationInvalid: it is unknown, used, taken back or too old, or whoever made it may not invite any more.
            InvitationForAnother: the caller's account has another address than it is for.
            AlreadyMember: the caller is in the organization; the invitation stays unused.
            TooManyOrganizations, OrganizationInert: the caller, or anybody, cannot come in at present.
        """
        known = await self._by_token(token)
        user = await self.entry.caller(by)
        organization = await self.entry.organizations.lock(known.organization_id)
        invitation, now = await self._by_token(token), self.context.clock.now()
        if organization is None:
            raise InvitationInvalid
        await self._check_entry(user, invitation)
        if not await self.store.use(invitation.id, user.id, now):
            raise InvitationInvalid
        membership = Membership(user_id=user.id, organization_id=organization.id, role=invitation.role, created_at=now)
        await self.entry.memberships.add(membership)
        await self.store.revoke_to(organization.id, email_key(user.email), now)  # else somebody removed could come back
        about = {**ids_of(invitation), "role": invitation.role}
        await self.audit.record(Action.INVITATION_ACCEPTED, actor=user.id, target=user.id, **about)
        return await self.entry.look(by, organization.id, Act.SEE)

    async def decline(self, token: str) -> None:
        """Turn an invitation down; nobody can use it any more.

        Raises:
            InvitationInvalid: it is unknown, used, taken back or too old.
        """
        invitation = await self._by_token(token)
        if not await self.store.revoke(invitation.id, self.context.clock.now(), declined=True):
            raise InvitationInvalid
        await self.audit.record(Action.INVITATION_DECLINED, **ids_of(invitation))

    async def token_for(self, invitation_id: UUID, sender: UUID) -> str | None:
        """Make a token for the mail in which somebody sends an invitation; None if it would open nothing any more."""
        invitation = await self.store.get(invitation_id, self.context.clock.now())
        if invitation is None:
            return None
        works = await self.entry.organizations.works(invitation.organization_id)
        good = works and await self._vouches(sender, invitation)
        return await self.delivery.token(invitation, sender) if good else None

    async def _check_entry(self, user: User, invitation: Invitation) -> None:
        if invitation.email_key and invitation.email_key != email_key(user.email):
            raise InvitationForAnother
        if await self.entry.memberships.role(invitation.organization_id, user.id):
            raise AlreadyMember("You are already a member of this organization.")
        await self.entry.check_works(invitation.organization_id)
        if await self.entry.memberships.count_of(user.id) >= MOST:
            raise TooManyOrganizations

    async def _by_token(self, token: str) -> Invitation:
        found = await self.store.by_token(tokens.digest(token), self.context.clock.now())
        if found is None:
            raise InvitationInvalid
        invitation, maker = found
        if await self.entry.organizations.works(invitation.organization_id) and not await self._vouches(
            maker, invitation
        ):
            raise InvitationInvalid
        return invitation

    async def _vouches(self, maker: UUID, invitation: Invitation) -> bool:
        """Tell whether the maker of a token could make this invitation now; otherwise the token is void."""
        user = await self.entry.users.get(maker)
        role = await self.entry.memberships.role(invitation.organization_id, maker)
        return user is not None and user.is_active and may(Act.INVITE, role, user.role, over=invitation.role)
