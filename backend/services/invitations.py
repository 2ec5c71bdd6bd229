"""Invitations, for the members who make, send, hand over and revoke them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from backend.context import Context
from backend.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvalidInvitation,
    InvitationDeclined,
    InvitationNotFound,
    InvitationWithoutAddress,
    MailEnabled,
    NoMailServer,
    TooManyInvitations,
)
from backend.identifiers import email_as_typed, email_key
from backend.models import (
    Invitation,
    MembershipRole,
)
from backend.services.audit import Action, Audit
from backend.services.invitation_delivery import Delivery, ids_of
from backend.services.organization_entry import Entry, Footing
from backend.services.organization_rights import Act
from backend.services.throttle import Throttle
from backend.stores.identities import Identity
from backend.stores.invitations import InvitationStore

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
class Invitations:
    """Makes, shows and takes back invitations within one transaction; whoever brings one: see `offers`."""

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
        await self.audit.record(Action.INVITATION_MADE, actor=by.id, **ids_of(invitation), role=role)
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
            raise MailEnabled("This server sends mail, so this invitation goes to its address. Send it again instead.")
        await self.audit.record(Action.INVITATION_LINK_MADE, actor=footing.user.id, **ids_of(invitation))
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
        await self.audit.record(Action.INVITATION_SENT_AGAIN, actor=by.id, **ids_of(invitation))
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
        await self.audit.record(Action.INVITATION_REVOKED, actor=by.id, **ids_of(invitation))

    async def _inviter(self, by: Identity, id_: UUID, role: MembershipRole) -> Footing:
        await self.throttle.invitation(by.id)
        footing = await self.entry.enter(by, id_, Act.INVITE)
        footing.insist(Act.INVITE, over=role)
        await self.entry.check_works(id_)
        return footing

    async def _invitation(self, by: Identity, id_: UUID, invitation_id: UUID, act: Act) -> tuple[Footing, Invitation]:
        """Return an open invitation for somebody who may do this with it, the organization locked."""
        if act is Act.INVITE:
            await self.throttle.invitation(by.id)
        footing = await self.entry.enter(by, id_, act)
        invitation = await self.store.open_one(id_, invitation_id, self.context.clock.now())
        if invitation is None:
            raise InvitationNotFound
        footing.insist(act, over=invitation.role)
        if act is Act.INVITE:
            await self.entry.check_works(id_)
        return footing, invitation

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
