"""A copy in memory of the limits of all tiers: every request needs them, they are few, and they seldom change."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from backend.api_paths import covers, rank, shape
from backend.errors import DatabaseUnavailable
from backend.models import Tier, TierLimit
from backend.stores.counters import Limit
from backend.stores.database import Database
from backend.stores.tiers import TierStore

_BELIEVED_SECONDS: Final = 1.0
_MOST_DECIDED: Final = 1000
_log = structlog.get_logger("vestibule.tiers")

_Rule = tuple[tuple[str, ...], Limit]


@dataclass(frozen=True, slots=True)
class _Book:
    """The limits by tier, those with the most specific path first."""

    rules: Mapping[int | None, tuple[_Rule, ...]] = field(default_factory=dict)
    default: int | None = None
    decided: dict[tuple[int, str], Limit | None] = field(default_factory=dict)
    """Results by tier and path: most requests are for few paths."""

    def deciding(self, tier_id: int | None, path: str) -> Limit | None:
        tier = self.default if tier_id is None else tier_id
        rules = self.rules.get(tier)
        if tier is None or not rules:
            return None
        if (tier, path) not in self.decided:
            if len(self.decided) >= _MOST_DECIDED:
                self.decided.clear()
            asked = tuple(path.rstrip("/").split("/")[1:])
            self.decided[tier, path] = next((limit for shape_, limit in rules if covers(shape_, asked)), None)
        return self.decided[tier, path]


class TierBook:
    """Finds the limit that applies to a request. The copy is a second old at most; own changes are seen at once.

    While the database does not answer, the last copy stays in use.
    """

    def __init__(self, *, enabled: bool) -> None:
        """Begin empty; where limits are not `enabled`, none ever applies."""
        self._enabled = enabled
        self._book = _Book()
        self._read_at = float("-inf")
        self._outdated = True
        self._generation = 0
        self._reading = asyncio.Lock()

    def passes(self, tier_id: int | None, path: str) -> bool:
        """Tell whether a fresh copy says that no limit applies to a request; the database is not asked."""
        return not self._enabled or (self._fresh() and self._book.deciding(tier_id, path) is None)

    async def deciding(self, database: Database, tier_id: int | None, path: str) -> Limit | None:
        """Return the limit that applies to a request by an account of this tier, or of none; None: it is unlimited."""
        if not self._enabled:
            return None
        if not self._fresh() and (self._outdated or not self._reading.locked()):
            await self._read(database)  # one task reads; the others use the copy meanwhile
        return self._book.deciding(tier_id, path)

    async def forget(self) -> None:
        """Let the next request ask the database."""
        self._generation += 1
        self._outdated = True

    def _fresh(self) -> bool:
        return not self._outdated and time.monotonic() - self._read_at < _BELIEVED_SECONDS

    async def _read(self, database: Database) -> None:
        async with self._reading:
            if self._fresh():
                return
            generation, asked_at = self._generation, time.monotonic()
            try:
                async with database.reading() as session:
                    self._book = _written(*await TierStore(session).everything())
            except DatabaseUnavailable:
                asked_at = time.monotonic()  # the attempt may have taken long: the next one is a second later
                _log.warning("tiers_not_read")
            self._read_at, self._outdated = asked_at, generation != self._generation


def _written(tiers: Sequence[Tier], limits: Sequence[TierLimit]) -> _Book:
    rules: dict[int | None, list[_Rule]] = {}
    for limit in limits:
        counted = Limit(f"tier-limit-{limit.id}", limit.amount, limit.period)
        rules.setdefault(limit.tier_id, []).append((shape(limit.path), counted))
    closest = {id_: tuple(sorted(some, key=lambda rule: rank(rule[0]), reverse=True)) for id_, some in rules.items()}
    return _Book(closest, next((tier.id for tier in tiers if tier.is_default), None))
