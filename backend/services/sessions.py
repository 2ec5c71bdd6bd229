"""Sessions: opened by a sign-in, alive while they are used, ended by many things. The only maker of tokens."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from backend import tokens
from backend.clock import Clock
from backend.errors import SessionNotFound
from backend.models import Carrier, MailPurpose, RefreshToken, SessionEnd, User, UserSession
from backend.services.agents import family
from backend.services.audit import LONGEST_AGENT, Action, Audit
from backend.services.grants import NO_DEVICE, BearerGrant, CookieGrant, Device, OpaqueGrant
from backend.services.outbox import Outbox
from backend.services.session_rules import Rules
from backend.stores.memberships import MembershipStore
from backend.stores.sessions import Open, SessionStore
from backend.stores.touches import Touches
from backend.stores.users import UserStore
from backend.tokens import TokenSigner


@dataclass(frozen=True)
class Listed:
    """One of a person's sessions, as they see it. `over` tells why it is, None while it lives."""

    session: UserSession
    last_activity: datetime
    over: SessionEnd | None

    @property
    def id(self) -> UUID:
        """The session's id, which opens nothing."""
        return self.session.id

    @property
    def name(self) -> str:
        """What a person would call it."""
        return self.session.device_name or self.session.agent or "Unknown device"


@dataclass(frozen=True)
class Sessions:
    """Opens and ends sessions within one transaction."""

    store: SessionStore
    users: UserStore
    memberships: MembershipStore | None
    """Where access tokens name a person's organizations; None where they do not."""
    audit: Audit
    outbox: Outbox
    clock: Clock
    signer: TokenSigner
    rules: Rules
    touches: Touches

    async def open_bearer(self, user: User, device: Device = NO_DEVICE, *, remember: bool = False) -> BearerGrant:
        """Open a session that an access token carries."""
        session = await self._open(user, Carrier.BEARER, device, remembered=remember)
        return await self.grant(session, tokens.opaque())

    async def open_access(self, user: User) -> str:
        """Open a session that ends with its one access token: nothing renews it."""
        token, _ = await self._access(await self._open(user, Carrier.BEARER, NO_DEVICE, remembered=False))
        return token

    async def open_cookie(self, user: User, device: Device = NO_DEVICE, *, remember: bool = False) -> CookieGrant:
        """Open a session that a browser's cookie carries."""
        cookie = tokens.opaque()
        session = await self._open(user, Carrier.COOKIE, device, remembered=remember, credential=cookie)
        return self._cookie(session.id, cookie, remember=remember)

    async def open_opaque(self, user: User, device: Device = NO_DEVICE) -> OpaqueGrant:
        """Open a session that an opaque string carries; it stands in the body of each call (dialect B0)."""
        string = tokens.opaque()
        session = await self._open(user, Carrier.OPAQUE, device, remembered=False, credential=string)
        return OpaqueGrant(session.id, string)

    async def attach_cookie(self, session_id: UUID, *, remember: bool = False) -> CookieGrant:
        """Let a browser's cookie carry a session as well; it outlives the browser's window if it is to `remember`."""
        cookie = tokens.opaque()
        await self.store.attach(session_id, tokens.digest(cookie))
        return self._cookie(session_id, cookie, remember=remember)

    def _cookie(self, session_id: UUID, cookie: str, *, remember: bool) -> CookieGrant:
        seconds = int(self.rules.remembered_absolute.total_seconds()) if remember else None
        return CookieGrant(session_id, cookie, tokens.csrf_token(cookie), seconds)

    async def grant(self, session: UserSession, refresh_token: str, *, known: bool = False) -> BearerGrant:
        """Give an access token, and a refresh token with it, which is stored unless it is `known` already."""
        if not known:
            row = RefreshToken(
                session_id=session.id,
                digest=tokens.digest(refresh_token),
                created_at=self.clock.now(),
                expires_at=session.expires_at,
            )
            await self.store.add(row)
        access_token, seconds = await self._access(session)
        return BearerGrant(session.id, access_token, refresh_token, seconds)

    async def _access(self, session: UserSession) -> tuple[str, int]:
        """Sign an access token, and tell for how many seconds it is good."""
        now = self.clock.now()
        ends = min(now + self.rules.access, session.expires_at)
        places = await self.memberships.working(session.user_id) if self.memberships else None
        named = None if places is None else {str(id_): str(role) for id_, role in places.items()}
        token = self.signer.sign(tokens.Claims(session.user_id, session.id, now, ends, named))
        return token, int((ends - now).total_seconds())

    async def listed(self, user_id: UUID, *, ended: bool = False) -> Sequence[Listed]:
        """List a person's sessions, the last used first: those that live, or all that are on record."""
        now = self.clock.now()
        found = []
        for session in await self.store.of(user_id, ended=ended):
            last = self.touches.newest(session.id, session.last_activity)
            found.append(Listed(session, last, self.rules.verdict(session, last, now)))
        shown = [one for one in found if ended or one.over is None]
        return sorted(shown, key=lambda one: one.last_activity, reverse=True)

    async def idle_left(self, session_id: UUID) -> timedelta | None:
        """Tell how long a session may still go unused; None if that does not end it."""
        found = await self.store.find(session_id)
        idle = self.rules.idle_of(found) if found else None
        if found is None or idle is None:
            return None
        unused = self.clock.now() - self.touches.newest(session_id, found.last_activity)
        return max(idle - unused, timedelta())

    async def end(
        self,
        session_id: UUID,
        user_id: UUID,
        because: SessionEnd,
        *,
        actor: UUID | None = None,
        unused_since: datetime | None = None,
    ) -> bool:
        """End one session, if nobody used it after `unused_since`; True if it was alive until now."""
        ended = await self.store.end(session_id, self.clock.now(), because, unused_since=unused_since)
        if ended:
            await self._record_end(session_id, user_id, because, actor)
        return ended

    async def end_own(self, user_id: UUID, session_id: UUID, because: SessionEnd) -> None:
        """End a session of one's own.

        Raises:
            SessionNotFound: no live session of this person has this id.
        """
        if not await self.end_some(user_id, [session_id], because, actor=user_id):
            raise SessionNotFound

    async def end_some(
        self, user_id: UUID, ids: Collection[UUID], because: SessionEnd, *, actor: UUID | None = None
    ) -> int:
        """End those of these sessions that are this person's and alive, and tell how many there were."""
        return await self._end_of(user_id, because, actor, only=ids)

    async def end_all(
        self, user_id: UUID, because: SessionEnd, *, actor: UUID | None = None, besides: UUID | None = None
    ) -> int:
        """End a person's sessions, all or all but one, and tell how many there were."""
        return await self._end_of(user_id, because, actor, besides=besides)

    async def _end_of(
        self,
        user_id: UUID,
        because: SessionEnd,
        actor: UUID | None,
        *,
        only: Collection[UUID] | None = None,
        besides: UUID | None = None,
    ) -> int:
        await self.users.lock(user_id)  # as everybody does who locks several of somebody's sessions
        await self._settle(user_id)
        ended = await self.store.end_of(user_id, self.clock.now(), because, only=only, besides=besides)
        for session_id in ended:
            await self._record_end(session_id, user_id, because, actor)
        return len(ended)

    async def _open(
        self, user: User, carrier: Carrier, device: Device, *, remembered: bool, credential: str | None = None
    ) -> UserSession:
        """Add a session, carried by its id alone or by a `credential`.

        Call it with the account locked, so that a person's sessions are counted one at a time.
        """
        await self._make_room(user)
        now, origin = self.clock.now(), self.audit.origin
        agent, ends = family(origin.user_agent), now + self.rules.life_of(carrier, remembered=remembered)
        known = await self.store.knows(user.id, device.id, agent)
        session = UserSession(
            user_id=user.id,
            carrier=carrier,
            credential_digest=tokens.digest(credential) if credential else None,
            remembered=remembered,
            epoch=user.token_epoch,
            created_at=now,
            last_activity=now,
            expires_at=min(ends, user.access_expires_at or ends),
            ip_address=origin.ip_address,
            user_agent=(origin.user_agent or "")[:LONGEST_AGENT] or None,
            agent=agent,
            device_id=device.id,
            device_name=device.name,
            device_type=device.type,
        )
        await self.store.add(session)
        await self.audit.record(Action.SIGNIN_SUCCEEDED, target=user.id, actor=user.id)
        await self.audit.record(
            Action.SESSION_OPENED, target=user.id, actor=user.id, session_id=str(session.id), carrier=carrier
        )
        if known is False:
            await self.outbox.queue(MailPurpose.NEW_DEVICE, user)
        await self.users.signed_in(user, now)
        return session

    async def _make_room(self, user: User) -> None:
        """End the oldest sessions where one more would be too many (ASVS 7.1.2)."""
        alive = await self._settle(user.id)
        for session in alive[: max(0, len(alive) - self.rules.most + 1)]:
            await self.end(session.id, user.id, SessionEnd.TOO_MANY)

    async def _settle(self, user_id: UUID) -> list[Open]:
        """End sessions whose time is over, each with its reason; return the live ones, oldest first."""
        now, alive = self.clock.now(), []
        for session in await self.store.open_ones(user_id):
            last = self.touches.newest(session.id, session.last_activity)
            over = self.rules.verdict(session, last, now)
            unused_since = None
            if over is SessionEnd.INACTIVITY:
                # Another process may know of activity that the database does not have yet.
                unused_since = now - (self.rules.idle_of(session) or timedelta()) - self.rules.lag
            if over is None or (unused_since and last >= unused_since):
                alive.append(session)
            else:
                await self.end(session.id, user_id, over, unused_since=unused_since)
        return alive

    async def _record_end(self, session_id: UUID, user_id: UUID, because: SessionEnd, actor: UUID | None) -> None:
        ended = str(session_id)
        await self.audit.record(Action.SESSION_ENDED, target=user_id, actor=actor, reason=because, session_id=ended)
        if because is SessionEnd.INACTIVITY:
            await self.audit.record(Action.TOKEN_INACTIVITY_EXPIRY, target=user_id, session_id=ended)
