"""The throttle: how often somebody may try, counted before the costly part begins (ASVS 2.4.1, 6.3.1)."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Self
from uuid import UUID

from backend.context import Context
from backend.errors import TooManyRequests
from backend.identifiers import email_key
from backend.stores.counters import Count, Counters, Limit
from backend.tokens import digest

_SUBSCRIBER: Final = 64
_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_PER_HOUR: Final = 3
_BY_EMAIL_PER_HOUR: Final = 5
_RENAMINGS_PER_HOUR: Final = 20
_OWN_DATA_PER_HOUR: Final = 5
_REFUSALS_PER_HOUR: Final = 100
_INVITATIONS_PER_HOUR: Final = 50
_INVITATIONS_PER_DAY: Final = 5
_ORGANIZATIONS_PER_HOUR: Final = 30
_STRENGTHS_PER_MINUTE: Final = 120


@dataclass(frozen=True)
class Throttle:
    """The limits in force, but for those of passwords, which are in `guesses`. One counter serves all doors."""

    counters: Counters
    enabled: bool
    registrations: Limit
    registrations_by_email: Limit
    password_changes: Limit
    renamings: Limit
    exports: Limit
    strengths: Limit
    resets: Limit
    proofs: Limit
    recoveries_per_address: Limit
    new_addresses: Limit
    mailboxes: Limit
    invitations: Limit
    invited_mailboxes: Limit
    invited_mailboxes_daily: Limit
    organizations: Limit
    refusals: Limit

    @classmethod
    def of(cls, context: Context) -> Self:
        """Read the limits from the settings in force."""
        settings = context.settings
        return cls(
            counters=context.counters,
            enabled=settings.rate_limits,
            registrations=Limit("registration", settings.registrations_per_hour, _HOUR),
            registrations_by_email=Limit("registration-by-email", _BY_EMAIL_PER_HOUR, _HOUR),
            password_changes=Limit("password-change", _PER_HOUR, _HOUR),
            renamings=Limit("renaming", _RENAMINGS_PER_HOUR, _HOUR),
            exports=Limit("own-data", _OWN_DATA_PER_HOUR, _HOUR),
            strengths=Limit("password-strength", _STRENGTHS_PER_MINUTE, 60),
            resets=Limit("reset", _PER_HOUR, _HOUR),
            proofs=Limit("proof", _PER_HOUR, _HOUR),
            recoveries_per_address=Limit("recovery-address", _PER_HOUR, _HOUR),
            new_addresses=Limit("new-address", _PER_HOUR, _HOUR),
            mailboxes=Limit("mailbox", _PER_HOUR, _HOUR),
            invitations=Limit("invitation", _INVITATIONS_PER_HOUR, _HOUR),
            invited_mailboxes=Limit("invited-mailbox", _PER_HOUR, _HOUR),
            invited_mailboxes_daily=Limit("invited-mailbox-daily", _INVITATIONS_PER_DAY, _DAY),
            organizations=Limit("organization", _ORGANIZATIONS_PER_HOUR, _HOUR),
            refusals=Limit("refusal-records", _REFUSALS_PER_HOUR, _HOUR),
        )

    async def registration(self, address: str | None) -> None:
        """Count a registration.

        Raises:
            TooManyRequests: too many from this address.
        """
        await self._count(self.registrations, network_of(address))

    async def registration_by_email(self, address: str | None) -> None:
        """Count a registration by the door that asks for an address only.

        Raises:
            TooManyRequests: too many from this address.
        """
        await self._count(self.registrations_by_email, network_of(address))

    async def password_change(self, account: str) -> None:
        """Count a change of password.

        Raises:
            TooManyRequests: too many for this account.
        """
        await self._count(self.password_changes, account)

    async def renaming(self, account: str) -> None:
        """Count a new username, taken or not: it tells who is here.

        Raises:
            TooManyRequests: too many for this account.
        """
        await self._count(self.renamings, account)

    async def own_data(self, account: str) -> None:
        """Count a copy of all that is kept about a person.

        Raises:
            TooManyRequests: too many for this account.
        """
        await self._count(self.exports, account)

    async def strength(self, address: str | None) -> None:
        """Count a question how strong a password is.

        Raises:
            TooManyRequests: too many from this address.
        """
        await self._count(self.strengths, network_of(address))

    async def reset(self, name: str, address: str | None) -> None:
        """Count a request for a new password of somebody, existing or not. Nothing else counts against it.

        Raises:
            TooManyRequests: too many for this name or from this address.
        """
        await self._count(self.recoveries_per_address, network_of(address))
        await self._count(self.resets, name)

    async def proof(self, name: str, address: str | None) -> None:
        """Count a request for a mail that proves an address, existing or not.

        Raises:
            TooManyRequests: too many for this name or from this address.
        """
        await self._count(self.recoveries_per_address, network_of(address))
        await self._count(self.proofs, name)

    async def new_address(self, account: str) -> None:
        """Count a new address of an account, taken or not: it makes us write to whoever has it.

        Raises:
            TooManyRequests: too many for this account.
        """
        await self._count(self.new_addresses, account)

    async def invitation(self, account: str) -> None:
        """Count an invitation, or one more mail or link of it.

        Raises:
            TooManyRequests: too many by this account.
        """
        await self._count(self.invitations, account)

    async def invited_mailbox(self, email: str) -> None:
        """Count an invitation by mail to an address, whoever sends it; nothing else it is sent counts, nor is held up.

        Raises:
            TooManyRequests: it was invited enough lately.
        """
        await self._count(self.invited_mailboxes, _mailbox(email))
        await self._count(self.invited_mailboxes_daily, _mailbox(email))

    async def organization(self, account: str) -> None:
        """Count an organization that is made or renamed: each is on record.

        Raises:
            TooManyRequests: too many by this account.
        """
        await self._count(self.organizations, account)

    async def mailbox_has_room(self, email: str) -> bool:
        """Count a mail to an address that somebody signed up with, and tell whether it may still be sent."""
        return not self.enabled or (await self.counters.add(self.mailboxes, _mailbox(email))).within

    async def record_is_due(self, account: UUID | None, address: str | None) -> bool:
        """Count a record of a refusal, and tell whether to write it: nobody can fill the audit by being refused."""
        subject = account.hex if account else network_of(address)
        return not (self.enabled and subject) or (await self.counters.add(self.refusals, subject)).within

    async def _count(self, limit: Limit, subject: str | None) -> None:
        if not self.enabled or subject is None:
            return
        _insist(await self.counters.add(limit, subject), limit)


def _mailbox(email: str) -> str:
    """Return the mailbox of an address: what follows a plus sign most often leads to the same one."""
    local, _, domain = email_key(email).rpartition("@")
    return digest(f"{local.partition('+')[0]}@{domain}")


def network_of(address: str | None) -> str | None:
    """Return the key under which an address is counted: itself, or in IPv6 its /64, which is one subscriber's.

    All text that is no address has the same key: inventing addresses gains nothing. None: the address is not known.
    """
    if address is None:
        return None
    found = parsed(address)
    if found is None:
        return "from elsewhere"
    return f"from {ip_network((found, _SUBSCRIBER), strict=False) if isinstance(found, IPv6Address) else found}"


def parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Parse a network address, None if it is none: without a zone, and IPv4-mapped IPv6 as IPv4."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Address) else found.ipv4_mapped or IPv6Address(int(found))


def _insist(count: Count, limit: Limit) -> None:
    if not count.within:
        raise TooManyRequests(retry_after=count.resets_in, limit=limit.amount, window=limit.window)
