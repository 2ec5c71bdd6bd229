"""Who is this? From a credential to a session and its person, for every door."""

from dataclasses import dataclass
from uuid import UUID

from backend import tokens
from backend.context import Context
from backend.errors import InvalidToken, SessionRevoked
from backend.models import SessionEnd, User, UserSession
from backend.services.audit import Origin
from backend.services.sessions import Rules, refusal
from backend.services.work import unit_of_work
from backend.stores.sessions import SessionStore


@dataclass(frozen=True)
class Principal:
    """Who is asking, by which session. `csrf_token` is set where a cookie is the credential."""

    user: User
    session: UserSession
    csrf_token: str | None = None

    @property
    def id(self) -> UUID:
        """The person's id."""
        return self.user.id


async def identify_bearer(context: Context, token: str, origin: Origin, *, activity: bool = True) -> Principal:
    """Return who carries an access token. `activity=False` looks without keeping the session awake.

    Raises:
        InvalidToken, TokenExpired: the token is no good.
        SessionInactive, SessionRevoked: its session is over.
    """
    claims = context.signer.read(token, context.clock.now())
    async with context.database.reading() as session:
        found = await SessionStore(session).with_user(claims.session_id)
    if found is None or found[1].id != claims.subject:
        raise InvalidToken
    return await _alive(context, Principal(found[1], found[0]), origin, activity=activity)


async def identify_cookie(context: Context, cookie: str, origin: Origin, *, activity: bool = True) -> Principal:
    """Return whose browser carries this cookie. `activity=False` looks without keeping the session awake.

    Raises:
        InvalidToken: no session has this cookie.
        TokenExpired, SessionInactive, SessionRevoked: its session is over.
    """
    async with context.database.reading() as session:
        found = await SessionStore(session).with_user_by_cookie(tokens.digest(cookie))
    if found is None:
        raise InvalidToken
    principal = Principal(found[1], found[0], tokens.csrf_token(cookie))
    return await _alive(context, principal, origin, activity=activity)


async def _alive(context: Context, principal: Principal, origin: Origin, *, activity: bool) -> Principal:
    now, rules = context.clock.now(), Rules.of(context.settings)
    session, user = principal.session, principal.user
    over = rules.verdict(session, now)
    if over:
        if session.ended_because is None:
            await _end(context, session, over, origin)
        raise refusal(over)
    if not user.is_active:
        raise SessionRevoked
    if activity and now - session.last_activity > rules.lag:
        async with unit_of_work(context, origin) as services:
            await services.session_store.touch(session.id, now)
    return principal


async def _end(context: Context, session: UserSession, because: SessionEnd, origin: Origin) -> None:
    async with unit_of_work(context, origin) as services:
        await services.sessions.end(session.id, session.user_id, because)
