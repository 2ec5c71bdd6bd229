"""Accounts: fastapi-users' database adapter, and the queries that lists and counts need.

It flushes and never commits. fastapi-users' own adapters commit inside create and update, so that a step that fails
afterwards (a directory that cannot be made) would leave half an account behind.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi_users.db import BaseUserDatabase
from sqlalchemy import func, tuple_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.identifiers import email_key, username_key
from backend.models import Identifier, IdentifierKind, Role, Status, User
from backend.stores.news import Changes
from backend.stores.pages import Page, Position
from backend.texts import storable

GONE: Final = (Status.DELETED, Status.ANONYMIZED)
"""States that no list shows unless it asks for them."""


class UserStore(BaseUserDatabase[User, UUID]):
    """The `users` table within one transaction."""

    def __init__(self, session: AsyncSession, changes: Changes | None = None) -> None:
        """Work within this session's transaction; who is changed is noted in `changes`."""
        self._session = session
        self._changes = Changes() if changes is None else changes

    async def get(self, id: UUID) -> User | None:  # noqa: A002  # fastapi-users' name
        """Return the account of this id, whatever its status."""
        return await self._session.get(User, id)

    async def get_by_email(self, email: str) -> User | None:
        """Return the account that holds this address."""
        return await self._by_identifier(IdentifierKind.EMAIL, email_key(email))

    async def get_by_username(self, username: str) -> User | None:
        """Return the account that holds this username."""
        return await self._by_identifier(IdentifierKind.USERNAME, username_key(username))

    async def create(self, create_dict: dict[str, Any]) -> User:
        """Add an account; its identifiers are claimed apart."""
        user = User(**_without_derived(create_dict))
        self._session.add(user)
        await self._session.flush()
        return user

    async def update(self, user: User, update_dict: dict[str, Any]) -> User:
        """Change columns of an account; derived flags are refused."""
        for name, value in _without_derived(update_dict).items():
            setattr(user, name, value)
        self._changes.users.add(user.id)
        self._session.add(user)
        await self._session.flush()
        return user

    async def delete(self, user: User) -> None:
        """Remove the row. No service does: deletion is a status."""
        await self._session.delete(user)
        await self._session.flush()

    async def lock(self, id_: UUID) -> User | None:
        """Return the account as it is now and keep others from changing it until this transaction ends."""
        query = select(User).where(User.id == id_).with_for_update().execution_options(populate_existing=True)
        return (await self._session.exec(query)).one_or_none()

    async def as_it_is(self, id_: UUID) -> User | None:
        """Return the account as it is at this moment, without locking it."""
        query = select(User).where(User.id == id_).execution_options(populate_existing=True)
        return (await self._session.exec(query)).one_or_none()

    async def active_admins(self) -> int:
        """Count the accounts that can administer the installation."""
        return await self._count(col(User.role) == Role.ADMIN, col(User.status) == Status.ACTIVE)

    async def pending(self) -> int:
        """Count the accounts nobody has decided about."""
        return await self._count(col(User.status) == Status.PENDING)

    async def newest(self, after: Position | None, limit: int, *, without: Collection[Status] = GONE) -> Page[User]:
        """List accounts, newest first."""
        query = select(User).where(col(User.status).not_in(without))
        if after:
            query = query.where(tuple_(col(User.created_at), col(User.id)) < (after.at, after.id))
        query = query.order_by(col(User.created_at).desc(), col(User.id).desc()).limit(limit + 1)
        return _page((await self._session.exec(query)).all(), limit)

    async def waiting(self, after: Position | None, limit: int) -> Page[User]:
        """List the accounts nobody has decided about, oldest first."""
        query = select(User).where(col(User.status) == Status.PENDING)
        if after:
            query = query.where(tuple_(col(User.created_at), col(User.id)) > (after.at, after.id))
        query = query.order_by(col(User.created_at), col(User.id)).limit(limit + 1)
        return _page((await self._session.exec(query)).all(), limit)

    async def raise_epochs(self) -> None:
        """Make every session and token there is worthless, those too that no row tells of."""
        await self._session.exec(update(User).values(token_epoch=col(User.token_epoch) + 1))
        self._changes.everything = True

    async def names(self, ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Return the usernames of these accounts."""
        if not ids:
            return {}
        rows = await self._session.exec(select(User.id, User.username).where(col(User.id).in_(ids)))
        return dict(rows.all())

    async def by_role_and_status(self) -> Counter[tuple[Role, Status]]:
        """Count the accounts by role and status, in one pass of the database."""
        query = select(User.role, User.status, func.count()).group_by(col(User.role), col(User.status))
        rows = (await self._session.exec(query)).all()
        return Counter({(Role(role), Status(status)): count for role, status, count in rows})

    async def oldest(self) -> User | None:
        """Return the account that was made first, of those still here."""
        query = select(User).where(col(User.status).not_in(GONE)).order_by(col(User.created_at), col(User.id)).limit(1)
        return (await self._session.exec(query)).first()

    async def ids(self, after: UUID | None, limit: int) -> Sequence[tuple[UUID, Status]]:
        """Walk through all accounts in the order of their ids."""
        query = select(User.id, User.status).order_by(col(User.id)).limit(limit)
        if after:
            query = query.where(col(User.id) > after)
        return [(id_, Status(status)) for id_, status in (await self._session.exec(query)).all()]

    async def statuses(self, ids: Collection[UUID]) -> Mapping[UUID, Status]:
        """Return the status of those of these ids that are accounts."""
        rows = await self._session.exec(select(User.id, User.status).where(col(User.id).in_(ids)))
        return {id_: Status(status) for id_, status in rows.all()}

    async def _by_identifier(self, kind: IdentifierKind, key: str) -> User | None:
        if not storable(key):
            return None  # what cannot be stored is nobody's name
        query = select(User).join(Identifier, col(Identifier.user_id) == col(User.id))
        query = query.where(Identifier.kind == kind, Identifier.key == key)
        return (await self._session.exec(query)).one_or_none()

    async def _count(self, *conditions: Any) -> int:  # noqa: ANN401  # SQLAlchemy's column expressions
        return (await self._session.exec(select(func.count()).select_from(User).where(*conditions))).one()


def _without_derived(values: dict[str, Any]) -> dict[str, Any]:
    derived = User.DERIVED & values.keys()
    if derived:
        msg = f"derived flags cannot be written: {', '.join(sorted(derived))}"
        raise ValueError(msg)
    return values


def _page(rows: Sequence[User], limit: int) -> Page[User]:
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(shown, Position(shown[-1].created_at, shown[-1].id).cursor() if more else None)
