"""Refresh: a refresh token buys the next pair of tokens, once (RFC 9700 §4.14.2)."""

import secrets
from typing import Final
from uuid import UUID

from backend import tokens
from backend.context import Context
from backend.errors import InvalidRefreshToken, SessionInactive, SessionRevoked, TokenExpired
from backend.models import MailPurpose, SessionEnd, UserSession
from backend.services.audit import Origin
from backend.services.grants import BearerGrant
from backend.services.identity import ended_now, judge_agent, may_go_on
from backend.services.wiring import Services
from backend.services.work import unit_of_work
from backend.stores.sessions import Found, SessionStore

_SALT_BYTES: Final = 16


async def refresh(context: Context, token: str, origin: Origin, *, activity: bool = True) -> BearerGrant:
    """Give the tokens that follow `token`. Status, rights and every end of the session are asked again.

    An exact retry within the grace (two tabs, a lost answer) gets the same successor while that is unused. Any other
    use of a used token means that somebody has stolen it: its whole family ends, with the session (ASVS 10.4.5).
    `activity=False` does not count as activity of the session.

    Raises:
        InvalidRefreshToken: it is unknown, was used before, or its session is over.
        SessionInactive: nobody used the session for too long; refreshing does not wake it.
    """
    found = await _family(context, token)
    _insist_on_life(context, found)
    pulse = context.touches.pulse(found.identity.session_id, found.last_activity)
    try:
        await ended_now(context, found, origin)
        await judge_agent(context, found, origin, pulse.families, pinned=True)
    except (TokenExpired, SessionRevoked):
        raise InvalidRefreshToken from None
    async with unit_of_work(context, origin) as services:
        granted = await _exchange(services, found.identity.id, found.identity.session_id, token)
    if isinstance(granted, InvalidRefreshToken):  # raised after the commit: what was ended stays ended
        raise granted
    if activity:
        context.touches.touch(pulse, context.clock.now())
    return granted


async def session_of(context: Context, token: str) -> tuple[UUID, UUID]:
    """Tell whose session a refresh token belongs to, used or not: the ids of session and person.

    Raises:
        InvalidRefreshToken: it is unknown.
    """
    family = await _family(context, token)
    return family.identity.session_id, family.identity.id


async def _family(context: Context, token: str) -> Found:
    async with context.database.reading() as session:
        store = SessionStore(session)
        row = await store.refresh_token(tokens.digest(token))
        found = await store.find(row.session_id) if row else None
    if found is None:
        raise InvalidRefreshToken
    return found


def _insist_on_life(context: Context, found: Found) -> None:
    if found.ended_because is SessionEnd.INACTIVITY:
        raise SessionInactive
    if found.ended_because or not may_go_on(context, found):
        raise InvalidRefreshToken


async def _exchange(
    services: Services, user_id: UUID, session_id: UUID, token: str
) -> BearerGrant | InvalidRefreshToken:
    sessions, store, now = services.sessions, services.session_store, services.context.clock.now()
    await services.users.lock(user_id)  # the account before its sessions, as everybody does who ends them
    session = await store.lock(session_id)
    row = await store.refresh_token(tokens.digest(token))
    found = await store.find(session_id)
    if session is None or row is None or found is None or now >= row.expires_at:
        return InvalidRefreshToken()
    _insist_on_life(services.context, found)  # again, now that nobody else can end it
    salt = secrets.token_hex(_SALT_BYTES)
    if row.used_at is None and await store.use(row, now, salt):
        return await sessions.grant(session, tokens.successor(token, salt))
    if row.used_at and row.salt and now - row.used_at <= sessions.rules.grace:
        next_token = tokens.successor(token, row.salt)
        successor = await store.refresh_token(tokens.digest(next_token))
        if successor is not None and successor.used_at is None:
            return await sessions.grant(session, next_token, known=True)
    return await _end_family(services, session)


async def _end_family(services: Services, session: UserSession) -> InvalidRefreshToken:
    await services.sessions.end(session.id, session.user_id, SessionEnd.REFRESH_REUSE)
    owner = await services.users.get(session.user_id)
    if owner:
        await services.outbox.queue(MailPurpose.REFRESH_REUSE, owner)
    return InvalidRefreshToken()
