"""`python -m bench.scale`: does it matter how many accounts there are? The same asked of a thousand and of a million.

For each database a server is started over each size, all at the same time, and every request goes to one size after the
other: what the machine does meanwhile falls on all of them alike. A ratio is the median of the ratios of neighbours.
"""

import argparse
import contextlib
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from bench import machine, report
from bench.questions import SLOW_AT, House, Question, approve_all, questions
from bench.servers import PEERS, Program, Service, UnexpectedAnswerError
from bench.storehouse import PostgreSQLStore, SQLiteStore, Store, fill_all
from tests.machines.processes import MachineError

_COST: Final = (19456, 2, 1)
"""Argon2id's memory in KiB, passes and lanes: the service's own."""
_WARMING: Final = 5
"""First requests of a row, which are not counted."""
_SLOW_MS: Final = 40
"""Within which lists and searches are to answer at 100,000 accounts."""
_LIMIT_SECONDS: Final = 900
"""For filling, and again for asking, however slow the machine is."""
_RATE: Final = 1000
"""Accounts a second that are to be let in at once, where they have their directories."""
_BUSY: Final = 0.05
"""Seconds of processor time within a second, below which a server is done with its start."""
_STORES: Final = (PostgreSQLStore, SQLiteStore)


@dataclass(frozen=True)
class _Plan:
    sizes: Sequence[int]
    rounds: int
    at_once: int
    """How many are let in by one call, twice."""


_FULL: Final = _Plan((1_000, SLOW_AT, 1_000_000), rounds=60, at_once=10_000)
_QUICK: Final = _Plan((1_000, 10_000), rounds=20, at_once=100)


class _TooLongError(KeyboardInterrupt):
    """The limit is reached."""


@dataclass(frozen=True)
class _Line:
    """What came of a question: times in milliseconds by size, and the ratio of the last size to the first."""

    question: Question
    times: Sequence[Sequence[float]]
    sizes: Sequence[int]

    @property
    def medians(self) -> list[float]:
        return [statistics.median(own) for own in self.times]

    @property
    def ratio(self) -> float:
        return statistics.median(many / few for few, many in zip(self.times[0], self.times[-1], strict=True))

    @property
    def broken(self) -> list[str]:
        """The promises that were not kept."""
        told = [] if self.ratio <= self.question.at_most else [f"ratio ≤ {self.question.at_most:g}"]
        slow = self.question.limited and SLOW_AT in self.sizes and self.medians[self.sizes.index(SLOW_AT)] > _SLOW_MS
        return [*told, f"≤ {_SLOW_MS} ms at {SLOW_AT:,}"] if slow else told


def main() -> int:
    """Fill what is missing, measure, print; 1 if that was not possible, or by --strict on a broken promise."""
    options = _options()
    plan = _QUICK if options.quick else _FULL
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end the servers in order, as by Ctrl-C
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(_LIMIT_SECONDS)
    began = time.monotonic()
    print(report.facts_text(machine.facts(PEERS)), flush=True)
    try:
        broken = _measure(plan, fresh=options.fresh, only=options.only)
    except (MachineError, UnexpectedAnswerError, TimeoutError, OSError, KeyboardInterrupt) as error:
        print(str(error) or "Stopped.", file=sys.stderr)
        return 1
    print(f"\nTook {time.monotonic() - began:.0f} s.")
    return 1 if broken and options.strict else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="Compare few accounts with many.")
    parser.add_argument("--quick", action="store_true", help="a look whether it runs, at 1,000 and 10,000 accounts")
    parser.add_argument("--fresh", action="store_true", help="fill the databases anew, also where they are still good")
    parser.add_argument("--only", default="", help="ask only what has these words in its name: --only statistics")
    parser.add_argument("--strict", action="store_true", help="fail where a promise is broken")
    return parser.parse_args()


def _measure(plan: _Plan, *, fresh: bool, only: str) -> int:
    broken = 0
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vestibule-scale-")))
        stores = [store(fresh=fresh) for store in _STORES]
        for store in stores:
            stack.callback(store.close)
        began = time.monotonic()
        fill_all(stores, plan.sizes, _COST)
        print(f"Filled in {time.monotonic() - began:.0f} s.", flush=True)
        signal.alarm(_LIMIT_SECONDS)
        for store in stores:
            with _houses(store, plan.sizes, folder / store.name) as houses:
                broken += _ask_all(store.name, houses, plan, only)
    return broken


@contextlib.contextmanager
def _houses(store: Store, sizes: Sequence[int], folder: Path) -> Iterator[list[House]]:
    """Open a server over each size; it is quiet when it has looked for everybody's directory."""
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        services: dict[int, Service] = {}
        for size in sizes:
            environment = {
                "VESTIBULE_DATABASE_URL": store.copy(size),
                "VESTIBULE_DATA_DIR": str(folder / f"data-{size}"),
                "VESTIBULE_RATE_LIMITS": "off",
                "VESTIBULE_SEND_VERIFICATION_EMAILS": "false",
                "VESTIBULE_ARGON2": ",".join(str(number) for number in _COST),
            }
            services[size] = Service(f"{store.name} {size}", Program("bench.hall:app", environment), folder / str(size))
            stack.callback(services[size].stop)
        for service in services.values():
            _wait_until_quiet(service.pid)
        yield [House(size, service, folder / f"data-{size}") for size, service in services.items()]


def _wait_until_quiet(pid: int) -> None:
    used = machine.seconds_of(pid)
    while used is not None:
        time.sleep(1)
        before, used = used, machine.seconds_of(pid)
        if used is None or used - before < _BUSY:
            return


def _ask_all(name: str, houses: Sequence[House], plan: _Plan, only: str) -> int:
    print(f"\n{name}: median and 95th percentile in ms, and the ratio of the last to the first")
    print(" " * 36 + "".join(f"{house.size:>18,}" for house in houses) + f"{'ratio':>9}", flush=True)
    broken = 0
    for question in (question for question in questions() if only in question.title):
        line = _asked(question, houses, plan.rounds)
        broken += bool(line.broken)
        print(_text(line), flush=True)
    return broken if only else broken + _ask_for_all_at_once(houses[-1], plan)


def _ask_for_all_at_once(many: House, plan: _Plan) -> int:
    """Let many in by one call; 1 if that is too slow."""
    ids = [person["id"] for person in many.some(2 * plan.at_once, status="pending")]
    half = len(ids) // 2
    many.provide(ids[:half])
    present, missing = approve_all(many, ids[:half]), approve_all(many, ids[half:])
    verdict = "met" if present >= _RATE else "MISSED"
    print(f"   {half:,} let in at once, at {many.size:,} accounts, with an audit record each:")
    print(f"   {present:,.0f} a second where they have their directories (≥ {_RATE:,} {verdict}),", end=" ")
    print(f"{missing:,.0f} where all have to be made", flush=True)
    return int(present < _RATE)


def _asked(question: Question, houses: Sequence[House], rounds: int) -> _Line:
    asks = [list(question.asks(house, _WARMING + rounds)) for house in houses]
    times: list[list[float]] = [[] for _ in houses]
    for turn, wave in enumerate(zip(*asks, strict=False)):  # some houses have fewer people to ask about
        places = range(len(houses)) if turn % 2 else reversed(range(len(houses)))
        for place in places:
            times[place].append(houses[place].timed(wave[place]))
    return _Line(question, [own[_WARMING:] for own in times], [house.size for house in houses])


def _text(line: _Line) -> str:
    figures = "".join(
        f"{statistics.median(own):>10.1f} {statistics.quantiles(own, n=20)[-1]:>7.1f}" for own in line.times
    )
    verdict = f"MISSED: {', '.join(line.broken)}" if line.broken else f"≤ {line.question.at_most:g} met"
    return f"   {line.question.title:<33}{figures}{line.ratio:>9.2f}  {verdict}"


def _too_long(_: int, __: FrameType | None) -> NoReturn:
    raise _TooLongError(f"The databases were not filled, or not asked, within {_LIMIT_SECONDS} s.")


if __name__ == "__main__":
    sys.exit(main())
