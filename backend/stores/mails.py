"""The outbox: mails that are due, claimed by one sender at a time, and kept account of afterwards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, text, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import Mail, MailPurpose, MailState
from backend.models.mail import OPEN
from backend.models.types import new_id
from backend.stores.pages import Page, Position, position
from backend.stores.rows import insert_values


@dataclass(frozen=True)
class WantedMails:
    """Which mails a list holds; None is no condition."""

    state: MailState | None = None
    purpose: MailPurpose | None = None
    user_id: UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        pairs = ((Mail.state, self.state), (Mail.purpose, self.purpose), (Mail.user_id, self.user_id))
        return [col(column) == value for column, value in pairs if value is not None]


class MailStore:
    """The `outbox` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add_all(self, mails: Sequence[Mapping[str, Any]]) -> None:
        """Add mails, given by purpose, user_id, state, priority, due_at, created_at; other columns may be given."""
        same = {**dict.fromkeys(("address", "about", "invitation_id", "why", "sent_at")), "attempts": 0}
        await insert_values(self._session, Mail, [{"id": new_id(), **same, **mail} for mail in mails])

    async def reader(self, id_: UUID) -> UUID | None:
        """Return to whom a mail is; None if there is no such mail."""
        return (await self._session.exec(select(Mail.user_id).where(Mail.id == id_))).one_or_none()

    async def get(self, id_: UUID) -> Mail | None:
        """Return one mail, locked; whoever locks its reader's account as well locks that first."""
        query = select(Mail).where(Mail.id == id_).with_for_update().execution_options(populate_existing=True)
        return (await self._session.exec(query)).one_or_none()

    async def claim(self, priority: int, now: datetime, until: datetime, *, tried: bool) -> Mail | None:
        """Lease the mail of this priority that has been due longest, `until` a moment; None if there is none.

        `tried` chooses among mails that were attempted before, or among those that were not. A mail that is not
        concluded when the lease ends is due again: its sender may have died.
        """
        # SQLite uses the index of the few open mails only if the condition is written exactly as in the index.
        query = select(Mail).where(text(OPEN), Mail.priority == priority, col(Mail.due_at) <= now)
        query = query.where(col(Mail.attempts) > 0 if tried else col(Mail.attempts) == 0)
        query = query.order_by(col(Mail.due_at)).limit(1).with_for_update(skip_locked=True)
        mail = (await self._session.exec(query)).one_or_none()
        if mail:
            mail.state, mail.due_at, mail.attempts = MailState.SENT, until, mail.attempts + 1
            self._session.add(mail)
            await self._session.flush()
        return mail

    async def conclude(
        self, id_: UUID, attempt: int, state: MailState, why: str | None, *, due_at: datetime, sent_at: datetime | None
    ) -> bool:
        """Note what became of an attempt; False if another sender has taken the mail over meanwhile."""
        ours = (col(Mail.id) == id_, col(Mail.state) == MailState.SENT, col(Mail.attempts) == attempt)
        values = {"state": state, "why": why, "due_at": due_at, "sent_at": sent_at}
        if state is not MailState.DUE:
            values["address"] = None  # a former address is kept no longer than needed
        done = await self._session.exec(update(Mail).where(*ours).values(**values).returning(col(Mail.id)))
        return done.first() is not None

    async def accepted(self, priority: int, since: datetime, until: datetime, most: int) -> int:
        """Count the mails of a priority that were accepted within that time, up to `most`."""
        within = col(Mail.sent_at) > since, col(Mail.sent_at) <= until
        some = select(Mail.id).where(*within, Mail.priority == priority).limit(most).subquery()
        return (await self._session.exec(select(func.count()).select_from(some))).one()

    async def lately(
        self, purpose: MailPurpose, user_ids: Collection[UUID], since: datetime, now: datetime
    ) -> Mapping[UUID, int]:
        """Count the mails of one purpose to each of these people since then, all but the suppressed ones."""
        query = select(Mail.user_id, func.count()).where(Mail.purpose == purpose, col(Mail.user_id).in_(user_ids))
        query = query.where(col(Mail.state) != MailState.SUPPRESSED)
        query = query.where(col(Mail.created_at) > since, col(Mail.created_at) <= now)  # a clock may have been ahead
        return dict((await self._session.exec(query.group_by(col(Mail.user_id)))).all())

    async def due(self, purpose: MailPurpose, user_ids: Collection[UUID]) -> frozenset[UUID]:
        """Return which of these people have a mail of this purpose that is due."""
        query = select(Mail.user_id).where(Mail.purpose == purpose, col(Mail.user_id).in_(user_ids))
        return frozenset((await self._session.exec(query.where(Mail.state == MailState.DUE))).all())

    async def renew(self, purpose: MailPurpose, user_ids: Collection[UUID], now: datetime) -> frozenset[UUID]:
        """Restart the mails of this purpose that are due to these people, and return to whom they are."""
        coming = self._coming(purpose, user_ids)
        values = {"created_at": now, "due_at": now, "attempts": 0, "why": None}
        renewed = update(Mail).where(*coming).values(**values).returning(col(Mail.user_id))
        return frozenset((await self._session.exec(renewed)).scalars().all()) if user_ids else frozenset()

    async def suppress(self, purpose: MailPurpose, user_id: UUID, why: str) -> None:
        """Take back the mails of this purpose to somebody that have not left."""
        coming = self._coming(purpose, [user_id])
        await self._session.exec(update(Mail).where(*coming).values(state=MailState.SUPPRESSED, why=why, address=None))

    async def newest(self, purpose: MailPurpose, user_ids: Collection[UUID]) -> Mapping[UUID, datetime]:
        """Tell when the last mail of one purpose to each of these people was queued."""
        query = select(Mail.user_id, func.max(Mail.created_at)).where(Mail.purpose == purpose)
        rows = await self._session.exec(query.where(col(Mail.user_id).in_(user_ids)).group_by(col(Mail.user_id)))
        return dict(rows.all())

    async def last(self, purpose: MailPurpose, user_id: UUID) -> Mail:
        """Return the newest mail of one purpose to somebody who has been sent one."""
        query = select(Mail).where(Mail.purpose == purpose, Mail.user_id == user_id).order_by(col(Mail.id).desc())
        return (await self._session.exec(query.limit(1))).one()

    async def hurry(self, mail: Mail, now: datetime) -> None:
        """Let a mail that waits for its next attempt be tried at once."""
        mail.due_at = now
        self._session.add(mail)
        await self._session.flush()

    async def note(self, mail: Mail, why: str) -> None:
        """Note what became of a mail that did not leave."""
        mail.why = why
        self._session.add(mail)
        await self._session.flush()

    async def page(self, wanted: WantedMails, cursor: str | None, limit: int) -> Page[Mail]:
        """List mails, the newest first.

        Raises:
            InvalidCursor: the cursor is not one that an earlier page handed out.
        """
        query, after = select(Mail).where(*wanted.conditions()), position(cursor)
        if after:
            query = query.where(col(Mail.id) < after.id)  # ids grow with time
        found = (await self._session.exec(query.order_by(col(Mail.id).desc()).limit(limit + 1))).all()
        last = found[limit - 1] if len(found) > limit else None
        return Page(found[:limit], Position(last.created_at, last.id).cursor() if last else None)

    async def count(self, wanted: WantedMails) -> int:
        """Count mails."""
        return (await self._session.exec(select(func.count()).select_from(Mail).where(*wanted.conditions()))).one()

    async def states(self, wanted: WantedMails) -> Mapping[MailState, int]:
        """Count the mails in each state, whichever of them is wanted, among those that are wanted otherwise."""
        query = select(Mail.state, func.count()).where(*replace(wanted, state=None).conditions())
        rows = await self._session.exec(query.group_by(col(Mail.state)))
        return dict.fromkeys(MailState, 0) | {MailState(state): count for state, count in rows.all()}

    async def held_up(self) -> int:
        """Count the mails that failed and are to be tried again."""
        query = select(func.count()).select_from(Mail).where(text(OPEN), col(Mail.attempts) > 0)
        return (await self._session.exec(query.where(col(Mail.state) == MailState.DUE))).one()

    async def all_of(self, user_id: UUID, after: UUID | None, limit: int) -> Sequence[Mail]:
        """Return the mails to somebody, sent or not, oldest first, after the mail `after`."""
        query = select(Mail).where(Mail.user_id == user_id)
        if after:
            query = query.where(col(Mail.id) > after)
        return (await self._session.exec(query.order_by(col(Mail.id)).limit(limit))).all()

    async def forget(self, user_id: UUID) -> None:
        """Remove all mails to somebody, due or sent."""
        await self._session.exec(delete(Mail).where(col(Mail.user_id) == user_id))

    async def remove_done(self, before: datetime, limit: int) -> int:
        """Remove mails from before this moment with which nothing will happen any more; tell how many."""
        old = select(Mail.id).where(col(Mail.created_at) < before, text(f"NOT {OPEN}")).limit(limit)
        old = old.with_for_update(skip_locked=True)
        result: Any = await self._session.exec(delete(Mail).where(col(Mail.id).in_(old)))
        return int(result.rowcount)

    @staticmethod
    def _coming(purpose: MailPurpose, user_ids: Collection[UUID]) -> tuple[ColumnElement[bool], ...]:
        due = col(Mail.state) == MailState.DUE
        return col(Mail.purpose) == purpose, col(Mail.user_id).in_(user_ids), due
