"""Sessions and their refresh tokens."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import Carrier, RefreshToken, SessionEnd, Status, UserSession
from backend.stores import session_queries
from backend.stores.identities import Identity
from backend.stores.news import Changes
from backend.stores.rows import insert

_LONGEST_LIST: Final = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A session as the database has it, ended or not, and whose it is."""

    identity: Identity
    last_activity: datetime
    expires_at: datetime
    ended_because: SessionEnd | None
    user_agent: str | None
    outdated: bool
    """Whether its epoch is older than the account's."""
    status: Status

    @property
    def carrier(self) -> Carrier:
        """What carries it."""
        return self.identity.carrier

    @property
    def remembered(self) -> bool:
        """Whether its person asked to stay signed in."""
        return self.identity.remembered


@dataclass(frozen=True, slots=True)
class Open:
    """The columns that decide whether a session that was not ended still lives."""

    id: UUID
    carrier: Carrier
    remembered: bool
    last_activity: datetime
    expires_at: datetime
    ended_because: None = None


class SessionStore:
    """The `sessions` and `refresh_tokens` tables within one transaction."""

    def __init__(self, session: AsyncSession, changes: Changes | None = None) -> None:
        """Work within this session's transaction; what is ended is noted in `changes`."""
        self._session = session
        self._changes = Changes() if changes is None else changes

    async def add(self, new: UserSession | RefreshToken) -> None:
        """Add a new row."""
        await insert(self._session, new)

    async def find(self, id_: UUID) -> Found | None:
        """Return the session of an id."""
        return await self._found(session_queries.BY_ID, {"id": id_})

    async def find_by_credential(self, credential_digest: str) -> Found | None:
        """Return the session of a cookie or an opaque string."""
        return await self._found(session_queries.BY_CREDENTIAL, {"digest": credential_digest})

    async def lock(self, id_: UUID) -> UserSession | None:
        """Return a session as it is now and keep others from changing it until this transaction ends."""
        query = select(UserSession).where(UserSession.id == id_).with_for_update()
        return (await self._session.exec(query.execution_options(populate_existing=True))).one_or_none()

    async def open_ones(self, user_id: UUID) -> Sequence[Open]:
        """List a person's sessions that nobody has ended, oldest first."""
        connection = await self._session.connection()
        found = await connection.execute(session_queries.OPEN, {"user_id": user_id})
        return [Open(*row) for row in found]

    async def of(self, user_id: UUID, *, ended: bool = False) -> Sequence[UserSession]:
        """List a person's sessions, newest first: those nobody has ended, or the last 200 of all."""
        query = select(UserSession).where(UserSession.user_id == user_id)
        query = query.order_by(col(UserSession.created_at).desc(), col(UserSession.id).desc())
        query = query.limit(_LONGEST_LIST) if ended else query.where(col(UserSession.ended_at).is_(None))
        return (await self._session.exec(query)).all()

    async def holders(self, user_ids: Collection[UUID]) -> Sequence[UUID]:
        """Return those of these people who have a session that nobody has ended."""
        if not user_ids:
            return []
        query = select(UserSession.user_id).where(col(UserSession.user_id).in_(user_ids))
        return (await self._session.exec(query.where(col(UserSession.ended_at).is_(None)).distinct())).all()

    async def cap(self, user_id: UUID, at: datetime) -> None:
        """Let a person's sessions end at this moment at the latest."""
        later = col(UserSession.user_id) == user_id, col(UserSession.expires_at) > at
        ended = await self._session.exec(
            update(UserSession).where(*later).values(expires_at=at).returning(col(UserSession.id))
        )
        self._changes.sessions.update(ended.scalars().all())

    async def forget(self, user_id: UUID) -> None:
        """Remove all sessions of a person, with where and on what they were."""
        await self._session.exec(delete(UserSession).where(col(UserSession.user_id) == user_id))

    async def remove_over(self, before: datetime, limit: int) -> int:
        """Remove sessions whose absolute end is before this moment, with their refresh tokens; tell how many."""
        old = select(UserSession.id).where(col(UserSession.expires_at) < before).limit(limit)
        old = old.with_for_update(skip_locked=True)
        result: Any = await self._session.exec(delete(UserSession).where(col(UserSession.id).in_(old)))
        return int(result.rowcount)

    async def all_of(self, user_id: UUID, after: UUID | None, limit: int) -> Sequence[UserSession]:
        """Return a person's sessions, ended or not, oldest first, after the session `after`."""
        query = select(UserSession).where(UserSession.user_id == user_id)
        if after:
            query = query.where(col(UserSession.id) > after)
        return (await self._session.exec(query.order_by(col(UserSession.id)).limit(limit))).all()

    async def knows(self, user_id: UUID, device_id: str | None, agent: str | None) -> bool | None:
        """Tell whether a person has signed in from this device before; None if they never have from any."""
        knows = session_queries.KNOWS_DEVICE if device_id else session_queries.KNOWS_AGENT
        connection = await self._session.connection()
        known, ever = (await connection.execute(knows, {"user_id": user_id, "sign": device_id or agent})).one()
        return bool(known) if ever else None

    async def attach(self, id_: UUID, credential_digest: str) -> None:
        """Let a cookie carry a session as well."""
        change = update(UserSession).where(col(UserSession.id) == id_).values(credential_digest=credential_digest)
        await self._session.exec(change)

    async def end(self, id_: UUID, now: datetime, because: SessionEnd, *, unused_since: datetime | None = None) -> bool:
        """End one session, if nobody used it after `unused_since`; True if it was this call that did."""
        conditions = [col(UserSession.id) == id_]
        if unused_since:
            conditions.append(col(UserSession.last_activity) <= unused_since)
        return bool(await self._end(conditions, now, because))

    async def end_of(
        self,
        user_id: UUID,
        now: datetime,
        because: SessionEnd,
        *,
        only: Collection[UUID] | None = None,
        besides: UUID | None = None,
    ) -> Sequence[UUID]:
        """End the live sessions of a person and return their ids: all, `only` some, or all `besides` one."""
        conditions = [col(UserSession.user_id) == user_id]
        if only is not None:
            conditions.append(col(UserSession.id).in_(only))
        if besides:
            conditions.append(col(UserSession.id) != besides)
        return await self._end(conditions, now, because)

    async def end_all_of(self, user_ids: Collection[UUID], now: datetime, because: SessionEnd) -> int:
        """End the live sessions of people and return how many there were."""
        return len(await self._end([col(UserSession.user_id).in_(user_ids)], now, because))

    async def refresh_token(self, digest: str) -> RefreshToken | None:
        """Return a refresh token as it is now, used or not."""
        query = select(RefreshToken).where(RefreshToken.digest == digest).execution_options(populate_existing=True)
        return (await self._session.exec(query)).one_or_none()

    async def use(self, token: RefreshToken, now: datetime, salt: str) -> bool:
        """Use a refresh token up; True for exactly one of any number of callers (compare-and-swap)."""
        unused = (col(RefreshToken.id) == token.id, col(RefreshToken.used_at).is_(None))
        change = update(RefreshToken).where(*unused).values(used_at=now, salt=salt).returning(col(RefreshToken.id))
        return (await self._session.exec(change)).first() is not None

    async def live(self, now: datetime, used_since: datetime, remembered_used_since: datetime) -> int:
        """Count the sessions that could be used at this moment."""
        remembered, last = col(UserSession.remembered), col(UserSession.last_activity)
        awake = or_(
            last >= used_since,
            remembered.is_(True) & (last >= remembered_used_since),
            col(UserSession.carrier) == Carrier.OPAQUE,
        )
        query = select(func.count()).select_from(UserSession)
        query = query.where(col(UserSession.ended_at).is_(None), col(UserSession.expires_at) > now, awake)
        return (await self._session.exec(query)).one()

    async def _found(self, statement: Select[Any], values: Mapping[str, Any]) -> Found | None:
        connection = await self._session.connection()
        row = (await connection.execute(statement, values)).one_or_none()
        if row is None:
            return None
        split = len(session_queries.IDENTITY)
        identity = Identity(*row[:split])
        last_activity, expires_at, ended_because, user_agent, epoch, token_epoch, status = row[split:]
        outdated = epoch != token_epoch
        return Found(identity, last_activity, expires_at, ended_because, user_agent, outdated, Status(status))

    async def _end(
        self, conditions: Sequence[ColumnElement[bool]], now: datetime, because: SessionEnd
    ) -> Sequence[UUID]:
        change = update(UserSession).where(*conditions, col(UserSession.ended_at).is_(None))
        change = change.values(ended_at=now, ended_because=because)
        connection = await self._session.connection()
        ids = (await connection.execute(change.returning(col(UserSession.id)))).scalars().all()
        self._changes.sessions.update(ids)
        return ids
