"""Accounts as administrators see them: lists, one account, counts, and an account's history."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from backend.errors import NotAuthenticated, NotYours, UserNotFound
from backend.identifiers import as_id, username_key
from backend.models import GONE, AuditEvent, Role, Status, User
from backend.services.audit import Action
from backend.services.rights import Act, may
from backend.stores.audit import AuditStore
from backend.stores.identities import Identity
from backend.stores.listings import Crowd, ListingStore, Order, Total, Wanted
from backend.stores.pages import Page, position
from backend.stores.users import UserStore

_HISTORY: Final = 50
_DAYS: Final = 30
_NOISE: Final = (Action.SESSION_OPENED, Action.REFUSED)
"""Left out of a history: openings of sessions, each of which is a sign-in, and what others were refused."""


@dataclass(frozen=True)
class Counts:
    """How many accounts there are, deleted ones left out."""

    total: int
    active: int
    superusers: int
    pending: int
    by_status: Mapping[Status, int]
    by_role: Mapping[Role, int]


@dataclass(frozen=True)
class Headcount:
    """The installation in numbers: `seen` by how many days ago at most, `registrations` by day (UTC)."""

    counts: Counts
    seen: Mapping[int, int]
    registrations: Mapping[str, int]


@dataclass(frozen=True)
class Rewritten:
    """When an applicant last changed their request, and when they last sent it again after a rejection."""

    amended: datetime | None = None
    sent_again: datetime | None = None


@dataclass(frozen=True)
class Record:
    """One line of a person's history; `actor` is a username, None where nobody or the command line acted."""

    event: AuditEvent
    actor: str | None


@dataclass(frozen=True)
class People:
    """Reads accounts."""

    users: UserStore
    listings: ListingStore
    audit: AuditStore

    async def page(
        self, wanted: Wanted, order: Order, *, cursor: str | None = None, number: int = 1, size: int
    ) -> tuple[Page[User], Total]:
        """Return a page of a list, by its cursor or by its number (from 1), and how long the list is.

        Raises:
            InvalidCursor: the cursor is not one that a list in this order handed out.
        """
        offset = 0 if cursor else (number - 1) * size
        total = await self.total(wanted)
        if offset and total.exact and offset >= total.count:
            return Page([], None), total
        page = await self.listings.page(wanted, order, after=cursor, offset=offset, limit=size, total=total)
        return page, total

    async def total(self, wanted: Wanted) -> Total:
        """Tell how many accounts a list has; without a search or dates that costs nothing, and is exact."""
        people, roles = await self.users.tallies.people(), {wanted.role} if wanted.role else set(Role)
        alike = sum(people[role, status] for role in roles for status in wanted.statuses)
        crowd = Crowd(people.total(), alike)
        if wanted.tier_id is not None:
            tiered = (await self.users.tallies.tiered(wanted.tier_id))[wanted.tier_id]
            both = sum(tiered[role, status] for role in roles for status in wanted.statuses)
            alike, crowd = both, Crowd(people.total(), both, by_tier=tiered.total() <= alike)
        return Total(alike, crowd=crowd) if wanted.counted else await self.listings.count(wanted, crowd)

    async def headcount(self, now: datetime) -> Headcount:
        """Count all accounts: as many queries at a million accounts as at ten."""
        tallies = self.users.tallies
        registrations = await tallies.registrations(now - timedelta(days=_DAYS - 1))
        days = [f"{now - timedelta(days=ago):%Y-%m-%d}" for ago in reversed(range(_DAYS))]
        seen = {days: sum((await tallies.seen_since(now - timedelta(days=days))).values()) for days in (1, 7, 30)}
        return Headcount(await self.counts(), seen, {day: registrations.get(day, 0) for day in days})

    async def newest(self, cursor: str | None, limit: int) -> Page[User]:
        """List accounts, newest first, all but the deleted ones.

        Raises:
            InvalidCursor: the cursor is not one of ours.
        """
        return await self.users.newest(position(cursor), limit)

    async def waiting(self, cursor: str | None, limit: int) -> Page[User]:
        """List the people who wait for a decision, those who wait longest first.

        Raises:
            InvalidCursor: the cursor is not one of ours.
        """
        return await self.users.waiting(position(cursor), limit)

    async def one(self, who: UUID | str, *, gone: bool = False) -> User:
        """Return the account of an id or a username, deleted ones only where `gone` asks for them.

        Raises:
            UserNotFound: nobody is called so.
        """
        id_ = as_id(who) if isinstance(who, str) else who
        user = await (self.users.get(id_) if id_ else self.users.get_by_username(str(who)))
        if user is None or (user.status in GONE and not gone):
            raise UserNotFound
        return user

    async def chosen(self, names: Sequence[str]) -> Sequence[User]:
        """Return the accounts of these ids, deleted ones too; what is no id, or nobody's, is passed over."""
        return await self.users.some({id_ for id_ in map(as_id, names) if id_})

    async def profile(self, name: str, caller: Identity | None, *, public: bool) -> User:
        """Return an active account for everybody to see or, where profiles are not `public`, for who may see it.

        Raises:
            NotAuthenticated, NotYours: profiles are not public.
            UserNotFound: nobody active has this username.
        """
        if not public:
            if caller is None:
                raise NotAuthenticated
            if not may(Act.SEE_PERSON, caller.role, oneself=username_key(name) == username_key(caller.username)):
                raise NotYours("Cannot see another user")
        user = await self.users.get_by_username(name)
        if user is None or not user.is_active:
            raise UserNotFound
        return user

    async def rewritten(self, ids: Collection[UUID]) -> Mapping[UUID, Rewritten]:
        """Tell when applicants changed their requests or sent them again, of those who did."""
        found = await self.audit.last(ids, (Action.REQUEST_AMENDED, Action.REQUEST_SENT_AGAIN))
        return {
            id_: Rewritten(at.get(Action.REQUEST_AMENDED), at.get(Action.REQUEST_SENT_AGAIN))
            for id_, at in found.items()
        }

    async def waiting_count(self) -> int:
        """Count the people who wait for a decision."""
        return await self.users.pending()

    async def by_name(self, name: str, *, gone: bool = False) -> User:
        """Return the account of a username or email address, a deleted one only where `gone` asks for it.

        Raises:
            UserNotFound: nobody holds this name.
        """
        user = await (self.users.get_by_email(name) if "@" in name else self.users.get_by_username(name))
        if user is None or (user.status in GONE and not gone):
            raise UserNotFound
        return user

    async def called(self, who: str, *, gone: bool = False) -> User:
        """Return the account of an id, a username or an email address; see `by_name`.

        Raises:
            UserNotFound: nobody is called so.
        """
        id_ = as_id(who)
        return await (self.one(id_, gone=gone) if id_ else self.by_name(who, gone=gone))

    async def counts(self) -> Counts:
        """Count the accounts."""
        found = await self.users.tallies.people()
        shown = {key: count for key, count in found.items() if key[1] not in GONE}
        return Counts(
            total=sum(shown.values()),
            active=sum(count for (_, status), count in shown.items() if status is Status.ACTIVE),
            superusers=sum(count for (role, _), count in shown.items() if role is Role.ADMIN),
            pending=sum(count for (_, status), count in shown.items() if status is Status.PENDING),
            by_role={wanted: sum(n for (role, _), n in shown.items() if role is wanted) for wanted in Role},
            by_status={wanted: sum(n for (_, status), n in found.items() if status is wanted) for wanted in Status},
        )

    async def is_only_admin(self, id_: UUID) -> bool:
        """Tell whether nobody could administer the installation without this account.

        Raises:
            UserNotFound: there is none, or it is deleted.
        """
        user = await self.one(id_)
        return user.is_superuser and user.is_active and await self.users.active_admins() == 1

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
