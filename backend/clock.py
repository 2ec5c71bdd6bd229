"""Time: one injected clock, so that tests move it instead of waiting; how it is written; how a task waits."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Every rule about time in Vestibule asks one of these."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Write a moment as RFC 3339 has it, in UTC, with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Wait until `event` is set, but no longer than `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
