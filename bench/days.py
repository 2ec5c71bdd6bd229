"""What happened on each day of a population's two years: counts as the service keeps them, in every column there is."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from backend.models import TallyKind
from backend.services.counted import HAPPENED
from backend.stores.tallies import Wait, week
from bench.population import SPAN


def days(number: int, *, now: datetime, seed: int = 1) -> Counter[tuple[TallyKind, str]]:
    """Make up what so many people do: more of it the more they are, and something of everything on every day."""
    chance, counts = random.Random(seed), Counter[tuple[TallyKind, str]]()  # noqa: S311  # the same every time
    for at in _moments(now):
        for what in (what for columns in HAPPENED.values() for what in columns.values()):
            counts[TallyKind.HAPPENED, f"{at:%Y-%m-%d}/{what}"] = 1 + chance.randrange(1 + number // 100)
        for wait in Wait:
            counts[TallyKind.WAITED, f"{at:%Y-%m-%d}/{wait}"] = 1 + chance.randrange(1 + number // 500)
        active = 1 + chance.randrange(1 + number // 10)
        counts[TallyKind.ACTIVE, f"{at:%Y-%m-%d}"] = active
        counts[TallyKind.ACTIVE, week(at.date())] += active
    return counts


def _moments(now: datetime) -> Iterator[datetime]:
    return (now - timedelta(days=ago) for ago in range(SPAN.days))
