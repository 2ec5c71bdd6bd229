"""Tiers: groups of accounts with the same limits, and which account has which."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from backend.context import Context
from backend.errors import InvalidTier, NotYours, TierExists, TierInUse, TierNotFound, UserNotFound
from backend.identifiers import as_id, caseless, username_key
from backend.models import GONE, Status, Tier, TierLimit, User
from backend.services.audit import Action
from backend.services.lifecycle import Lifecycle
from backend.services.people import People
from backend.services.rights import Act, may
from backend.stores.identities import Identity
from backend.stores.tiers import TierStore

LONGEST_NAME: Final = 64
_LONGEST_KEY: Final = 256
_NAMED: Final = 3


@dataclass(frozen=True)
class Standing:
    """What an account may use: the tier it was given, the one in force (that or the default one), and its limits."""

    user: User
    given: Tier | None
    in_force: Tier | None
    limits: Sequence[TierLimit]


@dataclass(frozen=True)
class Size:
    """How many accounts were given a tier."""

    here: int
    deleted: int

    @property
    def count(self) -> int:
        """All of them: deleted ones keep a tier from being deleted too."""
        return self.here + self.deleted


@dataclass(frozen=True)
class Tiers:
    """Makes, changes and gives tiers within one transaction. `admin` is who acts; None is the command line."""

    context: Context
    store: TierStore
    people: People
    lifecycle: Lifecycle
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]

    async def every(self) -> Sequence[Tier]:
        """Return all tiers, by name."""
        return await self.store.all()

    async def listed(self, number: int, size: int) -> tuple[Sequence[Tier], int]:
        """Return a page of the tiers, by name, and how many there are; pages count from 1."""
        return await self.store.page((number - 1) * size, size)

    async def sizes(self, tiers: Sequence[Tier]) -> Mapping[int, Size]:
        """Tell by id how many accounts were given each of these tiers."""
        tallies, found = await self.lifecycle.users.tallies.tiered(), {}
        for tier in tiers:
            counted = tallies[id_of(tier)]
            gone = sum(number for (_, status), number in counted.items() if status in GONE)
            found[id_of(tier)] = Size(counted.total() - gone, gone)
        return found

    async def counts(self) -> Mapping[str, int]:
        """Tell by name how many accounts were given each tier, deleted ones left out."""
        tiers = await self.store.all()
        sizes = await self.sizes(tiers)
        return {tier.name: sizes[id_of(tier)].here for tier in tiers}

    async def holders(self, tier: Tier, most: int) -> tuple[int, Sequence[User]]:
        """Tell how many accounts were given a tier, deleted ones included, and return so many, the oldest first."""
        return await self.store.holders(id_of(tier), most)

    async def why_kept(self, tier: Tier) -> str | None:
        """Tell who keeps a tier from being deleted, and what to do about it; None if nobody does."""
        count, some = await self.holders(tier, _NAMED)
        return _in_use(tier, count, some) if count else None

    async def one(self, name: str) -> Tier:
        """Return the tier of a name, whatever its case.

        Raises:
            TierNotFound: there is none.
        """
        tier = await self.store.called(_key(name)) if name.isprintable() else None
        if tier is None:
            raise TierNotFound
        return tier

    async def create(self, admin: UUID | None, name: str, *, is_default: bool = False) -> Tier:
        """Make a tier; the default one is that of all accounts that have none of their own.

        Raises:
            InvalidTier, TierExists: it cannot be called so.
        """
        await self.check(admin)
        now, name = self.context.clock.now(), name_as_kept(name)
        await self._check_free(name, None)
        if is_default:
            await self._unmake_default(admin)
        tier = Tier(name=name, name_key=_key(name), is_default=is_default, created_at=now, updated_at=now)
        await self.store.save(tier)
        await self._record(Action.TIER_CREATED, admin, tier, is_default=is_default)
        return tier

    async def update(
        self, admin: UUID | None, name: str, *, new_name: str | None = None, is_default: bool | None = None
    ) -> Tier:
        """Rename a tier, or make it the default one or an ordinary one again; None leaves alone.

        Raises:
            TierNotFound, InvalidTier, TierExists: it cannot be.
        """
        await self.check(admin)
        tier = await self.one(name)
        wanted: dict[str, Any] = {
            "name": tier.name if new_name is None else name_as_kept(new_name),
            "is_default": tier.is_default if is_default is None else is_default,
        }
        await self._check_free(wanted["name"], tier)
        if wanted["is_default"] and not tier.is_default:
            await self._unmake_default(admin)
        await self._change(admin, tier, wanted)
        return tier

    async def delete(self, admin: UUID | None, name: str) -> Tier:
        """Remove a tier with its limits; nobody may have it. Without a default one, accounts without a tier are free.

        Raises:
            TierNotFound: there is none of this name.
            TierInUse: accounts have it, deleted ones count.
        """
        await self.check(admin)
        tier = await self.one(name)
        why_kept = await self.why_kept(tier)
        if why_kept:
            raise TierInUse(why_kept)
        await self.store.delete(tier)
        await self._record(Action.TIER_DELETED, admin, tier)
        return tier

    async def of(self, user: User) -> Standing:
        """Tell which tier and which limits an account has; those of the default one where it has none of its own."""
        given = await self.store.get(user.tier_id) if user.tier_id else None
        in_force = given or await self.store.default()
        return Standing(user, given, in_force, await self.store.limits(id_of(in_force)) if in_force else [])

    async def seen_by(self, caller: Identity, who: str) -> Standing:
        """Tell one's own tier and limits, or as an administrator anybody's; `who` is an id or a username.

        Raises:
            NotYours: it is somebody else's, existing or not.
            UserNotFound: nobody is called so.
        """
        id_ = as_id(who)
        oneself = id_ == caller.id if id_ else username_key(who) == username_key(caller.username)
        if not may(Act.SEE_PERSON, caller.role, oneself=oneself):
            raise NotYours("Cannot see another user")
        return await self.of(await self.people.found(caller.id if oneself else who, gone=True))

    async def assign_to(self, admin: UUID | None, who: str, tier_id: int | None) -> User:
        """Give a tier to the account of an id or a username; see `assign`."""
        return await self.assign(admin, (await self.people.found(who, gone=True)).id, tier_id)

    async def assign(self, admin: UUID | None, user_id: UUID, tier_id: int | None, reason: str | None = None) -> User:
        """Give an account a tier, or take it away with None; the one it has already is no change.

        Deleted accounts can be given one too, erased ones cannot: what they have keeps a tier from being deleted.

        Raises:
            UserNotFound, TierNotFound: there is no such account, or no such tier.
        """
        user = await self.lifecycle.account(user_id, by=admin, act=Act.MANAGE_TIERS, gone=True)
        if user.status is Status.ANONYMIZED:
            raise UserNotFound
        await self.give([user], tier_id, by=admin, reason=reason)
        return user

    async def give(self, users: Sequence[User], tier_id: int | None, *, by: UUID | None, reason: str | None) -> None:
        """Give locked accounts a tier; see `assign`, which asks first whether somebody may.

        Raises:
            TierNotFound: there is no such tier.
        """
        await self.check_there(tier_id)
        changing = [user for user in users if user.tier_id != tier_id]
        if not changing:
            return
        names = {None: None, **{tier.id: tier.name for tier in await self.store.all()}}
        told = {user.id: {"was": names[user.tier_id], "became": names[tier_id]} for user in changing}
        await self.lifecycle.users.update_all(changing, {"tier_id": tier_id, "updated_at": self.context.clock.now()})
        await self.lifecycle.audit.record_all(Action.TIER_CHANGED, told, actor=by, reason=reason)

    async def check_there(self, tier_id: int | None) -> None:
        """Insist that there is a tier of this id; None, which takes one away, is always there.

        Raises:
            TierNotFound: there is none.
        """
        if tier_id is not None and await self.store.get(tier_id) is None:
            raise TierNotFound

    async def check(self, admin: UUID | None) -> None:
        """Insist, behind the installation's lock, that somebody may change tiers and their limits.

        Raises:
            AdminRequired: they may not, or not any more.
        """
        await self.lifecycle.check_rights(admin, Act.MANAGE_TIERS, oneself=False)

    async def changed(self, admin: UUID | None, tier: Tier, changes: Sequence[Mapping[str, Any]]) -> None:
        """Note what changed of a tier; requests see it at once."""
        await self._record(Action.TIER_UPDATED, admin, tier, changes=changes)

    async def _check_free(self, name: str, own: Tier | None) -> None:
        found = await self.store.called(_key(name))
        if found is not None and found is not own:
            raise TierExists

    async def _unmake_default(self, admin: UUID | None) -> None:
        former = await self.store.default()
        if former:
            await self._change(admin, former, {"name": former.name, "is_default": False})

    async def _change(self, admin: UUID | None, tier: Tier, wanted: Mapping[str, Any]) -> None:
        changes = [
            {"field": field, "old": getattr(tier, field), "new": value}
            for field, value in wanted.items()
            if value != getattr(tier, field)
        ]
        if not changes:
            return
        tier.name, tier.name_key, tier.is_default = wanted["name"], _key(wanted["name"]), wanted["is_default"]
        tier.updated_at = self.context.clock.now()
        await self.store.save(tier)
        await self.changed(admin, tier, changes)

    async def _record(self, action: Action, admin: UUID | None, tier: Tier, **details: Any) -> None:  # noqa: ANN401
        await self.lifecycle.audit.record(action, actor=admin, tier_id=tier.id, tier=tier.name, **details)
        self.after_commit(self.context.tier_book.forget)


def name_as_kept(name: str) -> str:
    """Return the name of a tier as it is kept and shown.

    Raises:
        InvalidTier: it cannot be one.
    """
    text = name.strip()
    if not 1 <= len(text) <= LONGEST_NAME:
        raise InvalidTier(f"The name of a tier must have 1 to {LONGEST_NAME} characters.")
    if not text.isprintable() or "/" in text or not text.strip("."):
        raise InvalidTier("The name of a tier must be one line of printable characters without a slash.")
    if len(_key(text)) > _LONGEST_KEY:  # some characters stand for eighteen
        raise InvalidTier("The name of a tier is too long.")
    return text


def id_of(tier: Tier) -> int:
    """Return the id of a tier that has been saved."""
    if tier.id is None:
        raise TierNotFound
    return tier.id


def _key(name: str) -> str:
    return caseless(name.strip())


def _in_use(tier: Tier, count: int, some: Sequence[User]) -> str:
    names = [f"{user.username} (deleted)" if user.status in GONE else user.username for user in some]
    if count > len(names):
        listed, among = ", ".join(names), "among them "
    else:
        listed, among = " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))), ""
    many = "1 account has" if count == 1 else f"{count:,} accounts have"
    return f"{many} the tier {tier.name}: {among}{listed}. Give them another tier or none before you delete it."
