"""The throttle: how often somebody may try, counted before the costly part begins (ASVS 2.4.1, 6.3.1)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from backend.clock import Clock
from backend.context import Context
from backend.errors import TooManyRequests
from backend.stores.attempts import AttemptStore
from backend.stores.counters import Count, Counters, Limit

_HOUR: Final = 3600
_PER_HOUR: Final = 3


@dataclass(frozen=True)
class Throttle:
    """The limits in force. One counter serves all doors: API dialects, pages and changes of password."""

    counters: Counters
    attempts: AttemptStore
    clock: Clock
    enabled: bool
    sign_ins: Limit
    registrations: Limit
    password_changes: Limit
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
            password_changes=Limit("password-change", _PER_HOUR, _HOUR),
            recoveries_per_account=Limit("recovery-account", _PER_HOUR, _HOUR),
            recoveries_per_address=Limit("recovery-address", _PER_HOUR, _HOUR),
        )

    async def password_tried(self, account: str, address: str | None) -> None:
        """Count a password before it is checked, so that many at once cannot slip through.

        Raises:
            TooManyRequests: too many wrong ones for this account or from this address.
        """
        if self.enabled:
            window = timedelta(seconds=self.sign_ins.window)
            subjects = [account, *([_address(address)] if address else [])]
            allowed = self.sign_ins.amount
            _insist(await self.attempts.add(subjects, self.clock.now(), allowed=allowed, window=window), self.sign_ins)

    async def password_right(self, account: str, address: str | None) -> None:
        """Take the count back: only wrong passwords count, and knowing the right one begins anew for the account."""
        if self.enabled:
            await self.attempts.right(account, _address(address) if address else None)

    async def registration(self, address: str | None) -> None:
        """Count a registration.

        Raises:
            TooManyRequests: too many from this address.
        """
        await self._count(self.registrations, address)

    async def password_change(self, account: str) -> None:
        """Count a change of password.

        Raises:
            TooManyRequests: too many for this account.
        """
        await self._count(self.password_changes, account)

    async def recovery(self, account: str, address: str | None) -> None:
        """Count a request for a mail to somebody, existing or not.

        Raises:
            TooManyRequests: too many for this name or from this address.
        """
        await self._count(self.recoveries_per_address, address)
        await self._count(self.recoveries_per_account, account)

    async def _count(self, limit: Limit, subject: str | None) -> None:
        if not self.enabled or subject is None:
            return
        _insist(await self.counters.add(limit, subject), limit)


def _address(address: str) -> str:
    return f"from {address}"


def _insist(count: Count, limit: Limit) -> None:
    if not count.within:
        raise TooManyRequests(retry_after=count.resets_in, limit=limit.amount, window=limit.window)
