"""The throttle: how often somebody may try, counted before the costly part begins (ASVS 2.4.1, 6.3.1)."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final, Self

from backend.clock import Clock
from backend.context import Context
from backend.errors import TooManyRequests
from backend.stores.attempts import AttemptStore
from backend.stores.counters import Count, Counters, Limit

_IPV6: Final = 6
_HOUR: Final = 3600
_PER_HOUR: Final = 3
_BY_EMAIL_PER_HOUR: Final = 5
_RENAMINGS_PER_HOUR: Final = 20
_OWN_DATA_PER_HOUR: Final = 5


@dataclass(frozen=True)
class Throttle:
    """The limits in force. One counter serves all doors: API dialects, pages and changes of password."""

    counters: Counters
    attempts: AttemptStore
    clock: Clock
    enabled: bool
    sign_ins: Limit
    registrations: Limit
    registrations_by_email: Limit
    password_changes: Limit
    renamings: Limit
    exports: Limit
    recoveries_per_account: Limit
    recoveries_per_address: Limit

    @classmethod
    def of(cls, context: Context) -> Self:
        """Read the limits from the settings in force."""
        settings = context.settings
        attempts, window = settings.login_max_attempts, max(1, round(settings.login_window_minutes * 60))
        return cls(
            counters=context.counters,
            attempts=AttemptStore(context.database),
            clock=context.clock,
            enabled=settings.rate_limits,
            sign_ins=Limit("signin", attempts, window),
            registrations=Limit("registration", settings.registrations_per_hour, _HOUR),
            registrations_by_email=Limit("registration-by-email", _BY_EMAIL_PER_HOUR, _HOUR),
            password_changes=Limit("password-change", _PER_HOUR, _HOUR),
            renamings=Limit("renaming", _RENAMINGS_PER_HOUR, _HOUR),
            exports=Limit("own-data", _OWN_DATA_PER_HOUR, _HOUR),
            recoveries_per_account=Limit("recovery-account", _PER_HOUR, _HOUR),
            recoveries_per_address=Limit("recovery-address", _PER_HOUR, _HOUR),
        )

    async def password_tried(self, account: str, address: str | None) -> None:
        """Count a password before it is checked, so that many at once cannot slip through.

        Raises:
            TooManyRequests: too many wrong ones for this account or from this address.
        """
        if self.enabled:
            counted = await self.attempts.try_account(account, _network(address), self.clock.now(), self.sign_ins)
            _insist(counted, self.sign_ins)

    async def password_wrong(self, address: str | None) -> None:
        """Count a wrong password for where it came from, whatever account it was for."""
        network = _network(address)
        if self.enabled and network:
            await self.attempts.add_address(network, self.clock.now(), self.sign_ins)

    async def password_right(self, account: str) -> None:
        """Begin anew for an account whose password was known."""
        if self.enabled:
            await self.attempts.forget(account)

    async def registration(self, address: str | None) -> None:
        """Count a registration.

        Raises:
            TooManyRequests: too many from this address.
        """
        await self._count(self.registrations, _network(address))

    async def registration_by_email(self, address: str | None) -> None:
        """Count a registration by the door that asks for an address only.

        Raises:
            TooManyRequests: too many from this address.
        """
        await self._count(self.registrations_by_email, _network(address))

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

    async def recovery(self, account: str, address: str | None) -> None:
        """Count a request for a mail to somebody, existing or not.

        Raises:
            TooManyRequests: too many for this name or from this address.
        """
        await self._count(self.recoveries_per_address, _network(address))
        await self._count(self.recoveries_per_account, account)

    async def _count(self, limit: Limit, subject: str | None) -> None:
        if not self.enabled or subject is None:
            return
        _insist(await self.counters.add(limit, subject), limit)


def _network(address: str | None) -> str | None:
    """Name who is counted for an address: itself, or in IPv6 the /64 that one subscriber has to themselves."""
    if address is None:
        return None
    try:
        found = ip_address(address)
    except ValueError:
        return f"from {address}"
    return f"from {ip_network((found, 64), strict=False) if found.version == _IPV6 else found}"


def _insist(count: Count, limit: Limit) -> None:
    if not count.within:
        raise TooManyRequests(retry_after=count.resets_in, limit=limit.amount, window=limit.window)
