"""`python -m bench`: start everything, measure row by row, print, and say which targets are met."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from bench import machine, report, targets
from bench.field import Field, prepared
from bench.rows import SIGN_INS, SPEED, Plan, Row
from bench.servers import PEERS, UnexpectedAnswerError
from tests.machines.processes import MachineError

_FULL: Final = Plan(rounds=5, seconds=1.2, slow_rounds=3, slow_seconds=2.5, people=1000, sessions_each=10)
_QUICK: Final = Plan(rounds=1, seconds=0.4, slow_rounds=1, slow_seconds=1.0, people=20, sessions_each=10)
_LIMIT_SECONDS: Final = 480
"""However slow the machine is."""


class _TooLongError(KeyboardInterrupt):
    """The limit is reached; of a kind that an event loop lets through."""


def main() -> int:
    """Measure; 1 if a row is void or nothing could be measured, or by --strict if a target is missed."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end the servers in order, as by Ctrl-C
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(_LIMIT_SECONDS)
    began = time.monotonic()
    facts = machine.facts(PEERS)
    print(report.facts_text(facts), flush=True)
    try:
        rows = _measure(_QUICK if options.quick else _FULL)
    except (MachineError, UnexpectedAnswerError, TimeoutError, KeyboardInterrupt) as error:
        print(str(error) or "Stopped.", file=sys.stderr)
        return 1
    verdicts = targets.verdicts(rows)
    print(report.verdicts_text(verdicts))
    print(f"\nTook {time.monotonic() - began:.0f} s.")
    if options.json:
        written = json.dumps(report.as_json(rows, verdicts, facts), ensure_ascii=False, indent=2)
        options.json.write_text(f"{written}\n", encoding="utf-8")
    if options.markdown:
        print(f"\n{report.markdown(rows, verdicts, facts)}")
    missed = any(not verdict.met for verdict in verdicts)
    return 1 if any(row.void for row in rows) or (options.strict and missed) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare this service with its peers.")
    parser.add_argument("--quick", action="store_true", help="a look whether it runs: the figures are worth little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--markdown", action="store_true", help="print the ratios for docs/benchmarks.md")
    parser.add_argument("--strict", action="store_true", help="fail where a target is missed")
    return parser.parse_args()


def _measure(plan: Plan) -> list[Row]:
    cores, own = machine.cores(), os.getpid()
    if len(cores) == 1:
        print("There is one core only: servers and load share it, so rates are lower than they should be.")
    rows: list[Row] = []

    def measure(row: Callable[[Field, Plan], Row]) -> None:
        rows.append(row(field, plan))
        print(report.row_text(rows[-1]), flush=True)

    with prepared(plan.people, plan.sessions_each) as field:
        field.keep_on(cores[:1])
        machine.pin(own, cores[1:] or cores)
        for row in SPEED:
            measure(row)
        field.keep_on(cores)
        machine.pin(own, cores)
        for row in SIGN_INS:
            measure(row)
    return rows


def _too_long(_: int, __: FrameType | None) -> NoReturn:
    raise _TooLongError(f"The benchmark did not end within {_LIMIT_SECONDS} s.")


if __name__ == "__main__":
    sys.exit(main())
