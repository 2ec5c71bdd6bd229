"""Sessions and their refresh tokens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import RefreshToken, SessionEnd, User, UserSession


class SessionStore:
    """The `sessions` and `refresh_tokens` tables within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add(self, *rows: UserSession | RefreshToken) -> None:
        """Add new rows."""
        self._session.add_all(rows)
        await self._session.flush()

    async def with_user(self, id_: UUID) -> tuple[UserSession, User] | None:
        """Return a session, ended or not, and whose it is."""
        return await self._one(col(UserSession.id) == id_)

    async def with_user_by_cookie(self, cookie_digest: str) -> tuple[UserSession, User] | None:
        """Return the session of a cookie, ended or not, and whose it is."""
        return await self._one(col(UserSession.cookie_digest) == cookie_digest)

    async def touch(self, id_: UUID, now: datetime) -> None:
        """Note activity; time never goes back and an ended session stays ended."""
        live = (col(UserSession.id) == id_, col(UserSession.ended_at).is_(None), col(UserSession.last_activity) < now)
        await self._session.exec(update(UserSession).where(*live).values(last_activity=now))

    async def end(self, id_: UUID, now: datetime, because: SessionEnd) -> bool:
        """End one session; True if it was this call that did."""
        live = (col(UserSession.id) == id_, col(UserSession.ended_at).is_(None))
        ended = await self._session.exec(
            update(UserSession).where(*live).values(ended_at=now, ended_because=because).returning(col(UserSession.id))
        )
        return ended.first() is not None

    async def end_of(
        self, user_id: UUID, now: datetime, because: SessionEnd, *, besides: UUID | None = None
    ) -> Sequence[UUID]:
        """End the live sessions of a person and return their ids; `besides` stays."""
        live = [col(UserSession.user_id) == user_id, col(UserSession.ended_at).is_(None)]
        if besides:
            live.append(col(UserSession.id) != besides)
        ended = await self._session.exec(
            update(UserSession).where(*live).values(ended_at=now, ended_because=because).returning(col(UserSession.id))
        )
        return ended.scalars().all()

    async def live(self, now: datetime, idle_since: datetime) -> int:
        """Count the sessions that could be used at this moment."""
        query = select(func.count()).select_from(UserSession)
        query = query.where(col(UserSession.ended_at).is_(None), col(UserSession.expires_at) > now)
        return (await self._session.exec(query.where(col(UserSession.last_activity) > idle_since))).one()

    async def _one(self, condition: object) -> tuple[UserSession, User] | None:
        query = select(UserSession, User).join(User, col(User.id) == col(UserSession.user_id)).where(condition)  # type: ignore[arg-type]
        return (await self._session.exec(query)).one_or_none()
