"""Two questions that ought to take equally long, asked in turn: about somebody, and about nobody.

The two of a pair follow each other on one connection, in an order that is tossed each time, so that whatever else the
machine does falls on both alike.
"""

import asyncio
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

TENTH: Final = 0.10
"""By how much the medians may differ."""
_PERCENT: Final = 90
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_MILLISECOND: Final = 1_000_000
_PATIENCE_SECONDS: Final = 30


@dataclass(frozen=True)
class Row:
    """What is asked about somebody and about nobody, as a request for each number, and the status of each answer."""

    title: str
    known: Callable[[int], bytes]
    unknown: Callable[[int], bytes]
    status: int


@dataclass
class Times:
    """How long the answers took, in milliseconds, and the statuses that should not have been."""

    known: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    wrong: Counter[int] = field(default_factory=Counter)

    @property
    def ratio(self) -> float:
        """The median about somebody, divided by that about nobody."""
        return statistics.median(self.known) / statistics.median(self.unknown)

    @property
    def within(self) -> bool:
        """Whether the medians differ by no more than a tenth of the smaller one, and all answers were right."""
        return not self.wrong and max(self.ratio, 1 / self.ratio) <= 1 + TENTH


def median(times: Sequence[float]) -> float:
    """Return the time that half of all do not exceed."""
    return statistics.median(times)


def p90(times: Sequence[float]) -> float:
    """Return the nearest rank: the smallest time that nine of ten do not exceed."""
    return sorted(times)[-(-len(times) * _PERCENT // 100) - 1]


async def ask(port: int, row: Row, numbers: Sequence[int], warming: Sequence[int], *, lanes: int = 1) -> Times:
    """Ask a pair for each number, after some that are not counted; so many connections share the numbers.

    The numbers come in an order of the row's own: two rows at a time are not about the same person at the same moment.
    """
    times, mixed = Times(), random.sample(numbers, len(numbers))
    await asyncio.gather(*(_lane(port, row, (*warming, *mixed[one::lanes]), warming, times) for one in range(lanes)))
    return times


async def _lane(port: int, row: Row, numbers: Sequence[int], warming: Sequence[int], times: Times) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for number in numbers:
            sides = [(row.known, times.known), (row.unknown, times.unknown)]
            random.shuffle(sides)
            for request, own in sides:
                took, status = await _timed(reader, writer, request(number))
                if status != row.status:
                    times.wrong[status] += 1
                if number not in warming:
                    own.append(took)
    finally:
        writer.close()


async def _timed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[float, int]:
    began = time.perf_counter_ns()
    writer.write(request)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
    return (time.perf_counter_ns() - began) / _MILLISECOND, int(head[9:12])
