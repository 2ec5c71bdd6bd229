"""The limits of tiers: how often an account of a tier may ask for a path of the API, and all below it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from backend.api_paths import Idle, check_counted, path_as_kept, shape, why_idle
from backend.errors import InvalidLimit, LimitExists, LimitNotFound
from backend.models import Tier, TierLimit
from backend.services.tier_holders import id_of
from backend.services.tiers import Tiers
from backend.stores.tiers import TierStore
from backend.texts import plain

MOST_REQUESTS: Final = 1_000_000_000
LONGEST_PERIOD: Final = 31 * 86_400
"""Seconds."""
LONGEST_LABEL: Final = 100


@dataclass(frozen=True)
class TierLimits:
    """Adds, changes and removes limits within one transaction. `admin` is who acts; None is the command line."""

    tiers: Tiers
    store: TierStore

    @property
    def paths(self) -> Sequence[str]:
        """The paths to which requests are counted; a limit is for one of them, or above some. A command knows none."""
        return [path for path, counts in self.tiers.context.routes.items() if counts]

    def why_idle(self, limit: TierLimit) -> Idle | None:
        """Tell why a limit has no effect; None if it has one, or on the command line, which knows no paths."""
        routes = self.tiers.context.routes
        return why_idle(limit.path, routes) if routes else None

    async def of(self, name: str) -> Sequence[TierLimit]:
        """Return the limits of the tier of a name, by path.

        Raises:
            TierNotFound: there is none.
        """
        return await self.store.limits(id_of(await self.tiers.one(name)))

    async def by_tier(self) -> Mapping[int, Sequence[TierLimit]]:
        """Return the limits of each tier by its id, by path."""
        _, limits = await self.store.everything()
        found: defaultdict[int, list[TierLimit]] = defaultdict(list)
        for limit in sorted(limits, key=lambda limit: limit.path):
            found[limit.tier_id].append(limit)
        return found

    async def listed(self, name: str, number: int, size: int) -> tuple[Sequence[TierLimit], int]:
        """Return a page of the limits of a tier, by path, and how many it has; pages count from 1.

        Raises:
            TierNotFound: there is none.
        """
        found = await self.of(name)
        return found[(number - 1) * size : number * size], len(found)

    async def one(self, name: str, id_: int) -> TierLimit:
        """Return one limit of a tier.

        Raises:
            TierNotFound, LimitNotFound: there is none.
        """
        return await self._found(await self.tiers.one(name), id_)

    async def add(
        self, admin: UUID | None, name: str, *, path: str, amount: int, period: int, label: str | None = None
    ) -> TierLimit:
        """Let accounts of a tier ask `amount` times within `period` seconds; without a label the path is one.

        Raises:
            TierNotFound: there is no such tier.
            InvalidLimit, LimitExists: the limit cannot be so, or is there.
        """
        await self.tiers.check(admin)
        tier = await self.tiers.one(name)
        path, now = self._counted(path_as_kept(path)), self.tiers.context.clock.now()
        limit = TierLimit(
            tier_id=id_of(tier),
            name=_label(label) or _default_label(path),
            path=path,
            amount=_amount(amount),
            period=_period(period),
            created_at=now,
            updated_at=now,
        )
        await self._check_free(limit.tier_id, path, None)
        await self.store.save_limit(limit)
        await self._record(admin, tier, None, limit)
        return limit

    async def change(self, admin: UUID | None, name: str, id_: int, changes: Mapping[str, Any]) -> TierLimit:
        """Change what `changes` names: path, amount, period, label. With other numbers it begins to count anew.

        Raises:
            TierNotFound, LimitNotFound: there is no such limit.
            InvalidLimit, LimitExists: it cannot be so, or is there.
        """
        await self.tiers.check(admin)
        tier = await self.tiers.one(name)
        limit = await self._found(tier, id_)
        path = path_as_kept(changes.get("path", limit.path))
        path = path if path == limit.path else self._counted(path)
        await self._check_free(limit.tier_id, path, limit)
        former, named = _said(limit), limit.name
        kept = None if named == _default_label(limit.path) else named
        limit.name = _label(changes.get("label", kept)) or _default_label(path)
        limit.path, limit.amount = path, _amount(changes.get("amount", limit.amount))
        limit.period = _period(changes.get("period", limit.period))
        if (_said(limit), limit.name) != (former, named):
            limit.updated_at = self.tiers.context.clock.now()
            await self.store.save_limit(limit)
            await self._record(admin, tier, former, limit)
        return limit

    async def remove(self, admin: UUID | None, name: str, id_: int) -> TierLimit:
        """Remove a limit.

        Raises:
            TierNotFound, LimitNotFound: there is none.
        """
        await self.tiers.check(admin)
        tier = await self.tiers.one(name)
        limit = await self._found(tier, id_)
        await self.store.delete_limit(limit)
        await self._record(admin, tier, _said(limit), None)
        return limit

    def _counted(self, path: str) -> str:
        if self.tiers.context.routes:
            check_counted(path, self.tiers.context.routes)
        return path

    async def _record(self, admin: UUID | None, tier: Tier, former: str | None, limit: TierLimit | None) -> None:
        change = {"field": "limit", "old": former, "new": _said(limit) if limit else None}
        await self.tiers.changed(admin, tier, [change])

    async def _found(self, tier: Tier, id_: int) -> TierLimit:
        limit = await self.store.limit(id_of(tier), id_)
        if limit is None:
            raise LimitNotFound
        return limit

    async def _check_free(self, tier_id: int, path: str, own: TierLimit | None) -> None:
        others = [limit for limit in await self.store.limits(tier_id) if limit is not own]
        if shape(path) in {shape(limit.path) for limit in others}:
            raise LimitExists


def _amount(amount: int) -> int:
    if not 1 <= amount <= MOST_REQUESTS:
        raise InvalidLimit(f"A limit must allow 1 to {MOST_REQUESTS:,} requests.", "limit")
    return amount


def _period(period: int) -> int:
    if not 1 <= period <= LONGEST_PERIOD:
        raise InvalidLimit(f"The period of a limit must be 1 to {LONGEST_PERIOD:,} seconds (31 days).", "period")
    return period


def _label(label: str | None) -> str | None:
    text = (label or "").strip()
    if len(text) > LONGEST_LABEL or not plain(text, lines=False):
        raise InvalidLimit(f"The name of a limit must be one line of at most {LONGEST_LABEL} characters.", "name")
    return text or None


def _default_label(path: str) -> str:
    return path[-LONGEST_LABEL:]


def _said(limit: TierLimit) -> str:
    return f"{limit.path}: {limit.amount} in {limit.period} s"
