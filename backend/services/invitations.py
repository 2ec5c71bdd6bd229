"""Invitations: how people come into organizations, by mail or by a link that somebody hands over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from backend import tokens
from backend.context import Context
from backend.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvalidInvitation,
    InvitationDeclined,
    InvitationForAnother,
    InvitationInvalid,
    InvitationNotFound,
    InvitationWithoutAddress,
    MailEnabled,
    NoMailServer,
    OrganizationInert,
    TooManyInvitations,
    TooManyOrganizations,
)
from backend.identifiers import email_as_typed, email_key
from backend.models import (
    GONE,
    Invitation,
    Membership,
    MembershipRole,
    Organization,
    User,
)
from backend.services.audit import Action, Audit
from backend.services.invitation_delivery import Delivery
from backend.services.organization_entry import Entry, Footing
from backend.services.organization_rights import Act, may
from backend.services.organizations import MOST
from backend.services.throttle import Throttle
from backend.stores.identities import Identity
from backend.stores.invitations import InvitationStore
from backend.stores.organizations import Place

LIFETIME: Final = timedelta(days=14)
_NOBODY: Final = UUID(int=0)
MOST_OPEN: Final = 200
"""Open invitations that one organization may have."""


@dataclass(frozen=True)
class Invited:
    """An invitation, and its link where that is to be handed over; shown once."""

    invitation: Invitation
    link: str | None


@dataclass(frozen=True)
class OpenInvitation:
    """An invitation that nobody has used yet, and who made it: a username; None where that account is gone."""

    invitation: Invitation
    inviter: str | None


@dataclass(frozen=True)
class Offer:
    """What an invitation says to whoever brings it: who invites (a name), to what, as what, and whom."""

    organization: Organization
    role: MembershipRole
    inviter: str | None
    email: str | None
    expires_at: datetime


@dataclass(frozen=True)
class Invitations:
    """Makes, shows and uses invitations within one transaction."""

    context: Context
    entry: Entry
    store: InvitationStore
    delivery: Delivery
    audit: Audit
    throttle: Throttle

    async def open(self, by: Identity, id_: UUID) -> Sequence[OpenInvitation]:
        """Return the open invitations of an organization, the newest first.

        Raises:
            OrganizationNotFound, RoleRequired: the caller may not see them.
        """
        await self.entry.look(by, id_, Act.SEE_INVITATIONS)
        found = await self.store.open_in(id_, self.context.clock.now())
        names = await self.entry.users.names({one.invited_by for one in found if one.invited_by})
        return [OpenInvitation(one, names.get(one.invited_by) if one.invited_by else None) for one in found]

    async def invite(self, by: Identity, id_: UUID, role: MembershipRole, email: str | None = None) -> Invited:
        """Invite whoever has an address, by mail, or (None) whoever brings the link.

        The link is returned for who has no address, and for everybody where no mail leaves.

        Raises:
            InvalidInvitation, InvalidEmail: nobody can be invited so.
            OrganizationNotFound, RoleRequired, OrganizationInert: the caller may not, or nobody may at present.
            AlreadyMember, AlreadyInvited, InvitationDeclined, TooManyInvitations: no need, no wish, no room.
            TooManyRequests: too many by the caller, or to this address.
        """
        if role is MembershipRole.OWNER:
            raise InvalidInvitation
        email = email_as_typed(email) if email else None
        footing = await self._inviter(by, id_, role)
        await self._check_room(footing, email)
        now = self.context.clock.now()
        invitation = Invitation(
            organization_id=id_,
            role=role,
            email=email,
            email_key=email_key(email) if email else None,
            invited_by=by.id,
            created_at=now,
            expires_at=now + LIFETIME,
        )
        await self.store.add(invitation)
        await self._record(Action.INVITATION_MADE, invitation, actor=by.id, role=role)
        if email:
            await self.delivery.send(footing, invitation)
        by_hand = self.delivery.by_hand(invitation)
        return Invited(invitation, await self.delivery.link(invitation, by.id) if by_hand else None)

    async def link(self, by: Identity, id_: UUID, invitation_id: UUID) -> Invited:
        """Make another link of an open invitation; links of before stay good until one is used.

        Raises:
            InvitationNotFound: it is not open any more.
            MailEnabled: it has an address, and where mail works it reaches that and nobody else.
            OrganizationNotFound, RoleRequired, OrganizationInert, TooManyRequests: see `invite`.
        """
        footing, invitation = await self._invitation(by, id_, invitation_id, Act.INVITE)
        if not self.delivery.by_hand(invitation):
            raise MailEnabled("Where mail works, this invitation is sent to its address. Send it once more instead.")
        await self._record(Action.INVITATION_LINK_MADE, invitation, actor=footing.user.id)
        return Invited(invitation, await self.delivery.link(invitation, by.id))

    async def again(self, by: Identity, id_: UUID, invitation_id: UUID) -> Invitation:
        """Send an open invitation by mail once more; it ends when it would have ended.

        Raises:
            InvitationNotFound: it is not open any more.
            InvitationWithoutAddress, NoMailServer: it cannot be sent.
            OrganizationNotFound, RoleRequired, OrganizationInert, TooManyRequests: see `invite`.
        """
        footing, invitation = await self._invitation(by, id_, invitation_id, Act.INVITE)
        if invitation.email is None:
            raise InvitationWithoutAddress
        if self.context.settings.mail_goes_nowhere:
            raise NoMailServer
        await self.throttle.invited_mailbox(invitation.email)
        await self._record(Action.INVITATION_SENT_AGAIN, invitation, actor=by.id)
        await self.delivery.send(footing, invitation)
        return invitation

    async def revoke(self, by: Identity, id_: UUID, invitation_id: UUID) -> None:
        """Take an open invitation back: its mails and links open nothing any more.

        Raises:
            InvitationNotFound: it is not open any more.
            OrganizationNotFound, RoleRequired: the caller may not.
        """
        _, invitation = await self._invitation(by, id_, invitation_id, Act.REMOVE)
        await self.store.revoke(invitation.id, self.context.clock.now())
        await self._record(Action.INVITATION_REVOKED, invitation, actor=by.id)

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
        name = None if inviter is None or inviter.status in GONE else inviter.full_name or inviter.username
        return Offer(organization, invitation.role, name, invitation.email, invitation.expires_at)

    async def accept(self, by: Identity, token: str) -> Place:
        """Come in by an invitation, which is used then.

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
        await self.store.revoke_to(organization.id, email_key(user.email), now)  # whoever is removed has no way back
        await self._record(Action.INVITATION_ACCEPTED, invitation, actor=user.id, target=user.id, role=invitation.role)
        return await self.entry.look(by, organization.id, Act.SEE)

    async def decline(self, token: str) -> None:
        """Turn an invitation down; nobody can use it any more.

        Raises:
            InvitationInvalid: it is unknown, used, taken back or too old.
        """
        invitation = await self._by_token(token)
        if not await self.store.revoke(invitation.id, self.context.clock.now(), declined=True):
            raise InvitationInvalid
        await self._record(Action.INVITATION_DECLINED, invitation, actor=None)

    async def token_for(self, invitation_id: UUID, sender: UUID) -> str | None:
        """Make a token for the mail in which somebody sends an invitation; None if it would open nothing any more."""
        invitation = await self.store.get(invitation_id)
        if invitation is None or not _is_open(invitation, self.context.clock.now()):
            return None
        works = await self.entry.organizations.works(invitation.organization_id)
        good = works and await self._vouches(sender, invitation)
        return await self.delivery.token(invitation, sender) if good else None

    async def _inviter(self, by: Identity, id_: UUID, role: MembershipRole) -> Footing:
        await self.throttle.invitation(str(by.id))
        footing = await self.entry.enter(by, id_, Act.INVITE)
        footing.insist(Act.INVITE, over=role)
        await self._check_works(id_)
        return footing

    async def _invitation(self, by: Identity, id_: UUID, invitation_id: UUID, act: Act) -> tuple[Footing, Invitation]:
        """Return an open invitation for somebody who may do this with it, the organization locked."""
        if act is Act.INVITE:
            await self.throttle.invitation(str(by.id))
        footing = await self.entry.enter(by, id_, act)
        invitation = await self.store.open_one(id_, invitation_id, self.context.clock.now())
        if invitation is None:
            raise InvitationNotFound
        footing.insist(act, over=invitation.role)
        if act is Act.INVITE:
            await self._check_works(id_)
        return footing, invitation

    async def _check_works(self, id_: UUID) -> None:
        if not await self.entry.organizations.works(id_):
            raise OrganizationInert

    async def _check_room(self, footing: Footing, email: str | None) -> None:
        id_, now = footing.organization.id, self.context.clock.now()
        if email:
            holder, key = await self.entry.users.get_by_email(email), email_key(email)
            # Asked of nobody too, so that the time does not tell whether there is an account.
            if await self.entry.memberships.role(id_, holder.id if holder else _NOBODY):
                raise AlreadyMember
            if await self.store.is_invited(id_, key, now):
                raise AlreadyInvited
            if await self.store.was_declined(id_, key, now - LIFETIME):
                raise InvitationDeclined
        if await self.store.count_open(id_, now) >= MOST_OPEN:
            raise TooManyInvitations
        if email:
            await self.throttle.invited_mailbox(email)

    async def _check_entry(self, user: User, invitation: Invitation) -> None:
        if invitation.email_key and invitation.email_key != email_key(user.email):
            raise InvitationForAnother
        if await self.entry.memberships.role(invitation.organization_id, user.id):
            raise AlreadyMember("You are a member of this organization already.")
        await self._check_works(invitation.organization_id)
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
        """Tell whether somebody could make this invitation now: nobody comes in on the word of who is out."""
        user, role = (
            await self.entry.users.get(maker),
            await self.entry.memberships.role(invitation.organization_id, maker),
        )
        return user is not None and user.is_active and may(Act.INVITE, role, user.role, over=invitation.role)

    async def _record(
        self, action: Action, invitation: Invitation, *, actor: UUID | None, target: UUID | None = None, **details: str
    ) -> None:
        ids = {"organization_id": str(invitation.organization_id), "invitation_id": str(invitation.id)}
        await self.audit.record_all(action, {target: {**ids, **details}}, actor=actor)


def _is_open(invitation: Invitation, now: datetime) -> bool:
    return invitation.used_at is None and invitation.revoked_at is None and invitation.expires_at > now
