"""The last day on which each account was used: written once a day per account, and counted then."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import User, UserSession
from backend.stores.tallies import TallyStore


class ActivityStore:
    """`users.active_on` within one transaction; `UserStore.signed_in` notes it as well."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session
        self._tallies = TallyStore(session)

    async def unnoted(self, sessions: Collection[UUID], day: date) -> Sequence[UUID]:
        """Return the accounts of these sessions that are not yet marked as used on a day, or later."""
        query = select(User.id).join(UserSession, col(UserSession.user_id) == col(User.id)).distinct()
        query = query.where(col(UserSession.id).in_(sessions), _before(day))
        return (await self._session.exec(query.order_by(col(User.id)))).all()

    async def note(self, ids: Collection[UUID], day: date) -> None:
        """Mark accounts as used on a day, and count them; those that were marked meanwhile are skipped.

        It locks accounts in the order of their ids and nothing else: call it in a transaction of its own.
        """
        query = select(User.id, col(User.active_on)).where(col(User.id).in_(ids), _before(day)).order_by(col(User.id))
        found = (await self._session.exec(query.with_for_update(key_share=True))).all()
        for before, number in Counter(last for _, last in found).items():
            self._tallies.active(before, day, number)
        change = update(User).where(col(User.id).in_([id_ for id_, _ in found])).values(active_on=day)
        await self._session.exec(change.execution_options(synchronize_session=False))


def _before(day: date) -> ColumnElement[bool]:
    return or_(col(User.active_on).is_(None), col(User.active_on) < day)
