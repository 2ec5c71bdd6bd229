"""How long sessions last, by idleness and by age, and the errors for those that are over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from backend.errors import SessionInactive, SessionRevoked, TokenExpired, Unauthenticated
from backend.models import Carrier, SessionEnd
from backend.settings import Settings

_WORDS: Final[Mapping[SessionEnd, type[Unauthenticated]]] = {
    SessionEnd.INACTIVITY: SessionInactive,
    SessionEnd.EXPIRED: TokenExpired,
}
_OPAQUE_LIFE: Final = timedelta(hours=24)
_LONGEST_LAG: Final = timedelta(seconds=60)


class Carried(Protocol):
    """What decides how long a session may go unused."""

    @property
    def carrier(self) -> Carrier:
        """What carries it."""
        ...

    @property
    def remembered(self) -> bool:
        """Whether its person asked to stay signed in."""
        ...


class Lived(Carried, Protocol):
    """What decides whether a session is over."""

    @property
    def expires_at(self) -> datetime:
        """Its absolute end."""
        ...

    @property
    def ended_because(self) -> SessionEnd | None:
        """Why it was ended, if it was."""
        ...


@dataclass(frozen=True)
class Rules:
    """How long sessions and their tokens last, and how many a person may have."""

    idle: timedelta
    absolute: timedelta
    access: timedelta
    remembered_idle: timedelta
    remembered_absolute: timedelta
    opaque_idle: bool
    grace: timedelta
    most: int

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """Read the rules in force."""
        return cls(
            idle=timedelta(minutes=settings.inactivity_minutes),
            absolute=timedelta(hours=settings.session_lifetime_hours),
            access=timedelta(hours=settings.max_token_lifetime_hours),
            remembered_idle=timedelta(days=settings.remember_idle_days),
            remembered_absolute=timedelta(days=settings.remember_days),
            opaque_idle=settings.b0_idle,
            grace=timedelta(seconds=settings.refresh_grace_seconds),
            most=settings.max_sessions_per_user,
        )

    @property
    def lag(self) -> timedelta:
        """How far the stored time of the last activity may stay behind the real one."""
        return min(_LONGEST_LAG, self.idle / 20)

    def idle_of(self, session: Carried) -> timedelta | None:
        """Tell how long a session may go unused; None if that does not end it."""
        if session.carrier is Carrier.OPAQUE:
            return self.idle if self.opaque_idle else None
        return self.remembered_idle if session.remembered else self.idle

    def life_of(self, carrier: Carrier, *, remembered: bool) -> timedelta:
        """Tell how long a session may live, used or not."""
        if carrier is Carrier.OPAQUE:
            return _OPAQUE_LIFE
        return self.remembered_absolute if remembered else self.absolute

    def verdict(self, session: Lived, last_activity: datetime, now: datetime) -> SessionEnd | None:
        """Tell why a session is over at this moment, or None while it lives (ASVS 7.3.1, 7.3.2)."""
        if session.ended_because:
            return session.ended_because
        if now >= session.expires_at:
            return SessionEnd.EXPIRED
        idle = self.idle_of(session)
        return SessionEnd.INACTIVITY if idle is not None and now - last_activity > idle else None


def refusal(end: SessionEnd) -> Unauthenticated:
    """Return the error for an ended session."""
    return _WORDS.get(end, SessionRevoked)()
