"""The throttle: how often somebody may try, counted before the costly part begins (ASVS 2.4.1, 6.3.1)."""

from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from backend.context import Context
from backend.errors import TooManyRequests
from backend.identifiers import email_key
from backend.services.networks import network_of
from backend.stores.counters import Counters, Limit
from backend.tokens import digest

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True)
class Throttle:
    """Each method is a limit, but for those of passwords, which are in `guesses`. One counter serves all doors."""

    counters: Counters
    enabled: bool
    registrations_per_hour: int

    @classmethod
    def of(cls, context: Context) -> Self:
        """Make the throttle of an installation."""
        settings = context.settings
        return cls(context.counters, settings.rate_limits, settings.registrations_per_hour)

    async def registration(self, address: str | None) -> None:
        """Count a registration.

        Raises:
            TooManyRequests: too many from this address.
        """
        await self._count(Limit("registration", self.registrations_per_hour, _HOUR), network_of(address))

    async def registration_by_email(self, address: str | None) -> None:
        """Count a registration by the door that asks for an address only.

        Raises:
            TooManyRequests: too many from this address.
        """
        await self._count(Limit("registration-by-email", 5, _HOUR), network_of(address))

    async def password_change(self, account: UUID) -> None:
        """Count a change of password.

        Raises:
            TooManyRequests: too many for this account.
        """
        await self._count(Limit("password-change", 3, _HOUR), str(account))

    async def amendment(self, account: UUID) -> None:
        """Count a change of a request that waits: each is on record.

        Raises:
            TooManyRequests: too many by this applicant.
        """
        await self._count(Limit("amendment", 10, _HOUR), str(account))

    async def renaming(self, account: UUID) -> None:
        """Count a new username, taken or not: it tells who is here.

        Raises:
            TooManyRequests: too many for this account.
        """
        await self._count(Limit("renaming", 20, _HOUR), str(account))

    async def new_address(self, account: UUID) -> None:
        """Count a new address of an account, taken or not: it makes us write to whoever has it.

        Raises:
            TooManyRequests: too many for this account.
        """
        await self._count(Limit("new-address", 3, _HOUR), str(account))

    async def own_data(self, account: UUID) -> None:
        """Count a copy of all that is kept about a person.

        Raises:
            TooManyRequests: too many for this account.
        """
        await self._count(Limit("own-data", 5, _HOUR), str(account))

    async def strength(self, address: str | None) -> None:
        """Count a question how strong a password is.

        Raises:
            TooManyRequests: too many from this address.
        """
        await self._count(Limit("password-strength", 120, _MINUTE), network_of(address))

    async def reset(self, email: str, address: str | None) -> None:
        """Count a request for a new password of somebody, existing or not. Nothing else counts against it.

        Raises:
            TooManyRequests: too many for this email address or from this network address.
        """
        await self._mail_wanted("reset", email, address)

    async def proof(self, email: str, address: str | None) -> None:
        """Count a request for a mail that proves an address, existing or not.

        Raises:
            TooManyRequests: too many for this email address or from this network address.
        """
        await self._mail_wanted("proof", email, address)

    async def invitation(self, account: UUID) -> None:
        """Count an invitation, or one more mail or link of it.

        Raises:
            TooManyRequests: too many by this account.
        """
        await self._count(Limit("invitation", 50, _HOUR), str(account))

    async def invited_mailbox(self, email: str) -> None:
        """Count an invitation by mail to an address, whoever sends it; nothing else it is sent counts, nor is held up.

        Raises:
            TooManyRequests: it was invited enough lately.
        """
        await self._count(Limit("invited-mailbox", 3, _HOUR), _mailbox(email))
        await self._count(Limit("invited-mailbox-daily", 5, _DAY), _mailbox(email))

    async def organization(self, account: UUID) -> None:
        """Count an organization that is made or renamed: each is on record.

        Raises:
            TooManyRequests: too many by this account.
        """
        await self._count(Limit("organization", 30, _HOUR), str(account))

    async def mailbox_has_room(self, email: str) -> bool:
        """Count a mail to an address that somebody signed up with, and tell whether it may still be sent."""
        return await self._within(Limit("mailbox", 3, _HOUR), _mailbox(email))

    async def record_is_due(self, account: UUID | None, address: str | None) -> bool:
        """Count a record of a refusal, and tell whether to write it: nobody can fill the audit by being refused."""
        subject = account.hex if account else network_of(address)
        return await self._within(Limit("refusal-records", 100, _HOUR), subject)

    async def _mail_wanted(self, name: str, email: str, address: str | None) -> None:
        await self._count(Limit("recovery-address", 3, _HOUR), network_of(address))
        await self._count(Limit(name, 3, _HOUR), digest(email_key(email)))

    async def _count(self, limit: Limit, subject: str | None) -> None:
        if self.enabled and subject is not None:
            count = await self.counters.add(limit, subject)
            if not count.within:
                raise TooManyRequests(retry_after=count.resets_in, limit=limit.amount, window=limit.window)

    async def _within(self, limit: Limit, subject: str | None) -> bool:
        return not (self.enabled and subject) or (await self.counters.add(limit, subject)).within


def _mailbox(email: str) -> str:
    """Return the mailbox of an address: what follows a plus sign most often leads to the same one."""
    local, _, domain = email_key(email).rpartition("@")
    return digest(f"{local.partition('+')[0]}@{domain}")
