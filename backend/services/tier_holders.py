"""Who has which tier: given to accounts and taken away, counted, and what it lets each of them do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from backend.errors import NotYours, TierNotFound, UserNotFound
from backend.identifiers import as_id, username_key
from backend.models import GONE, Status, Tier, TierLimit, User
from backend.services.audit import Action
from backend.services.lifecycle import Lifecycle
from backend.services.people import People
from backend.services.rights import Act, may
from backend.stores.identities import Identity
from backend.stores.tiers import TierStore

_NAMED: Final = 3


@dataclass(frozen=True)
class Allowance:
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
class TierHolders:
    """Tells and changes who has which tier, within one transaction. `admin` is who acts; None is the command line."""

    store: TierStore
    people: People
    lifecycle: Lifecycle

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

    async def first(self, tier: Tier, most: int) -> tuple[int, Sequence[User]]:
        """Tell how many accounts were given a tier, deleted ones included, and return so many, the oldest first."""
        return await self.store.holders(id_of(tier), most)

    async def why_kept(self, tier: Tier) -> str | None:
        """Tell who keeps a tier from being deleted, and what to do about it; None if nobody does."""
        count, some = await self.first(tier, _NAMED)
        return _in_use(tier, count, some) if count else None

    async def allowance(self, user: User) -> Allowance:
        """Tell which tier and which limits an account has; those of the default one where it has none of its own."""
        given = await self.store.get(user.tier_id) if user.tier_id else None
        in_force = given or await self.store.default()
        return Allowance(user, given, in_force, await self.store.limits(id_of(in_force)) if in_force else [])

    async def allowance_of(self, caller: Identity, who: str) -> Allowance:
        """Tell one's own tier and limits, or as an administrator anybody's; `who` is an id or a username.

        Raises:
            NotYours: it is somebody else's, existing or not.
            UserNotFound: nobody is called so.
        """
        id_ = as_id(who)
        oneself = id_ == caller.id if id_ else username_key(who) == username_key(caller.username)
        if not may(Act.SEE_PERSON, caller.role, oneself=oneself):
            raise NotYours("Cannot see another user")
        return await self.allowance(await self.people.one(caller.id if oneself else who, gone=True))

    async def assign_to(self, admin: UUID | None, who: str, tier_id: int | None) -> User:
        """Give a tier to the account of an id or a username; see `assign`."""
        return await self.assign(admin, (await self.people.one(who, gone=True)).id, tier_id)

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
        await self.lifecycle.users.update_all(changing, {"tier_id": tier_id, "updated_at": self.lifecycle.clock.now()})
        await self.lifecycle.audit.record_all(Action.TIER_CHANGED, told, actor=by, reason=reason)

    async def check_there(self, tier_id: int | None) -> None:
        """Insist that there is a tier of this id; None, which takes one away, is always there.

        Raises:
            TierNotFound: there is none.
        """
        if tier_id is not None and await self.store.get(tier_id) is None:
            raise TierNotFound


def id_of(tier: Tier) -> int:
    """Return the id of a tier that has been saved."""
    if tier.id is None:
        raise TierNotFound
    return tier.id


def _in_use(tier: Tier, count: int, some: Sequence[User]) -> str:
    names = [f"{user.username} (deleted)" if user.status in GONE else user.username for user in some]
    if count > len(names):
        listed, among = ", ".join(names), "among them "
    else:
        listed, among = " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))), ""
    many = "1 account has" if count == 1 else f"{count:,} accounts have"
    return f"{many} the tier {tier.name}: {among}{listed}. Give them another tier or none before you delete it."
