"""The outbox: mails that are due, claimed by one sender at a time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import Mail, MailPurpose


class MailStore:
    """The `outbox` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add(self, mail: Mail) -> None:
        """Add a mail that is due."""
        self._session.add(mail)
        await self._session.flush()

    async def claim(self) -> Mail | None:
        """Return the mail that has been due longest and that no other sender holds."""
        query = select(Mail).where(col(Mail.sent_at).is_(None)).order_by(col(Mail.id)).limit(1)
        return (await self._session.exec(query.with_for_update(skip_locked=True))).one_or_none()

    async def sent(self, mail: Mail, now: datetime) -> None:
        """Note that a mail has left."""
        mail.sent_at = now
        self._session.add(mail)
        await self._session.flush()

    async def count(self, purpose: MailPurpose, user_id: UUID, since: datetime) -> int:
        """Count the mails of one purpose to somebody since then, sent or not."""
        query = select(func.count()).select_from(Mail).where(Mail.purpose == purpose, Mail.user_id == user_id)
        return (await self._session.exec(query.where(col(Mail.created_at) > since))).one()
