"""Invitations and their tokens: made, looked at, and used once."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import Invitation, InvitationToken, MembershipRole


class InvitationStore:
    """The `invitations` and `invitation_tokens` tables within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add(self, row: Invitation | InvitationToken) -> None:
        """Add an invitation, or another token to one."""
        self._session.add(row)
        await self._session.flush()

    async def get(self, id_: UUID, now: datetime) -> Invitation | None:
        """Return an open invitation as it is now, and keep it from being deleted meanwhile."""
        query = select(Invitation).where(Invitation.id == id_, *_open(now)).with_for_update(read=True, key_share=True)
        return (await self._session.exec(query.execution_options(populate_existing=True))).one_or_none()

    async def by_token(self, digest: str, now: datetime) -> tuple[Invitation, UUID] | None:
        """Return the open invitation that a token of this digest opens, and whose token it is."""
        query = select(Invitation, InvitationToken.made_by).join(
            InvitationToken, col(InvitationToken.invitation_id) == col(Invitation.id)
        )
        query = query.where(InvitationToken.digest == digest, *_open(now))
        return (await self._session.exec(query.execution_options(populate_existing=True))).one_or_none()

    async def open_in(self, organization_id: UUID, now: datetime) -> Sequence[Invitation]:
        """Return the open invitations of an organization, the newest first."""
        query = select(Invitation).where(Invitation.organization_id == organization_id, *_open(now))
        return (await self._session.exec(query.order_by(col(Invitation.id).desc()))).all()

    async def open_one(self, organization_id: UUID, id_: UUID, now: datetime) -> Invitation | None:
        """Return one open invitation of an organization."""
        query = select(Invitation).where(Invitation.organization_id == organization_id, Invitation.id == id_)
        query = query.where(*_open(now)).execution_options(populate_existing=True)
        return (await self._session.exec(query)).one_or_none()

    async def open_to(self, email_key: str, now: datetime, limit: int) -> Sequence[Invitation]:
        """Return the open invitations to an address, the newest first."""
        query = select(Invitation).where(Invitation.email_key == email_key, *_open(now))
        return (await self._session.exec(query.order_by(col(Invitation.id).desc()).limit(limit))).all()

    async def one_to(self, email_key: str, id_: UUID, now: datetime) -> Invitation | None:
        """Return one open invitation to an address, as it is now."""
        query = select(Invitation).where(Invitation.email_key == email_key, Invitation.id == id_, *_open(now))
        return (await self._session.exec(query.execution_options(populate_existing=True))).one_or_none()

    async def senders(self, id_: UUID) -> Collection[UUID]:
        """Return who has made mails and links of an invitation."""
        query = select(InvitationToken.made_by).where(InvitationToken.invitation_id == id_).distinct()
        return (await self._session.exec(query)).all()

    async def count_open(self, organization_id: UUID, now: datetime) -> int:
        """Count the open invitations of an organization."""
        query = select(func.count()).select_from(Invitation).where(Invitation.organization_id == organization_id)
        return (await self._session.exec(query.where(*_open(now)))).one()

    async def is_invited(self, organization_id: UUID, email_key: str, now: datetime) -> bool:
        """Tell whether an address has an open invitation to an organization."""
        query = select(Invitation.id).where(Invitation.email_key == email_key, *_open(now))
        query = query.where(Invitation.organization_id == organization_id)
        return (await self._session.exec(query.limit(1))).first() is not None

    async def was_declined(self, organization_id: UUID, email_key: str, since: datetime) -> bool:
        """Tell whether whoever has an address said no to an organization lately."""
        query = select(Invitation.id).where(Invitation.email_key == email_key, col(Invitation.declined).is_(True))
        query = query.where(Invitation.organization_id == organization_id, col(Invitation.revoked_at) > since)
        return (await self._session.exec(query.limit(1))).first() is not None

    async def use(self, id_: UUID, user_id: UUID, now: datetime) -> bool:
        """Use an invitation up; True for exactly one of any number of callers (compare-and-swap)."""
        swap = update(Invitation).where(col(Invitation.id) == id_, *_open(now)).values(used_at=now, used_by=user_id)
        return (await self._session.exec(swap.returning(col(Invitation.id)))).first() is not None

    async def revoke(self, id_: UUID, now: datetime, *, declined: bool = False) -> bool:
        """Take an open invitation back, or note that it was declined; False if it was over already."""
        swap = update(Invitation).where(col(Invitation.id) == id_, *_open(now))
        swap = swap.values(revoked_at=now, declined=declined)
        return (await self._session.exec(swap.returning(col(Invitation.id)))).first() is not None

    async def revoke_of(
        self, organization_id: UUID, user_id: UUID, now: datetime, *, roles: Collection[MembershipRole]
    ) -> Sequence[UUID]:
        """Take back the open invitations that somebody has made, as one of these roles; return which."""
        theirs = col(Invitation.organization_id) == organization_id, col(Invitation.invited_by) == user_id
        swap = update(Invitation).where(*theirs, col(Invitation.role).in_(roles), *_open(now)).values(revoked_at=now)
        return (await self._session.exec(swap.returning(col(Invitation.id)))).scalars().all()

    async def revoke_to(self, organization_id: UUID, email_key: str, now: datetime) -> Sequence[UUID]:
        """Take back the open invitations to an address; return which."""
        theirs = col(Invitation.organization_id) == organization_id, col(Invitation.email_key) == email_key
        swap = update(Invitation).where(*theirs, *_open(now)).values(revoked_at=now)
        return (await self._session.exec(swap.returning(col(Invitation.id)))).scalars().all()

    async def all_of(
        self, user_id: UUID, email_key: str | None, after: UUID | None, limit: int
    ) -> Sequence[Invitation]:
        """Return the invitations somebody made, used or was sent to their address, oldest first, behind one."""
        query = select(Invitation).where(or_(col(Invitation.invited_by) == user_id, *_to(user_id, email_key)))
        if after:
            query = query.where(col(Invitation.id) > after)
        return (await self._session.exec(query.order_by(col(Invitation.id)).limit(limit))).all()

    async def organizations_of(self, user_id: UUID, email_key: str) -> Collection[UUID]:
        """Return the ids of the organizations that have invitations to somebody's address, or such as they used."""
        query = select(Invitation.organization_id).where(or_(*_to(user_id, email_key))).distinct()
        return (await self._session.exec(query)).all()

    async def forget(self, user_id: UUID, email_key: str) -> None:
        """Remove the invitations to somebody's address, and those they used; lock their organizations before."""
        await self._session.exec(delete(Invitation).where(or_(*_to(user_id, email_key))))

    async def remove_over(self, before: datetime, limit: int) -> int:
        """Remove invitations that were used, taken back or over before this moment; tell how many."""
        over = (col(column) < before for column in (Invitation.expires_at, Invitation.used_at, Invitation.revoked_at))
        old = select(Invitation.id).where(or_(*over)).limit(limit).with_for_update(skip_locked=True)
        result: Any = await self._session.exec(delete(Invitation).where(col(Invitation.id).in_(old)))
        return int(result.rowcount)


def _open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return col(Invitation.used_at).is_(None), col(Invitation.revoked_at).is_(None), col(Invitation.expires_at) > now


def _to(user_id: UUID, email_key: str | None) -> tuple[ColumnElement[bool], ...]:
    used = col(Invitation.used_by) == user_id
    return (used, col(Invitation.email_key) == email_key) if email_key else (used,)
