"""New names for an account: claims them, frees the old ones, and voids proofs of an old address."""

from dataclasses import dataclass
from typing import Any

from backend.clock import Clock
from backend.identifiers import email_as_typed, email_key, username_as_typed, username_key
from backend.models import IdentifierKind, MailPurpose, User
from backend.services.outbox import Outbox
from backend.stores.identifiers import IdentifierStore
from backend.stores.one_time_tokens import OneTimeTokenStore


@dataclass(frozen=True)
class Renaming:
    """Claims names within one transaction."""

    identifiers: IdentifierStore
    one_time_tokens: OneTimeTokenStore
    outbox: Outbox
    clock: Clock
    proofs: bool
    """Whether a new address gets a mail that proves it."""

    async def claim(self, user: User, username: str | None, email: str | None) -> dict[str, Any]:
        """Claim what is new of these names for a locked account, and return the columns that change with it.

        The person is told by mail, about a new address at the former one too (ASVS 6.3.7).

        Raises:
            InvalidUsername, InvalidEmail, UsernameTaken, EmailTaken: a name cannot be so.
        """
        columns: dict[str, Any] = {}
        if username is not None and username_as_typed(username) != user.username:
            columns["username"] = username = username_as_typed(username)
            if username_key(username) != username_key(user.username):
                await self.identifiers.release(user.id, IdentifierKind.USERNAME)
                await self.identifiers.claim_username(username, user.id)
                await self.outbox.queue(MailPurpose.USERNAME_CHANGED, user)
        if email is not None and email_as_typed(email) != user.email:
            columns["email"] = email = email_as_typed(email)
            if email_key(email) != email_key(user.email):
                columns["is_verified"] = False
                await self.identifiers.release(user.id, IdentifierKind.EMAIL)
                await self.identifiers.claim_email(email, user.id)
                await self.void_tokens(user)
                await self.outbox.queue(MailPurpose.EMAIL_CHANGED, user, address=user.email)
                if self.proofs:
                    await self.outbox.queue(MailPurpose.VERIFY_EMAIL, user)
        return columns

    async def claim_again(self, user: User) -> None:
        """Take back the names that a locked account gave up.

        Raises:
            UsernameTaken, EmailTaken: somebody else has them now.
        """
        held = await self.identifiers.kinds_of(user.id)
        if IdentifierKind.EMAIL not in held:
            await self.identifiers.claim_email(user.email, user.id)
        if IdentifierKind.USERNAME not in held:
            await self.identifiers.claim_username(user.username, user.id)

    async def void_tokens(self, *users: User) -> None:
        """Void the tokens of all mails that accounts were sent."""
        await self.one_time_tokens.void_all([user.id for user in users], self.clock.now())


def listed(user: User, columns: dict[str, Any], *, proven: bool = False) -> list[dict[str, Any]]:
    """List what changes, for the audit; whether the address is `proven` only where somebody said so."""
    shown = [name for name in columns if proven or name != "is_verified"]
    return [{"field": name, "old": getattr(user, name), "new": columns[name]} for name in shown]
