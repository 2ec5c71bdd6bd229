"""How an invitation reaches people: by mail to its address, or by a link that somebody hands over."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend import tokens
from backend.context import Context
from backend.models import Invitation, InvitationToken, MailPurpose
from backend.services.organization_entry import Footing
from backend.services.outbox import Outbox
from backend.stores.invitations import InvitationStore


@dataclass(frozen=True)
class Delivery:
    """Sends invitations and makes their links within one transaction; each has a token of its own."""

    context: Context
    store: InvitationStore
    outbox: Outbox

    def by_hand(self, invitation: Invitation) -> bool:
        """Tell whether its link is handed over: without an address, or where no mail leaves (ASVS 6.4.6)."""
        return invitation.email is None or not self.context.settings.mail_enabled

    async def link(self, invitation: Invitation, maker: UUID) -> str:
        """Return where an invitation leads; the token stands in the fragment, which no server gets to see."""
        return f"{self.context.settings.public_url}/invitation#token={await self.token(invitation, maker)}"

    async def send(self, footing: Footing, invitation: Invitation) -> None:
        """Queue the mail to its address, in the name of the member in `footing`."""
        await self.outbox.queue(
            MailPurpose.ORGANIZATION_INVITATION,
            footing.user,
            address=invitation.email,
            invitation_id=invitation.id,
            about=footing.organization.name,
            unlimited=True,
        )

    async def token(self, invitation: Invitation, maker: UUID) -> str:
        """Make another token for it, good while its `maker` may invite; earlier ones stay good."""
        token, now = tokens.opaque(), self.context.clock.now()
        digest = tokens.digest(token)
        row = InvitationToken(digest=digest, invitation_id=invitation.id, made_by=maker, created_at=now)
        await self.store.add(row)
        return token


def ids_of(invitation: Invitation) -> dict[str, Any]:
    """Return what records of the audit say of an invitation: ids, no address and no name."""
    return {"organization_id": str(invitation.organization_id), "invitation_id": str(invitation.id)}
