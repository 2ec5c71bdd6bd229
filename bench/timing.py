"""`python -m bench.timing`: whether a stranger can tell by the time of an answer who has an account.

Real servers with a real mail server are asked the same about somebody and about nobody. First as they are by default:
answers that must not tell anything wait until a fixed time has passed, and the medians then differ by a tenth at most.
Then without that wait: the work alone, of which nothing is promised.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Final, NoReturn

from bench import machine, report, strangers
from bench.pairs import Row, Times, ask, median, p90
from bench.reception import House, houses
from bench.servers import PEERS, Service, UnexpectedAnswerError
from tests.machines.processes import MachineError

_WARMING: Final = 3
"""First pairs of each lane, which are not counted."""
_LANES: Final = 2
"""Connections that share a row where answers wait, so that all of it takes half the time."""
_LIMIT_SECONDS: Final = 900
_WITHOUT_WAITING: Final = {"VESTIBULE_REFUSAL_SECONDS": "0"}
_PRIVATE: Final = {"VESTIBULE_PRIVATE_REGISTRATION": "true"}
_HEAD: Final = (
    f"   {'':<58}{'somebody':>17}{'nobody':>17}{'':>7}  {'':<9}{'the work alone':>26}\n"
    f"   {'':<58}{'p50':>9}{'p90':>8}{'p50':>9}{'p90':>8}{'ratio':>7}  {'':<9}{'p50':>9}{'p50':>9}{'ratio':>8}"
)


@dataclass(frozen=True)
class _Plan:
    """How many pairs of a row are asked as it is by default, and how many without the wait."""

    paced: int
    alone: int

    @property
    def many(self) -> int:
        """How many people of a kind are needed: nobody is asked about twice in the same way."""
        return self.paced + self.alone + _WARMING


_FULL: Final = _Plan(paced=100, alone=25)
_QUICK: Final = _Plan(paced=8, alone=5)


class _TooLongError(KeyboardInterrupt):
    """The limit is reached."""


_Found = Mapping[str, Times]
"""By the titles of the rows."""


def main() -> int:
    """Measure; 1 if a row differs by more than a tenth, or got another answer than it should have."""
    options = _options()
    plan = _QUICK if options.quick else _FULL
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end the servers in order, as by Ctrl-C
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(_LIMIT_SECONDS)
    began = time.monotonic()
    print(report.facts_text(machine.facts(PEERS)), flush=True)
    try:
        with houses(plan.many) as both:
            print("Asking as it is by default …", flush=True)
            paced = _measure(both, plan, paced=True)
            print("Asking without the wait …", flush=True)
            alone = _measure(both, plan, paced=False)
    except (MachineError, UnexpectedAnswerError, TimeoutError, KeyboardInterrupt) as error:
        print(str(error) or "Stopped.", file=sys.stderr)
        return 1
    for house in both:
        found = paced[house.database]
        print(f"\n{house.database}: milliseconds, {2 * plan.paced} calls a row\n{_HEAD}")
        print("\n".join(text(title, times, alone[house.database][title]) for title, times in found.items()))
    missed = [times for found in paced.values() for times in found.values() if not times.within]
    print(f"\n{f'{len(missed)} rows are not' if missed else 'All rows are'} within 10 %.")
    print(f"Took {time.monotonic() - began:.0f} s.")
    return 1 if missed else 0


def text(title: str, times: Times, alone: Times) -> str:
    """Return a row's line."""
    if times.wrong:
        return f"   {title:<58}{_void(times)}"
    verdict = "within" if times.within else "MISSED"
    paced = (median(times.known), p90(times.known), median(times.unknown), p90(times.unknown))
    figures = "{:>9.1f}{:>8.1f}{:>9.1f}{:>8.1f}".format(*paced)
    work = f"{median(alone.known):>9.1f}{median(alone.unknown):>9.1f}{alone.ratio:>8.2f}"
    return f"   {title:<58}{figures}{times.ratio:>7.2f}  {verdict:<9}{_void(alone) if alone.wrong else work}"


def _void(times: Times) -> str:
    return f"VOID: {', '.join(f'{number} × {status}' for status, number in times.wrong.items())}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.timing", description="Compare answers about somebody and nobody."
    )
    parser.add_argument("--quick", action="store_true", help="a look whether it runs: the figures are worth little")
    return parser.parse_args()


def _measure(both: Sequence[House], plan: _Plan, *, paced: bool) -> Mapping[str, _Found]:
    """Ask everything, of both databases at the same time; where answers wait, rows at once, else one by one."""
    settings = {} if paced else _WITHOUT_WAITING
    numbers = range(plan.paced) if paced else range(plan.paced, plan.paced + plan.alone)
    warming = range(plan.many - _WARMING, plan.many)
    found: dict[str, dict[str, Times]] = {house.database: {} for house in both}

    def measure(services: Mapping[str, Service], rows: Sequence[Row], *, at_once: bool = paced) -> None:
        async def of(service: Service) -> None:
            asks = [ask(service.port, row, numbers, warming, lanes=_LANES if at_once else 1) for row in rows]
            times = await asyncio.gather(*asks) if at_once else [await one for one in asks]
            found[service.name] |= {row.title: one for row, one in zip(rows, times, strict=True)}

        async def of_all() -> None:
            await asyncio.gather(*(of(service) for service in services.values()))

        asyncio.run(of_all())

    with _served(both, settings) as services:
        measure(services, strangers.mails() + strangers.dear_sign_ins())
        measure(services, strangers.sign_ins())
        measure(services, strangers.slow_sign_ins())
        for house in both:
            service = services[house.database]
            rows = strangers.forbidden(house.token(service), house.ids)
            measure({house.database: service}, rows, at_once=False)
    with _served(both, {**settings, **_PRIVATE}) as services:
        measure(services, strangers.sign_ups())
    return found


@contextlib.contextmanager
def _served(both: Sequence[House], settings: Mapping[str, str]) -> Iterator[Mapping[str, Service]]:
    with contextlib.ExitStack() as stack:
        yield {house.database: stack.enter_context(house.served(**settings)) for house in both}


def _too_long(_: int, __: FrameType | None) -> NoReturn:
    raise _TooLongError(f"The rows were not asked within {_LIMIT_SECONDS} s.")


if __name__ == "__main__":
    sys.exit(main())
