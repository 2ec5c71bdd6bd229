"""Tiers: groups of accounts with the same limits; which account has which is for `tier_holders`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from backend.context import Context
from backend.errors import InvalidTier, TierExists, TierInUse, TierNotFound
from backend.identifiers import caseless
from backend.models import Tier
from backend.services.audit import Action
from backend.services.lifecycle import Lifecycle
from backend.services.rights import Act
from backend.services.tier_holders import TierHolders
from backend.stores.tiers import TierStore

LONGEST_NAME: Final = 64
_LONGEST_KEY: Final = 256


@dataclass(frozen=True)
class Tiers:
    """Makes and changes tiers within one transaction. `admin` is who acts; None is the command line."""

    context: Context
    store: TierStore
    holders: TierHolders
    lifecycle: Lifecycle
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]

    async def every(self) -> Sequence[Tier]:
        """Return all tiers, by name."""
        return await self.store.all()

    async def listed(self, number: int, size: int) -> tuple[Sequence[Tier], int]:
        """Return a page of the tiers, by name, and how many there are; pages count from 1."""
        return await self.store.page((number - 1) * size, size)

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
        why_kept = await self.holders.why_kept(tier)
        if why_kept:
            raise TierInUse(why_kept)
        await self.store.delete(tier)
        await self._record(Action.TIER_DELETED, admin, tier)
        return tier

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


def _key(name: str) -> str:
    return caseless(name.strip())
