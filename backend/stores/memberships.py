"""Memberships: who is in which organization, since when and as what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, delete, func, tuple_, update
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import GONE, Membership, MembershipRole, Status, User
from backend.stores.pages import Page, Position, position


@dataclass(frozen=True)
class Member:
    """Somebody in an organization."""

    user: User
    role: MembershipRole
    since: datetime


class MembershipStore:
    """The `memberships` table within one transaction; call what changes it with the organization locked."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add(self, membership: Membership) -> None:
        """Add somebody who is not in the organization yet."""
        self._session.add(membership)
        await self._session.flush()

    async def role(self, organization_id: UUID, user_id: UUID) -> MembershipRole | None:
        """Return somebody's role in an organization; None if they are no member."""
        query = select(Membership.role).where(*_one(organization_id, user_id))
        found = (await self._session.exec(query)).one_or_none()
        return MembershipRole(found) if found else None

    async def change(self, organization_id: UUID, user_id: UUID, role: MembershipRole) -> None:
        """Give a member another role."""
        await self._session.exec(update(Membership).where(*_one(organization_id, user_id)).values(role=role))

    async def remove(self, organization_id: UUID, user_id: UUID) -> None:
        """Remove a member."""
        await self._session.exec(delete(Membership).where(*_one(organization_id, user_id)))

    async def member(self, organization_id: UUID, user_id: UUID) -> Member | None:
        """Return one member as they are now; None too for an account that is deleted."""
        found = await self._members(_of(organization_id).where(col(Membership.user_id) == user_id))
        return found[0] if found else None

    async def page(self, organization_id: UUID, cursor: str | None, limit: int) -> Page[Member]:
        """List members, those who came first first, without deleted accounts.

        Raises:
            InvalidCursor: the cursor is not one that an earlier page handed out.
        """
        query, after = _of(organization_id), position(cursor)
        if after:
            place = tuple_(col(Membership.created_at), col(Membership.user_id))
            query = query.where(place > (after.at, after.id))
        query = query.order_by(col(Membership.created_at), col(Membership.user_id)).limit(limit + 1)
        found = await self._members(query)
        last = found[limit - 1] if len(found) > limit else None
        return Page(found[:limit], Position(last.since, last.user.id).cursor() if last else None)

    async def everybody(self, organization_id: UUID, *, besides: UUID) -> Sequence[User]:
        """Return all members but one, without deleted accounts."""
        query = _of(organization_id).where(col(Membership.user_id) != besides)
        return [member.user for member in await self._members(query.order_by(col(Membership.user_id)))]

    async def other_active_owner(self, organization_id: UUID, user_id: UUID) -> bool:
        """Tell whether somebody besides this one is an owner and has an active account."""
        query = select(Membership.user_id).join(User, col(User.id) == col(Membership.user_id))
        query = query.where(
            Membership.organization_id == organization_id,
            Membership.role == MembershipRole.OWNER,
            Membership.user_id != user_id,
            User.status == Status.ACTIVE,
        )
        return (await self._session.exec(query.limit(1))).first() is not None

    async def has_owner(self, organization_id: UUID) -> bool:
        """Tell whether there is an owner, whatever their account may do at present."""
        owners = Membership.organization_id == organization_id, Membership.role == MembershipRole.OWNER
        return (await self._session.exec(select(Membership.user_id).where(*owners).limit(1))).first() is not None

    async def heir(self, organization_id: UUID) -> Member | None:
        """Return who becomes owner where none is left: active accounts first, administrators before members.

        Among equals it is who has been in the organization longest.
        """
        rank = (
            case((col(User.status) == Status.ACTIVE, 0), (col(User.status).not_in(GONE), 1), else_=2),
            case((col(Membership.role) == MembershipRole.ADMIN, 0), else_=1),
        )
        query = _of(organization_id, gone=True).where(col(User.status) != Status.ANONYMIZED)
        query = query.order_by(*rank, col(Membership.created_at), col(Membership.user_id))
        found = await self._members(query.limit(1))
        return found[0] if found else None

    async def count_of(self, user_id: UUID) -> int:
        """Count the organizations somebody is in."""
        query = select(func.count()).select_from(Membership).where(Membership.user_id == user_id)
        return (await self._session.exec(query)).one()

    async def organizations_of(self, user_id: UUID) -> Sequence[UUID]:
        """Return the ids of the organizations somebody is in, the smallest first."""
        query = select(Membership.organization_id).where(Membership.user_id == user_id)
        return (await self._session.exec(query.order_by(col(Membership.organization_id)))).all()

    async def working(self, user_id: UUID) -> Mapping[UUID, MembershipRole]:
        """Return somebody's roles by organization id, of the organizations that work."""
        owning = aliased(Membership)
        owners = select(owning).join(User, col(User.id) == col(owning.user_id))
        owners = owners.where(
            col(owning.organization_id) == col(Membership.organization_id),
            col(owning.role) == MembershipRole.OWNER,
            col(User.status) == Status.ACTIVE,
        )
        query = select(Membership.organization_id, Membership.role).where(
            Membership.user_id == user_id, owners.correlate(Membership).exists()
        )
        rows = await self._session.exec(query.order_by(col(Membership.organization_id)))
        return {id_: MembershipRole(role) for id_, role in rows.all()}

    async def _members(self, query: Select[Any]) -> list[Member]:
        rows = await self._session.exec(query.execution_options(populate_existing=True))  # type: ignore[call-overload]
        return [Member(user, MembershipRole(role), since) for user, role, since in rows.all()]


def _one(organization_id: UUID, user_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return col(Membership.organization_id) == organization_id, col(Membership.user_id) == user_id


def _of(organization_id: UUID, *, gone: bool = False) -> Select[Any]:
    """Ask for the members of an organization, those whose account is deleted only where `gone` asks for them."""
    query: Select[Any] = columns(User, Membership.role, Membership.created_at)  # type: ignore[call-overload]
    query = query.join(Membership, col(Membership.user_id) == col(User.id))
    query = query.where(col(Membership.organization_id) == organization_id)
    return query if gone else query.where(col(User.status).not_in(GONE))
