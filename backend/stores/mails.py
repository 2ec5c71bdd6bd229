"""The outbox: mails that are due, claimed by one sender at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import Mail, MailPurpose, MailState
from backend.models.types import new_id
from backend.stores.rows import insert_values


class MailStore:
    """The `outbox` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add_all(self, purpose: MailPurpose, user_ids: Sequence[UUID], now: datetime) -> None:
        """Add a mail to each of these people that is due."""
        same = {"purpose": purpose, "state": MailState.DUE, "due_at": now, "created_at": now, "priority": 1, "attempts": 0}
        await insert_values(self._session, Mail, [{"id": new_id(), "user_id": id_, **same} for id_ in user_ids])

    async def claim(self) -> Mail | None:
        """Return the mail that has been due longest and that no other sender holds."""
        query = select(Mail).where(col(Mail.sent_at).is_(None)).order_by(col(Mail.id)).limit(1)
        return (await self._session.exec(query.with_for_update(skip_locked=True))).one_or_none()

    async def sent(self, mail: Mail, now: datetime) -> None:
        """Note that a mail has left."""
        mail.sent_at = now
        self._session.add(mail)
        await self._session.flush()

    async def all_of(self, user_id: UUID, after: UUID | None, limit: int) -> Sequence[Mail]:
        """Return the mails to somebody, sent or not, oldest first, beginning behind one."""
        query = select(Mail).where(Mail.user_id == user_id)
        if after:
            query = query.where(col(Mail.id) > after)
        return (await self._session.exec(query.order_by(col(Mail.id)).limit(limit))).all()

    async def count(self, purpose: MailPurpose, user_id: UUID, since: datetime) -> int:
        """Count the mails of one purpose to somebody since then, sent or not."""
        query = select(func.count()).select_from(Mail).where(Mail.purpose == purpose, Mail.user_id == user_id)
        return (await self._session.exec(query.where(col(Mail.created_at) > since))).one()

    async def forget(self, user_id: UUID) -> None:
        """Remove all mails to somebody, due or sent."""
        await self._session.exec(delete(Mail).where(col(Mail.user_id) == user_id))

    async def remove_sent(self, before: datetime, limit: int) -> int:
        """Remove mails that were sent before this moment; tell how many."""
        old = select(Mail.id).where(col(Mail.sent_at) < before).limit(limit)
        result: Any = await self._session.exec(delete(Mail).where(col(Mail.id).in_(old)))
        return int(result.rowcount)
