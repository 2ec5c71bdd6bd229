"""What the past is played with: a clock that is moved, the people made so far, and one transaction at a time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from backend.context import Context
from backend.errors import UserNotFound
from backend.hashing import PasswordHasher
from backend.models import Carrier, User
from backend.models.types import new_id
from backend.policies import POLICIES
from backend.services.audit import COMMAND_LINE, Origin
from backend.services.demo.places import Later
from backend.services.demo.staff import ADMIN, PASSWORD
from backend.services.wiring import Services
from backend.settings import RegistrationMode
from backend.stores.identities import Identity

if TYPE_CHECKING:
    from backend.provisioners import Provisioner

_NO_OBSTACLES: Final = {
    "rate_limits": False,
    "refusal_seconds": 0.0,
    "require_approval_note": False,
    "private_registration": False,
    "max_pending": 1_000_000,
    "password_min_length": 8,
    "tell_approvers": False,
}
"""Settings while the past is played: everybody signs up within seconds, from one machine."""


class Moved:
    """A clock that somebody moves."""

    def __init__(self, at: datetime, latest: datetime) -> None:
        """Begin at a moment, and never go beyond the latest."""
        self._at, self._latest = at, latest

    def now(self) -> datetime:
        """Return where it was moved to."""
        return self._at

    def move(self, to: datetime) -> None:
        """Set another moment."""
        self._at = min(to, self._latest)

    def pass_(self, time: timedelta) -> None:
        """Let some time go by."""
        self.move(self._at + time)


class _KnownHash(PasswordHasher):
    """A hasher that knows the hash of the one password that everybody has."""

    def __init__(self, hashed: str, cost: tuple[int, int, int]) -> None:
        super().__init__(cost)
        self._known = hashed

    async def hashed(self, password: str) -> str:
        """Return the hash of `PASSWORD`, and make that of any other."""
        return self._known if password == PASSWORD else await super().hashed(password)


@dataclass
class Cast:
    """The people made so far, by username, and what is known about them while the past is played."""

    ids: dict[str, UUID] = field(default_factory=dict)
    unreachable: set[UUID] = field(default_factory=set)
    last_login: dict[str, datetime] = field(default_factory=dict)
    active_on: dict[str, date] = field(default_factory=dict)
    agents: dict[str, set[str | None]] = field(default_factory=dict)
    told_on: date | None = None
    """The last day on which those who decide were told that somebody waits."""
    letters: int = 0
    left_out: int = 0
    """People left out because somebody else has their names."""

    def by(self, who: str | None) -> UUID | None:
        """Return who decides: somebody, the administrator where they are not here, or the command line."""
        return self.ids.get(who or "") or self.ids.get(ADMIN)


@dataclass(frozen=True)
class Stage:
    """One transaction of the past. The clock may be moved on within it."""

    services: Services
    clock: Moved
    cast: Cast

    def id(self, who: str) -> UUID:
        """Return the id of somebody who has come."""
        return self.cast.ids[who]

    async def user(self, who: str) -> User:
        """Return the account of somebody who has come."""
        user = await self.services.users.get(self.id(who))
        if user is None:
            raise UserNotFound
        return user

    async def identity(self, who: str) -> Identity:
        """Return somebody as if they had signed in."""
        user = await self.user(who)
        return Identity(
            id=user.id,
            username=user.username,
            email=user.email,
            full_name=user.full_name,
            role=user.role,
            is_verified=user.is_verified,
            must_change_password=user.must_change_password,
            tier_id=user.tier_id,
            session_id=new_id(),
            carrier=Carrier.COOKIE,
            remembered=False,
        )


@dataclass(frozen=True)
class Scene:
    """Something that happens at a moment; it is left out where one of those it takes has not come."""

    at: datetime
    play: Callable[[Stage], Awaitable[None]]
    takes: tuple[str, ...] = ()
    origin: Origin = COMMAND_LINE


def past_of(context: Context, clock: Moved, hashed: str, places: Later) -> Context:
    """Return a context in which the past is played: with another clock, one known password, and nothing in the way."""
    settings = context.settings.model_copy(update=_NO_OBSTACLES)
    return replace(
        context,
        settings=settings,
        clock=clock,
        hasher=_KnownHash(hashed, settings.argon2),
        policy=POLICIES[RegistrationMode.APPROVAL](),
        provisioner=cast("Provisioner", places),
    )
