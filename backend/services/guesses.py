"""Guesses: the one place where passwords are checked, and where the wrong ones are counted (ASVS 6.1.1, 6.3.1)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from backend.clock import pause
from backend.context import Context
from backend.errors import Counted, HashingBusy, TooManyGuesses
from backend.models import MailPurpose
from backend.services.audit import Origin
from backend.services.known_devices import device_of
from backend.services.networks import network_of
from backend.services.outbox import Outbox
from backend.stores.attempts import AttemptStore, Room, Tried
from backend.stores.counters import Limit
from backend.stores.lines import Line
from backend.stores.users import UserStore
from backend.tokens import digest

_MINUTE: Final = 60
_POLL_SECONDS: Final = 0.1
"""How often to look whether another process has finished a check."""
_HALF: Final = 32
"""Hex characters of a subject that stand for the account; as many stand for the device or network, if any."""
_ALL: Final = "everybody"


@dataclass(frozen=True)
class Verdict:
    """The result of a check: `better` is a new hash where the stored one is outdated."""

    right: bool
    better: str | None = None
    counted: Counted | None = None


async def warn_owner(users: UserStore, outbox: Outbox, account: UUID) -> None:
    """Queue the mail that wrong passwords of others have locked an account for unknown devices."""
    user = await users.get(account)
    if user and user.is_active:
        await outbox.queue(MailPurpose.SIGN_IN_BLOCKED, user)


@dataclass(frozen=True)
class Guesses:
    """Checks passwords, within four limits: for the account or the known device, the address, and the installation.

    A place is taken before a password is checked, so that many at once cannot slip through: no more checks are under
    way than failures are left. When all places are taken, the next attempt waits: the checks under way may succeed.
    """

    context: Context
    origin: Origin

    async def check(self, whose: UUID | str, password: str, hashed_password: str | None) -> Verdict:
        """Check the password of an account, or for a name that nobody has; with no transaction open.

        Both are counted alike. Without a hash no password is right.

        Raises:
            TooManyGuesses: too many wrong ones for this account, from this address, or in the whole installation.
            HashingBusy: too many passwords wait to be checked.
        """
        hasher, settings = self.context.hasher, self.context.settings
        if not settings.rate_limits:
            return Verdict(*await hasher.verified(password, hashed_password))
        tried = self._tried(whose, hashed_password)
        async with self._inside(tried):
            try:
                right, better = await hasher.verified(password, hashed_password)
            except BaseException:  # the check did not finish
                await asyncio.shield(self._store.give_back(tried, self.context.clock.now(), right=False))
                raise
            if right:
                await asyncio.shield(self._store.give_back(tried, self.context.clock.now(), right=True))
                return Verdict(right, better)
            return Verdict(right, counted=await asyncio.shield(self._wrong(tried, whose)))

    async def forget(self, account: UUID) -> None:
        """Clear the failures of an account: it has a new password, at which nobody has guessed yet."""
        await self._store.forget(digest(str(account))[:_HALF], self.context.clock.now())

    async def remove_over(self, limit: int) -> int:
        """Remove rows that do not count any more; return how many."""
        return await self._store.remove_over(self.context.clock.now(), limit)

    @property
    def _store(self) -> AttemptStore:
        settings = self.context.settings
        window = max(1, round(settings.login_window_minutes * _MINUTE))
        per_address = settings.login_max_attempts_per_address or settings.login_max_attempts
        account, address = settings.login_max_attempts, per_address
        return AttemptStore(
            self.context.database, Limit("signin", account, window), Limit("signin-address", address, window)
        )

    @property
    def _overall(self) -> Limit:
        return Limit("signin-failures", self.context.settings.login_failures_per_minute, _MINUTE)

    def _tried(self, whose: UUID | str, hashed_password: str | None) -> Tried:
        family, network = digest(str(whose))[:_HALF], network_of(self.origin.ip_address)
        token = self.origin.known_device
        device = device_of(self.context, token, whose, hashed_password) if isinstance(whose, UUID) else None
        if device:
            return Tried(family + digest(str(device))[:_HALF])
        return Tried(family, family + digest(network or "")[:_HALF], network)

    @asynccontextmanager
    async def _inside(self, tried: Tried) -> AsyncIterator[None]:
        lines = self.context.lines
        address = lines.at(tried.network) if tried.network else nullcontext(Line())
        with lines.at(tried.subject) as mine, address as here:
            await self._enter(tried, mine, here)
            try:
                yield
            finally:
                here.inside -= 1
                lines.left()

    async def _enter(self, tried: Tried, mine: Line, here: Line) -> None:
        """Wait for a place and take it, first come, first served in each queue.

        Whoever waits for a place of their account alone lets others from the same address pass meanwhile.
        """
        settings, lines = self.context.settings, self.context.lines
        deadline = asyncio.get_running_loop().time() + settings.hash_queue_seconds
        if max(mine.people, here.people) > settings.hash_queue:
            raise HashingBusy
        async with _at_the_front(mine, deadline):
            if tried.pair:
                await self._check_calm()
            while True:
                moved = lines.moved  # read first, so that no change is missed
                async with _at_the_front(here, deadline):
                    while not ((room := await self._ask(tried, here)).free or room.crowded):
                        await _again(moved, deadline)
                        moved = lines.moved
                if room.free:
                    return
                await _again(moved, deadline)

    async def _ask(self, tried: Tried, here: Line) -> Room:
        room = await self._store.enter(tried, self.context.clock.now(), here.inside)
        if room.refusal:
            raise TooManyGuesses(retry_after=room.opens_in, limit=room.refusal.amount, window=room.refusal.window)
        if room.free:
            here.inside += 1
        return room

    async def _check_calm(self) -> None:
        """Refuse unknown devices while there are too many failures in the whole installation."""
        limit = self._overall
        count = await self.context.counters.look(limit, _ALL)
        if not count.within:
            raise TooManyGuesses(retry_after=count.resets_in, limit=limit.amount, window=limit.window)

    async def _wrong(self, tried: Tried, whose: UUID | str) -> Counted:
        wrong, stranger = await self._store.wrong(tried, self.context.clock.now()), tried.pair is not None
        if stranger:  # else somebody could lock everybody out by failures on known devices of their own
            await self.context.counters.add(self._overall, _ALL)
        return Counted(
            limit=wrong.limit.amount,
            window=wrong.limit.window,
            remaining=wrong.remaining,
            resets_in=wrong.resets_in,
            closed=whose if isinstance(whose, UUID) and stranger and wrong.closed_at_first else None,
        )


@asynccontextmanager
async def _at_the_front(line: Line, deadline: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout_at(deadline):
            await line.front.acquire()
    except TimeoutError:
        raise HashingBusy from None
    try:
        yield
    finally:
        line.front.release()


async def _again(moved: asyncio.Event, deadline: float) -> None:
    """Wait until it is worth asking again: somebody has left, here or (unheard) in another process."""
    if asyncio.get_running_loop().time() > deadline:
        raise HashingBusy
    await pause(moved, _POLL_SECONDS)
