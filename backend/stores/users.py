"""Accounts: fastapi-users' database adapter, and the queries that lists and counts need.

It flushes and never commits. fastapi-users' own adapters commit inside create and update, so that a step that fails
afterwards (a directory that cannot be made) would leave half an account behind.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fastapi_users.db import BaseUserDatabase
from sqlalchemy import Table, bindparam, case, func, tuple_, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.identifiers import email_key, username_key
from backend.models import GONE, Identifier, IdentifierKind, Role, Status, User
from backend.stores.listings import ListingStore
from backend.stores.news import Changes
from backend.stores.pages import Page, Position
from backend.stores.tallies import Counted, TallyStore
from backend.texts import storable

_STANDING: Final = frozenset({"role", "status"})
_TALLIED: Final = _STANDING | {"tier_id"}
_MOST_DECIDERS: Final = 100
_LISTED: Final = _STANDING | {"username", "email", "full_name", "institution"}

_LOCKED: Final = (
    select(User)
    .where(col(User.id) == bindparam("id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_BY_IDENTIFIER: Final = (
    select(User)
    .join(Identifier, col(Identifier.user_id) == col(User.id))
    .where(col(Identifier.kind) == bindparam("kind"), col(Identifier.key) == bindparam("key"))
)
"""Asked at every sign-in, and so made once: to make a statement takes longer than to ask it."""


class UserStore(BaseUserDatabase[User, UUID]):
    """The `users` table within one transaction."""

    def __init__(self, session: AsyncSession, changes: Changes | None = None) -> None:
        """Work within this session's transaction; who is changed is noted in `changes`."""
        self._session = session
        self._changes = Changes() if changes is None else changes
        self.tallies = TallyStore(session)
        self._listings = ListingStore(session, indexed=True)

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
        user = User(**_without_derived({"seen_at": create_dict["created_at"], **create_dict}))
        self._session.add(user)
        await self._session.flush()
        await self._listings.keep(user)
        self.tallies.registered(user.role, user.status, user.created_at, tier_id=user.tier_id)
        return user

    async def update(self, user: User, update_dict: dict[str, Any]) -> User:
        """Change columns of an account; derived flags are refused."""
        before = _counted(user)
        for name, value in _without_derived(update_dict).items():
            setattr(user, name, value)
        self._changes.users.add(user.id)
        self._session.add(user)
        await self._session.flush()
        if update_dict.keys() & _LISTED:
            await self._listings.keep(user)
        if update_dict.keys() & _TALLIED:
            self.tallies.changed(Counter([before]), Counter([_counted(user)]))
        return user

    async def update_all(self, users: Sequence[User], update_dict: Mapping[str, Any]) -> None:
        """Change the same columns of locked accounts in one statement."""
        before = Counter(map(_counted, users))
        values = _without_derived(dict(update_dict))
        self._changes.users.update(user.id for user in users if user.is_active)  # only active accounts are cached
        change = update(User).where(col(User.id).in_([user.id for user in users])).values(values)
        await self._session.exec(change.execution_options(synchronize_session=False))
        for user in users:
            for name, value in values.items():
                set_committed_value(user, name, value)
        standing = {name: values[name] for name in sorted(_STANDING & values.keys())}
        if values.keys() & (_LISTED - _STANDING):
            for user in users:
                await self._listings.keep(user)
        elif standing and users:
            await self._listings.keep_all([user.id for user in users], standing)
        self.tallies.changed(before, Counter(map(_counted, users)))

    async def signed_in(self, user: User, now: datetime) -> None:
        """Note on a locked account that its person has signed in, and uses it today."""
        before, day_before, user_id, today = user.last_login, user.active_on, user.id, now.date()
        table: Table = User.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`
        connection = await self._session.connection()
        change = update(table).where(table.c.id == user_id)
        noted: dict[str, Any] = {"last_login": now, "seen_at": now}
        if day_before is None or day_before < today:
            noted["active_on"] = today
            self.tallies.active(day_before, today)
        await connection.execute(change.values(**noted, login_count=table.c.login_count + 1))
        for name, value in {**noted, "login_count": user.login_count + 1}.items():
            set_committed_value(user, name, value)
        self.tallies.seen(before, now)

    async def delete(self, user: User) -> None:
        """Remove the row. No service does: deletion is a status."""
        await self._session.delete(user)
        await self._session.flush()

    async def some(self, ids: Collection[UUID]) -> Sequence[User]:
        """Return those of these accounts that there are, in the order of their ids."""
        return (await self._session.exec(select(User).where(col(User.id).in_(ids)).order_by(col(User.id)))).all()

    async def lock(self, id_: UUID) -> User | None:
        """Return the account as it is now and keep others from changing it until this transaction ends."""
        return (await self._session.exec(_LOCKED, params={"id": id_})).one_or_none()

    async def lock_all(self, ids: Collection[UUID]) -> Sequence[User]:
        """Return those of these accounts that there are, locked one after the other in the order of their ids."""
        query = select(User).where(col(User.id).in_(ids)).order_by(col(User.id)).with_for_update(key_share=True)
        return (await self._session.exec(query.execution_options(populate_existing=True))).all()

    async def as_it_is(self, id_: UUID) -> User | None:
        """Return the account as it is at this moment, without locking it."""
        query = select(User).where(User.id == id_).execution_options(populate_existing=True)
        return (await self._session.exec(query)).one_or_none()

    async def active_admins(self) -> int:
        """Count the accounts that can administer the installation."""
        return (await self.tallies.people())[Role.ADMIN, Status.ACTIVE]

    async def deciders(self) -> Sequence[User]:
        """Return who may decide about applicants, a hundred at most: active approvers and administrators."""
        query = select(User).where(col(User.role).in_([Role.APPROVER, Role.ADMIN]), User.status == Status.ACTIVE)
        return (await self._session.exec(query.order_by(col(User.created_at)).limit(_MOST_DECIDERS))).all()

    async def pending(self) -> int:
        """Count the accounts nobody has decided about."""
        people = await self.tallies.people()
        return sum(count for (_, status), count in people.items() if status is Status.PENDING)

    async def newest(self, after: Position | None, limit: int) -> Page[User]:
        """List accounts, newest first, all but the deleted ones."""
        query = select(User).where(col(User.status).not_in(GONE))
        if after:
            query = query.where(tuple_(col(User.created_at), col(User.id)) < (after.at, after.id))
        query = query.order_by(col(User.created_at).desc(), col(User.id).desc()).limit(limit + 1)
        return _page((await self._session.exec(query)).all(), limit)

    async def waiting_since(self, moments: Sequence[datetime]) -> Sequence[int]:
        """Count the accounts nobody has decided about that came after each of these moments; the last is the oldest."""
        came = col(User.created_at)
        counts = [func.coalesce(func.sum(case((came > moment, 1), else_=0)), 0) for moment in moments]
        query = select(*counts).where(col(User.status) == Status.PENDING, came > moments[-1])
        return [int(count) for count in (await self._session.exec(query)).one()]

    async def waiting(self, after: Position | None, limit: int) -> Page[User]:
        """List the accounts nobody has decided about, oldest first."""
        query = select(User).where(col(User.status) == Status.PENDING)
        if after:
            query = query.where(tuple_(col(User.created_at), col(User.id)) > (after.at, after.id))
        query = query.order_by(col(User.created_at), col(User.id)).limit(limit + 1)
        return _page((await self._session.exec(query)).all(), limit)

    async def raise_epochs(self, ids: Collection[UUID]) -> None:
        """Invalidate every session and token of accounts, also those without a row; see `lock_all` for the order."""
        locked = select(User.id).where(col(User.id).in_(ids)).order_by(col(User.id)).with_for_update(key_share=True)
        change = update(User).where(col(User.id).in_(locked)).values(token_epoch=col(User.token_epoch) + 1)
        await self._session.exec(change.execution_options(synchronize_session=False))
        self._changes.users.update(ids)

    async def names(self, ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Return the usernames of these accounts."""
        if not ids:
            return {}
        rows = await self._session.exec(select(User.id, User.username).where(col(User.id).in_(ids)))
        return dict(rows.all())

    async def oldest(self) -> User | None:
        """Return the account that was made first, of those still here."""
        query = select(User).where(col(User.status).not_in(GONE)).order_by(col(User.created_at), col(User.id)).limit(1)
        return (await self._session.exec(query)).first()

    async def due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """List accounts whose access has run out, or whose suspension has."""
        ended = col(User.status) == Status.ACTIVE, col(User.access_expires_at) <= now
        over = col(User.status) == Status.SUSPENDED, col(User.suspended_until) <= now
        found: list[UUID] = []
        for conditions in (ended, over):
            found += (await self._session.exec(select(User.id).where(*conditions).limit(limit))).all()
        return found

    async def anonymized(self, since: datetime) -> Sequence[UUID]:
        """List accounts that were erased lately."""
        lately = col(User.status) == Status.ANONYMIZED, col(User.updated_at) >= since
        return (await self._session.exec(select(User.id).where(*lately))).all()

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
            return None  # text that cannot be stored is nobody's name
        return (await self._session.exec(_BY_IDENTIFIER, params={"kind": kind, "key": key})).one_or_none()


def _without_derived(values: dict[str, Any]) -> dict[str, Any]:
    derived = User.DERIVED & values.keys()
    if derived:
        raise ValueError(f"derived flags cannot be written: {', '.join(sorted(derived))}")
    return values


def _counted(user: User) -> Counted:
    return user.role, user.status, user.last_login, user.tier_id


def _page(rows: Sequence[User], limit: int) -> Page[User]:
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(shown, Position(shown[-1].created_at, shown[-1].id).cursor() if more else None)
