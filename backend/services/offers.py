"""Invitations, for those who have one: looking at, accepting and declining it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
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

_MOST_SHOWN: Final = 20


@dataclass(frozen=True)
class Offer:
    """What an invitation says to whoever brings it: who invites (a name), to what, as what, and whom."""

    id: UUID
    organization: Organization
    role: MembershipRole
    inviter: str | None
    email: str | None
    expires_at: datetime


@dataclass(frozen=True)
class Offers:
    """Shows and uses invitations within one transaction: by their tokens, or by the proven address they are for."""

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
        return await self._offer(await self._by_token(token))

    async def waiting_for(self, by: Identity) -> Sequence[Offer]:
        """Show the open invitations to the caller's address, once it is proven: the newest first, at most 20."""
        user = await self.entry.users.get(by.id)
        if user is None or not user.is_verified:
            return []
        found = await self.store.open_to(email_key(user.email), self.context.clock.now(), _MOST_SHOWN)
        return [await self._offer(one) for one in found if await self._is_good(one)]

    async def accept_own(self, by: Identity, invitation_id: UUID) -> Place:
        """Join by an invitation to one's own proven address, without its token.

        Raises:
            InvitationInvalid: there is none, or none any more.
            AlreadyMember, TooManyOrganizations, OrganizationInert: see `accept`.
        """
        return await self._join(by, lambda user: self._own(user, invitation_id))

    async def decline_own(self, by: Identity, invitation_id: UUID) -> Offer:
        """Turn an invitation to one's own proven address down; return what it offered.

        Raises:
            InvitationInvalid: there is none, or none any more.
        """
        invitation = await self._own(await self.entry.caller(by), invitation_id)
        offer = await self._offer(invitation)
        await self._decline(invitation, by.id)
        return offer

    async def accept(self, by: Identity, token: str) -> Place:
        """Join by an invitation, which is used up then.

        Raises:
            InvitationInvalid: it is unknown, used, taken back or too old, or whoever made it may not invite any more.
            InvitationForAnother: the caller's account has another address than it is for.
            AlreadyMember: the caller is in the organization; the invitation stays unused.
            TooManyOrganizations, OrganizationInert: the caller, or anybody, cannot come in at present.
        """
        return await self._join(by, lambda _: self._by_token(token))

    async def _join(self, by: Identity, find: Callable[[User], Awaitable[Invitation]]) -> Place:
        """Join by an invitation, which is looked for before its organization is locked, and again behind the lock."""
        user = await self.entry.caller(by)
        organization = await self.entry.organizations.lock((await find(user)).organization_id)
        invitation, now = await find(user), self.context.clock.now()
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
        await self._decline(await self._by_token(token), None)

    async def _decline(self, invitation: Invitation, by: UUID | None) -> None:
        """Note a no; who brings a token need not be signed in, and is not on record."""
        if not await self.store.revoke(invitation.id, self.context.clock.now(), declined=True):
            raise InvitationInvalid
        await self.audit.record(Action.INVITATION_DECLINED, actor=by, **ids_of(invitation))

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

    async def _own(self, user: User, invitation_id: UUID) -> Invitation:
        found = await self.store.one_to(email_key(user.email), invitation_id, self.context.clock.now())
        if found is None or not user.is_verified or not await self._is_good(found):
            raise InvitationInvalid
        return found

    async def _offer(self, invitation: Invitation) -> Offer:
        organization = await self.entry.organizations.get(invitation.organization_id)
        if organization is None:
            raise InvitationInvalid
        inviter = await self.entry.users.get(invitation.invited_by) if invitation.invited_by else None
        name = None if inviter is None or inviter.status in GONE else inviter.display_name
        return Offer(invitation.id, organization, invitation.role, name, invitation.email, invitation.expires_at)

    async def _is_good(self, invitation: Invitation) -> bool:
        """Tell whether its organization works, and one of those who made or sent it may still invite."""
        if not await self.entry.organizations.works(invitation.organization_id):
            return False
        makers = {*await self.store.senders(invitation.id), *([invitation.invited_by] if invitation.invited_by else [])}
        return any([await self._vouches(maker, invitation) for maker in makers])

    async def _vouches(self, maker: UUID, invitation: Invitation) -> bool:
        """Tell whether the maker of a token could make this invitation now; otherwise the token is void."""
        user = await self.entry.users.get(maker)
        role = await self.entry.memberships.role(invitation.organization_id, maker)
        return user is not None and user.is_active and may(Act.INVITE, role, user.role, over=invitation.role)
