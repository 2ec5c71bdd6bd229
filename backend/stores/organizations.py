"""Organizations: added, found, and described with what depends on their members."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, tuple_
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.models import GONE, Membership, MembershipRole, Organization, Status, User
from backend.stores.pages import Page, Position, position

_OWNERS_SHOWN: Final = 5


@dataclass(frozen=True)
class Standing:
    """An organization as one person stands in it; `role` is None for who is no member."""

    organization: Organization
    role: MembershipRole | None
    is_active: bool
    """Whether it works: one of its owners has an active account."""


@dataclass(frozen=True)
class Place(Standing):
    """The same with how many are in it, and since when the person is; None for who is no member."""

    member_count: int
    since: datetime | None


class OrganizationStore:
    """The `organizations` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def add(self, organization: Organization) -> None:
        """Add an organization; its owner is added apart."""
        self._session.add(organization)
        await self._session.flush()

    async def get(self, id_: UUID) -> Organization | None:
        """Return an organization."""
        return await self._session.get(Organization, id_)

    async def lock(self, id_: UUID) -> Organization | None:
        """Return an organization and let nobody else change it, or who is in it, until this transaction ends.

        Take the caller's account before it, and of several the one with the smallest id first.
        """
        query = select(Organization).where(Organization.id == id_).with_for_update(key_share=True)
        return (await self._session.exec(query.execution_options(populate_existing=True))).one_or_none()

    async def rename(self, organization: Organization, name: str, now: datetime) -> None:
        """Give it another name."""
        organization.name, organization.updated_at = name, now
        self._session.add(organization)
        await self._session.flush()

    async def delete(self, id_: UUID) -> None:
        """Remove it, with its memberships and invitations."""
        await self._session.exec(delete(Organization).where(col(Organization.id) == id_))

    async def works(self, id_: UUID) -> bool:
        """Tell whether one of its owners has an active account."""
        query = select(Organization.id).where(Organization.id == id_, _works())
        return (await self._session.exec(query)).first() is not None

    async def place(self, id_: UUID, user_id: UUID) -> Place | None:
        """Return an organization as somebody stands in it, member or not."""
        found = await self._places(_described(user_id, outside=True).where(col(Organization.id) == id_))
        return found[0] if found else None

    async def places(self, user_id: UUID) -> Sequence[Place]:
        """Return the organizations somebody is in, by name."""
        return sorted(await self._places(_described(user_id, outside=False)), key=_by_name)

    async def standings(self, user_id: UUID) -> Sequence[Standing]:
        """Return the organizations somebody is in, by name, at a cost that does not grow with how many others are."""
        query = select(Organization, Membership.role, _works())
        query = query.join(Membership, col(Membership.organization_id) == col(Organization.id))
        rows = await self._session.exec(query.where(Membership.user_id == user_id))
        found = [Standing(organization, MembershipRole(role), works) for organization, role, works in rows.all()]
        return sorted(found, key=_by_name)

    async def newest(self, user_id: UUID, cursor: str | None, limit: int) -> Page[Place]:
        """List all organizations, newest first, as somebody stands in them, member or not.

        Raises:
            InvalidCursor: the cursor is not one that an earlier page handed out.
        """
        query, after = _described(user_id, outside=True), position(cursor)
        if after:
            moment = tuple_(col(Organization.created_at), col(Organization.id))
            query = query.where(moment < (after.at, after.id))
        query = query.order_by(col(Organization.created_at).desc(), col(Organization.id).desc())
        found = await self._places(query.limit(limit + 1))
        last = found[limit - 1].organization if len(found) > limit else None
        return Page(found[:limit], Position(last.created_at, last.id).cursor() if last else None)

    async def owners(self, ids: Collection[UUID]) -> Mapping[UUID, Sequence[str]]:
        """Return the usernames of the owners of these organizations, at most five of each: those who came first."""
        order = col(Membership.created_at), col(User.id)
        rank = func.row_number().over(partition_by=col(Membership.organization_id), order_by=order).label("rank")
        owners = select(Membership.organization_id, User.username, rank).join(
            User, col(User.id) == col(Membership.user_id)
        )
        owners = owners.where(col(Membership.organization_id).in_(ids), Membership.role == MembershipRole.OWNER)
        few = owners.where(col(User.status).not_in(GONE)).subquery()
        query = select(few.c.organization_id, few.c.username).where(few.c.rank <= _OWNERS_SHOWN)
        found: dict[UUID, list[str]] = {id_: [] for id_ in ids}
        for id_, username in (await self._session.exec(query.order_by(few.c.rank))).all():
            found[id_].append(username)
        return found

    async def _places(self, query: Select[Any]) -> list[Place]:
        rows = await self._session.exec(query.execution_options(populate_existing=True))  # type: ignore[call-overload]
        return [
            Place(
                organization,
                membership.role if membership else None,
                works,
                count,
                membership.created_at if membership else None,
            )
            for organization, membership, works, count in rows.all()
        ]


def _described(user_id: UUID, *, outside: bool) -> Select[Any]:
    """Ask for organizations with somebody's membership, or (`outside`) also for those without, and what both tell."""
    members = select(func.count()).select_from(Membership).join(User, col(User.id) == col(Membership.user_id))
    members = members.where(col(Membership.organization_id) == col(Organization.id), col(User.status).not_in(GONE))
    theirs = aliased(Membership)
    counted = members.correlate(Organization).scalar_subquery()
    query: Select[Any] = columns(Organization, theirs, _works(), counted)
    joined = (col(theirs.organization_id) == col(Organization.id)) & (col(theirs.user_id) == user_id)
    return query.join(theirs, joined, isouter=outside)


def _by_name(standing: Standing) -> tuple[str, UUID]:
    return standing.organization.name.casefold(), standing.organization.id


def _works() -> ColumnElement[bool]:
    owners = select(Membership).join(User, col(User.id) == col(Membership.user_id))
    owners = owners.where(
        col(Membership.organization_id) == col(Organization.id),
        col(Membership.role) == MembershipRole.OWNER,
        col(User.status) == Status.ACTIVE,
    )
    return owners.correlate(Organization).exists()
