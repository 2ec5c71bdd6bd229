"""Who is there: lists, one person, and counts, as people who administer see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from backend.errors import UserNotFound
from backend.identifiers import as_id
from backend.models import AuditEvent, Role, Status, User
from backend.services.audit import Action
from backend.stores.audit import AuditStore
from backend.stores.pages import Page, position
from backend.stores.users import GONE, UserStore

_HISTORY: Final = 50
_NOISE: Final = (Action.SESSION_OPENED,)
"""Every sign-in opens a session; the sign-in is what a person wants to read."""


@dataclass(frozen=True)
class Counts:
    """How many accounts there are, deleted ones left out."""

    total: int
    active: int
    superusers: int
    pending: int
    by_status: Mapping[Status, int]


@dataclass(frozen=True)
class Record:
    """One line of a person's history; `actor` is a username, None where nobody or the command line acted."""

    event: AuditEvent
    actor: str | None


@dataclass(frozen=True)
class People:
    """Reads accounts."""

    users: UserStore
    audit: AuditStore

    async def newest(self, cursor: str | None, limit: int, *, status: Status | None = None) -> Page[User]:
        """List accounts, newest first; of one status, or all but the deleted ones.

        Raises:
            InvalidCursor: the cursor is not one of ours.
        """
        without = GONE if status is None else frozenset(Status) - {status}
        return await self.users.newest(position(cursor), limit, without=without)

    async def waiting(self, cursor: str | None, limit: int) -> Page[User]:
        """List the people who wait for a decision, those who wait longest first.

        Raises:
            InvalidCursor: the cursor is not one of ours.
        """
        return await self.users.waiting(position(cursor), limit)

    async def one(self, id_: UUID) -> User:
        """Return one account.

        Raises:
            UserNotFound: there is none, or it is deleted.
        """
        user = await self.users.get(id_)
        if user is None or user.status in GONE:
            raise UserNotFound
        return user

    async def applicant(self, id_: UUID) -> User:
        """Return somebody who wants to know where they stand, deleted or not.

        Raises:
            UserNotFound: nobody has this id.
        """
        user = await self.users.get(id_)
        if user is None:
            raise UserNotFound
        return user

    async def waiting_count(self) -> int:
        """Count the people who wait for a decision."""
        return await self.users.pending()

    async def by_name(self, name: str) -> User:
        """Return the account of a username or email address.

        Raises:
            UserNotFound: nobody holds this name.
        """
        user = await (self.users.get_by_email(name) if "@" in name else self.users.get_by_username(name))
        if user is None or user.status in GONE:
            raise UserNotFound
        return user

    async def called(self, who: str) -> User:
        """Return the account that somebody means by an id, a username or an email address.

        Raises:
            UserNotFound: nobody is called so.
        """
        id_ = as_id(who)
        return await (self.one(id_) if id_ else self.by_name(who))

    async def counts(self) -> Counts:
        """Count the accounts."""
        found = await self.users.by_role_and_status()
        shown = {key: count for key, count in found.items() if key[1] not in GONE}
        return Counts(
            total=sum(shown.values()),
            active=sum(count for (_, status), count in shown.items() if status is Status.ACTIVE),
            superusers=sum(count for (role, _), count in shown.items() if role is Role.ADMIN),
            pending=sum(count for (_, status), count in shown.items() if status is Status.PENDING),
            by_status={wanted: sum(n for (_, status), n in found.items() if status is wanted) for wanted in Status},
        )

    async def first_created(self) -> datetime | None:
        """Tell when the oldest account was made."""
        oldest = await self.users.oldest()
        return oldest.created_at if oldest else None

    async def history(self, id_: UUID) -> Sequence[Record]:
        """Return what happened to an account, newest first, at most 50 records."""
        events = await self.audit.about(id_, _HISTORY, without=_NOISE)
        names = await self.users.names({event.actor_id for event in events if event.actor_id})
        return [Record(event, names.get(event.actor_id) if event.actor_id else None) for event in events]

    async def username(self, id_: UUID | None) -> str | None:
        """Return somebody's username, deleted or not."""
        return (await self.users.names([id_])).get(id_) if id_ else None
