"""From a credential to a person, for every dialect: from the cache, or else from the database."""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from backend import tokens
from backend.context import Context
from backend.errors import InvalidToken, SessionRevoked
from backend.models import Carrier, SessionEnd, Status
from backend.services.agents import family
from backend.services.audit import Action, Origin
from backend.services.session_rules import Rules, refusal
from backend.services.work import unit_of_work
from backend.stores.identities import Entry, Identity
from backend.stores.sessions import Found, SessionStore

__all__ = ["Identity", "Kind", "identify", "recall"]

_NO_AGENT: Final = "No user agent"
_MOST_AGENTS: Final = 16
"""How many user agents are remembered and recorded for one session."""


class Kind(Enum):
    """What a credential is. The same bytes as another kind of credential are another credential."""

    ACCESS_TOKEN = b"bearer:"
    COOKIE = b"cookie:"
    OPAQUE = b"opaque:"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the database holds about a credential, and when it was read."""

    found: Found
    expires_at: datetime
    generation: int
    read_at: float


def recall(
    context: Context, kind: Kind, credential: str, agent: str | None, *, activity: bool = True
) -> Identity | None:
    """Return whose credential this is, if the cache knows and nothing has expired; reads no database, no signature."""
    entry = context.cache.find(_key(kind, credential))
    if entry is None or agent not in entry.agents or not context.news.believes(entry.read_at):
        return None
    now = context.clock.now()
    if now >= entry.expires_at or (entry.idle is not None and now - entry.pulse.last > entry.idle):
        return None
    context.cache.hits += 1
    if activity:
        context.touches.touch(entry.pulse, now)
    return entry.identity


async def identify(context: Context, kind: Kind, credential: str, origin: Origin, *, activity: bool = True) -> Identity:
    """Return whose credential this is. `activity=False` does not count as activity of the session.

    Raises:
        InvalidToken: it is none of ours.
        TokenExpired, SessionInactive, SessionRevoked: it, or its session, is over.
    """
    known = recall(context, kind, credential, origin.user_agent, activity=activity)
    if known:
        return known
    context.cache.misses += 1
    answer = await _ask(context, kind, credential)
    now, found = context.clock.now(), answer.found
    if await ended_now(context, found, origin):
        # Somebody else has used it after we read: the database has the last word.
        answer = await _ask(context, kind, credential)
        found = answer.found
    pulse = context.touches.pulse(found.identity.session_id, found.last_activity)
    await judge_agent(context, found, origin, pulse.families, pinned=kind is Kind.COOKIE)
    key = _key(kind, credential)
    former = context.cache.find(key)
    idle = Rules.of(context.settings).idle_of(found)
    agents = former.agents if former and len(former.agents) < _MOST_AGENTS else set()
    entry = Entry(found.identity, pulse, answer.expires_at, idle, answer.read_at, agents | {origin.user_agent})
    context.cache.keep(key, entry, answer.generation)
    if activity:
        context.touches.touch(pulse, now)
    return found.identity


async def ended_now(context: Context, found: Found, origin: Origin) -> bool:
    """End a live session whose time is over; True if somebody else turned out to have used it meanwhile.

    Raises:
        TokenExpired, SessionInactive: it is over.
    """
    rules, now = Rules.of(context.settings), context.clock.now()
    last = context.touches.newest(found.identity.session_id, found.last_activity)
    over = rules.verdict(found, last, now)
    if over is None:
        return False
    idle = rules.idle_of(found)
    if over is SessionEnd.INACTIVITY and idle and now - last <= idle + rules.lag and not await context.news.alone():
        return False  # another process may know of activity that the database does not have yet
    async with unit_of_work(context, origin) as services:
        unused_since = now - idle if over is SessionEnd.INACTIVITY and idle else None
        identity = found.identity
        ended = await services.sessions.end(identity.session_id, identity.id, over, unused_since=unused_since)
    if ended or over is not SessionEnd.INACTIVITY:
        raise refusal(over)
    return True


def may_go_on(context: Context, found: Found) -> bool:
    """Tell whether somebody may still use a session: what a sign-in would ask of the account now."""
    proven = found.identity.is_verified or not context.settings.require_verified_email
    return found.status is Status.ACTIVE and proven and not found.outdated


async def judge_agent(context: Context, found: Found, origin: Origin, families: set[str], *, pinned: bool) -> None:
    """Record that a session is used by another family of user agent than it was opened by; end it where that matters.

    Cookies and refresh tokens (`pinned`) stay on the device they were given to: an administrator's session ends. Access
    tokens and opaque strings are made to be shown to apps, which ask about them with a user agent of their own.

    Raises:
        SessionRevoked: the session was ended.
    """
    opened, used = family(found.user_agent), family(origin.user_agent) or _NO_AGENT
    if opened is None or used == opened:
        return
    identity = found.identity
    ends = pinned and identity.is_superuser and context.settings.admin_sessions_pinned
    if ends or (used not in families and len(families) < _MOST_AGENTS):
        families.add(used)
        async with unit_of_work(context, origin) as services:
            change: dict[str, Any] = {"session_id": str(identity.session_id), "opened_by": opened, "used_by": used}
            if not await services.audit.knows(Action.SESSION_AGENT_CHANGED, identity.id, change):
                await services.audit.record(Action.SESSION_AGENT_CHANGED, target=identity.id, **change)
            if ends:
                await services.sessions.end(identity.session_id, identity.id, SessionEnd.AGENT_CHANGE)
    if ends:
        raise SessionRevoked


async def _ask(context: Context, kind: Kind, credential: str) -> _Answer:
    generation, read_at, now = context.cache.generation, time.monotonic(), context.clock.now()
    claims = context.signer.read(credential, now) if kind is Kind.ACCESS_TOKEN else None
    async with context.database.reading() as session:
        store = SessionStore(session)
        found = await (store.find(claims.session_id) if claims else store.find_by_credential(tokens.digest(credential)))
    if found is None or (claims and found.identity.id != claims.subject):
        raise InvalidToken
    if claims is None and (found.carrier is Carrier.OPAQUE) is not (kind is Kind.OPAQUE):
        raise InvalidToken
    if found.ended_because:
        raise refusal(found.ended_because)
    if not may_go_on(context, found):
        raise SessionRevoked
    return _Answer(found, min(claims.expires_at, found.expires_at) if claims else found.expires_at, generation, read_at)


def _key(kind: Kind, credential: str) -> bytes:
    return hashlib.sha256(kind.value + credential.encode("utf-8", "surrogatepass")).digest()
