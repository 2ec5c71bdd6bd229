"""Refresh: a refresh token buys the next pair of tokens, once (RFC 9700 §4.14.2)."""

import secrets
from typing import Final
from uuid import UUID

from backend import tokens
from backend.context import Context
from backend.errors import InvalidRefreshToken, SessionInactive, Unauthenticated
from backend.models import MailPurpose, SessionEnd, Status, UserSession
from backend.services.audit import Origin
from backend.services.identity import judge_agent
from backend.services.sessions import BearerGrant
from backend.services.work import Services, unit_of_work
from backend.stores.sessions import Found, SessionStore

_SALT_BYTES: Final = 16


async def refresh(context: Context, token: str, origin: Origin) -> BearerGrant:
    """Give the tokens that follow `token`. Status, rights and every end of the session are asked again.

    An exact retry within the grace (two tabs, a lost answer) gets the same successor while that is unused. Any other
    use of a used token means that somebody has stolen it: its whole family ends, with the session (ASVS 10.4.5).

    Raises:
        InvalidRefreshToken: it is unknown, was used before, or its session is over.
        SessionInactive: nobody used the session for too long; refreshing does not wake it.
    """
    family = await _family(context, token)
    pulse = context.touches.pulse(family.identity.session_id, family.last_activity)
    await judge_agent(context, family, origin, pulse.families, pinned=True)
    async with unit_of_work(context, origin) as services:
        granted = await _exchange(services, family.identity.session_id, token)
    if isinstance(granted, Unauthenticated):  # raised after the commit: what was ended stays ended
        raise granted
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


async def _exchange(services: Services, session_id: UUID, token: str) -> BearerGrant | Unauthenticated:
    sessions, store, now = services.sessions, services.session_store, services.context.clock.now()
    session = await store.lock(session_id)
    row = await store.refresh_token(tokens.digest(token))
    found = await store.find(session_id)
    if session is None or row is None or found is None:
        return InvalidRefreshToken()
    over = sessions.rules.verdict(session, sessions.touches.newest(session.id, session.last_activity), now)
    if over and session.ended_because is None:
        await sessions.end(session.id, session.user_id, over)
    if over is SessionEnd.INACTIVITY:
        return SessionInactive()
    if over or found.outdated or found.status is not Status.ACTIVE or now >= row.expires_at:
        return InvalidRefreshToken()
    if row.salt is None:
        salt = secrets.token_hex(_SALT_BYTES)
        await store.use(row, now, salt)
        await store.touch(session.id, now)
        return await sessions.grant(session, tokens.successor(token, salt))
    next_token = tokens.successor(token, row.salt)
    successor = await store.refresh_token(tokens.digest(next_token))
    in_time = row.used_at is not None and now - row.used_at <= sessions.rules.grace
    if in_time and successor is not None and successor.used_at is None:
        return await sessions.grant(session, next_token, known=True)
    return await _end_family(services, session)


async def _end_family(services: Services, session: UserSession) -> Unauthenticated:
    await services.sessions.end(session.id, session.user_id, SessionEnd.REFRESH_REUSE)
    owner = await services.users.user_db.get(session.user_id)
    if owner:
        await services.outbox.queue(MailPurpose.REFRESH_REUSE, owner)
    return InvalidRefreshToken()
