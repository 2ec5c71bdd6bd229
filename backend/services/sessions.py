"""Sessions: opened by a sign-in, alive while they are used, ended by many things. The only maker of tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from backend import tokens
from backend.clock import Clock
from backend.errors import SessionInactive, SessionRevoked, TokenExpired, Unauthenticated
from backend.models import Carrier, RefreshToken, SessionEnd, User, UserSession
from backend.services.audit import Action, Audit
from backend.settings import Settings
from backend.stores.sessions import SessionStore
from backend.tokens import TokenSigner

_WORDS: Final[Mapping[SessionEnd, type[Unauthenticated]]] = {
    SessionEnd.INACTIVITY: SessionInactive,
    SessionEnd.EXPIRED: TokenExpired,
}


@dataclass(frozen=True)
class Rules:
    """How long sessions and their tokens last."""

    idle: timedelta
    absolute: timedelta
    access: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """Read the rules in force."""
        return cls(
            idle=timedelta(minutes=settings.inactivity_minutes),
            absolute=timedelta(hours=settings.session_lifetime_hours),
            access=timedelta(hours=settings.max_token_lifetime_hours),
        )

    @property
    def lag(self) -> timedelta:
        """How far the stored time of the last activity may stay behind the real one."""
        return min(timedelta(seconds=1), self.idle / 20)

    def verdict(self, session: UserSession, now: datetime) -> SessionEnd | None:
        """Tell why a session is over at this moment, or None while it lives (ASVS 7.3.1, 7.3.2)."""
        if session.ended_because:
            return session.ended_because
        if now >= session.expires_at:
            return SessionEnd.EXPIRED
        return SessionEnd.INACTIVITY if now - session.last_activity > self.idle else None


def refusal(end: SessionEnd) -> Unauthenticated:
    """Return what somebody hears who comes with an ended session."""
    return _WORDS.get(end, SessionRevoked)()


@dataclass(frozen=True)
class BearerGrant:
    """What a sign-in by API gives, shown once. `expires_in` is seconds."""

    session_id: UUID
    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True)
class CookieGrant:
    """What a sign-in by page gives, shown once."""

    session_id: UUID
    cookie: str
    csrf_token: str


@dataclass(frozen=True)
class Sessions:
    """Opens and ends sessions within one transaction."""

    store: SessionStore
    audit: Audit
    clock: Clock
    signer: TokenSigner
    rules: Rules

    async def open_bearer(self, user: User) -> BearerGrant:
        """Open a session that an access token carries."""
        session = self._new(user, Carrier.BEARER)
        refresh = tokens.opaque()
        await self.store.add(session)
        await self.store.add(
            RefreshToken(
                session_id=session.id,
                digest=tokens.digest(refresh),
                created_at=session.created_at,
                expires_at=session.expires_at,
            )
        )
        await self._record_opening(user, session)
        ends = min(session.created_at + self.rules.access, session.expires_at)
        access = self.signer.sign(tokens.Claims(user.id, session.id, session.created_at, ends))
        return BearerGrant(session.id, access, refresh, int((ends - session.created_at).total_seconds()))

    async def open_cookie(self, user: User) -> CookieGrant:
        """Open a session that a browser's cookie carries."""
        cookie = tokens.opaque()
        session = self._new(user, Carrier.COOKIE)
        session.cookie_digest = tokens.digest(cookie)
        await self.store.add(session)
        await self._record_opening(user, session)
        return CookieGrant(session.id, cookie, tokens.csrf_token(cookie))

    async def end(self, session_id: UUID, user_id: UUID, because: SessionEnd, *, actor: UUID | None = None) -> bool:
        """End one session; True if it was alive until now."""
        ended = await self.store.end(session_id, self.clock.now(), because)
        if ended:
            await self._record_end(session_id, user_id, because, actor)
        return ended

    async def end_cookie(self, cookie: str | None) -> None:
        """End the session a browser brings to its next sign-in: a new one never stands on an old one (ASVS 7.2.4)."""
        found = await self.store.with_user_by_cookie(tokens.digest(cookie)) if cookie else None
        if found:
            await self.end(found[0].id, found[1].id, SessionEnd.USER_LOGOUT, actor=found[1].id)

    async def end_all(
        self, user_id: UUID, because: SessionEnd, *, actor: UUID | None = None, besides: UUID | None = None
    ) -> int:
        """End a person's sessions, all or all but one, and tell how many there were."""
        ended = await self.store.end_of(user_id, self.clock.now(), because, besides=besides)
        for session_id in ended:
            await self._record_end(session_id, user_id, because, actor)
        return len(ended)

    def _new(self, user: User, carrier: Carrier) -> UserSession:
        now = self.clock.now()
        return UserSession(
            user_id=user.id,
            carrier=carrier,
            created_at=now,
            last_activity=now,
            expires_at=now + self.rules.absolute,
            ip_address=self.audit.origin.ip_address,
            user_agent=(self.audit.origin.user_agent or "")[:400] or None,
        )

    async def _record_opening(self, user: User, session: UserSession) -> None:
        user.last_login = session.created_at
        await self.audit.record(Action.SIGNIN_SUCCEEDED, target=user.id, actor=user.id)
        await self.audit.record(
            Action.SESSION_OPENED, target=user.id, actor=user.id, session_id=str(session.id), carrier=session.carrier
        )

    async def _record_end(self, session_id: UUID, user_id: UUID, because: SessionEnd, actor: UUID | None) -> None:
        ended = str(session_id)
        await self.audit.record(Action.SESSION_ENDED, target=user_id, actor=actor, reason=because, session_id=ended)
        if because is SessionEnd.INACTIVITY:
            await self.audit.record(Action.TOKEN_INACTIVITY_EXPIRY, target=user_id, session_id=ended)
