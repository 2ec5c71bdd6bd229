"""Equal response times, for answers whose time must not tell what was found."""

import asyncio
import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Pace:
    """When a request began, by the monotonic clock: this is real time, whatever clock is injected."""

    began: float

    @classmethod
    def begin(cls) -> Self:
        """Note this moment."""
        return cls(time.monotonic())

    async def keep(self, seconds: float) -> None:
        """Wait until `seconds` after the beginning, with no transaction open: others would wait for it too."""
        left = self.began + seconds - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
