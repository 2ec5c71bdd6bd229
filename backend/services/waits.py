"""How long applicants wait: the few lengths that people tell apart."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from backend.stores.tallies import Wait

LIMITS: Final[Mapping[Wait, timedelta]] = {
    Wait.HOUR: timedelta(hours=1),
    Wait.DAY: timedelta(days=1),
    Wait.THREE_DAYS: timedelta(days=3),
    Wait.WEEK: timedelta(days=7),
}
"""What each of them stays below; the last one has no end."""


def wait_of(length: timedelta) -> Wait:
    """Tell which of them a wait is; one day exactly is not less than a day."""
    return next((wait for wait, limit in LIMITS.items() if length < limit), Wait.LONGER)
