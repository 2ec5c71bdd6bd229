"""What is measured, in short rounds that go round the contestants, so that a slow minute hits all alike."""

import dataclasses
import itertools
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench import load, machine
from bench.field import COST, LOGIN_CLIENTS, Contestant, Field
from bench.load import Answers, Callers

CONNECTIONS: Final = 4
"""As many as SQLAlchemy's pool holds in its default size, less one: beyond, the peers open a connection a request."""
MANY_CONNECTIONS: Final = 16
FEW_CONNECTIONS: Final = 2
"""Of those whose waiting is measured while others sign in."""
_PAUSE_SECONDS: Final = 0.1
_VERIFY: Final = "/api/v1/auth/verify"
_NO_LIMIT: Final = 30.0
"""Seconds that one pass over all sessions may take at most."""


@dataclass(frozen=True)
class Plan:
    """How much is measured: numbers of rounds, and seconds each."""

    rounds: int
    seconds: float
    slow_rounds: int
    """Of what includes sign-ins, which are slow on purpose."""
    slow_seconds: float
    people: int
    sessions_each: int


@dataclass(frozen=True)
class Measured:
    """One contestant in one row: figures by name (medians of the rounds), and what was wrong, which voids them."""

    name: str
    figures: Mapping[str, float | None]
    wrong: Mapping[str, int]


@dataclass(frozen=True)
class Row:
    """One comparison; the first of the lines is this service."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[Measured, ...]

    @property
    def void(self) -> bool:
        """Whether some answer was not what it should have been."""
        return any(line.wrong for line in self.lines)


@dataclass(frozen=True)
class _Round:
    answers: Answers
    seconds: float
    client_cpu: float
    server_cpu: float | None

    @property
    def server_share(self) -> float | None:
        """Percent of a core."""
        return None if self.server_cpu is None else 100 * self.server_cpu / self.seconds

    @property
    def cost(self) -> float | None:
        """Microseconds of the server's processor for one answer, whoever else the machine works for."""
        return None if self.server_cpu is None else 1_000_000 * self.server_cpu / max(self.answers.total, 1)


_SPEED: Final = ("req/s", "p50 ms", "p99 ms", "server %", "client %", "CPU µs", "Vestibule ÷", "by CPU ÷")


def same_token(field: Field, plan: Plan) -> Row:
    """Measure the answer to "who am I?" for one token."""
    contestants = (field.ours, field.ordinary, field.jwt, field.database, field.fastapi)
    asked = {contestant.name: itertools.repeat(contestant.get) for contestant in contestants}
    title = f"1a authenticated GET, the same token, {CONNECTIONS} connections"
    return _compared(title, contestants, asked, plan)


def same_token_in_a_crowd(field: Field, plan: Plan) -> Row:
    """Measure the same with more connections than the peers' pools hold."""
    contestants = (field.ours, field.ordinary, field.jwt, field.database, field.fastapi)
    asked = {contestant.name: itertools.repeat(contestant.get) for contestant in contestants}
    title = f"1b the same, {MANY_CONNECTIONS} connections"
    fewer = dataclasses.replace(plan, rounds=plan.slow_rounds)
    return _compared(title, contestants, asked, fewer, connections=MANY_CONNECTIONS)


def first_pass(field: Field, _: Plan) -> Row:
    """Measure the same for sessions that a service sees for the first time: nobody remembers anything."""
    requests = field.ours.gets
    callers = Callers(field.ours.service.port, iter(requests), CONNECTIONS)
    one_round = _measured(field.ours, callers, _NO_LIMIT, lead=0)
    title = f"2a {len(requests)} sessions, each for the first time, {CONNECTIONS} connections"
    return Row(title, _SPEED, (_line(field.ours.name, [one_round], []),))


def many_tokens(field: Field, plan: Plan) -> Row:
    """Measure the same for many sessions in turn, after the first pass."""
    contestants = (field.ours, field.database)
    asked = {contestant.name: itertools.cycle(contestant.gets) for contestant in contestants}
    title = f"2b {len(field.ours.tokens)} sessions in turn, {CONNECTIONS} connections"
    return _compared(title, contestants, asked, plan)


def verify(field: Field, plan: Plan) -> Row:
    """Measure the answer a reverse proxy asks for."""
    asked = {
        field.ours.name: itertools.repeat(load.get(_VERIFY, field.ours.token)),
        field.starlette.name: itertools.repeat(field.starlette.get),
    }
    title = f"3  {_VERIFY}, the same token, {CONNECTIONS} connections"
    return _compared(title, (field.ours, field.starlette), asked, plan)


def while_others_sign_in(field: Field, plan: Plan) -> Row:
    """Measure how long a GET takes while nobody signs in, and while many do all the time."""
    contestants = (field.ours, field.ordinary, field.jwt, field.database)
    idle: dict[str, list[Answers]] = {contestant.name: [] for contestant in contestants}
    busy: dict[str, list[Answers]] = {contestant.name: [] for contestant in contestants}
    logins: dict[str, list[Answers]] = {contestant.name: [] for contestant in contestants}
    for _ in range(plan.slow_rounds):
        for contestant in contestants:
            gets = Callers(contestant.service.port, itertools.repeat(contestant.get), FEW_CONNECTIONS)
            idle[contestant.name] += load.ask([gets], plan.seconds)
            time.sleep(_PAUSE_SECONDS)
            during = load.ask([gets, _signing_in(contestant)], plan.slow_seconds, lead=0.5)
            busy[contestant.name].append(during[0])
            logins[contestant.name].append(during[1])
            time.sleep(_PAUSE_SECONDS)
    lines = tuple(
        Measured(
            name,
            {
                "idle p50": _median(answers.p50 for answers in idle[name]),
                "idle p99": _median(answers.p99 for answers in idle[name]),
                "busy p50": _median(answers.p50 for answers in busy[name]),
                "busy p99": _median(answers.p99 for answers in busy[name]),
                "p99 busy ÷ idle": _ratio([a.p99 for a in busy[name]], [a.p99 for a in idle[name]]),
                "GET/s busy": _median(answers.rate for answers in busy[name]),
                "logins/s": _median(answers.rate for answers in logins[name]),
            },
            _wrong([*idle[name], *busy[name], *logins[name]]),
        )
        for name in idle
    )
    title = (
        f"4  GET, the same token, {FEW_CONNECTIONS} connections, idle and while {LOGIN_CLIENTS} clients sign in (ms)"
    )
    return Row(title, tuple(lines[0].figures), lines)


def logins(field: Field, plan: Plan) -> Row:
    """Measure sign-ins against what the machine can hash at all."""
    contestants = (field.ours, field.jwt, field.database, field.own_argon2)
    threads = os.cpu_count() or 1  # as many as backend/hashing.py has
    raw: list[float] = []
    rounds: dict[str, list[Answers]] = {contestant.name: [] for contestant in contestants}
    for _ in range(plan.slow_rounds):
        raw.append(machine.argon2_rate(COST, threads, plan.slow_seconds / 2))
        for contestant in contestants:
            rounds[contestant.name] += load.ask([_signing_in(contestant)], plan.slow_seconds, lead=0.5)
            time.sleep(_PAUSE_SECONDS)
    lines = [
        Measured(
            name,
            {
                "logins/s": _median(answers.rate for answers in own),
                "p50 ms": _median(answers.p50 for answers in own),
                "p99 ms": _median(answers.p99 for answers in own),
                "of raw argon2": _ratio([answers.rate for answers in own], raw),
            },
            _wrong(own),
        )
        for name, own in rounds.items()
    ]
    alone = Measured(f"argon2 alone, {threads} threads", {"logins/s": statistics.median(raw)}, {})
    title = f"5  sign-ins, {LOGIN_CLIENTS} clients, argon2id m={COST[0]} t={COST[1]} p={COST[2]}"
    return Row(title, tuple(lines[0].figures), (*lines, alone))


def _signing_in(contestant: Contestant) -> Callers:
    return Callers(contestant.service.port, itertools.cycle(contestant.logins), LOGIN_CLIENTS)


def _compared(
    title: str,
    contestants: Sequence[Contestant],
    asked: Mapping[str, Iterator[bytes]],
    plan: Plan,
    connections: int = CONNECTIONS,
) -> Row:
    rounds: dict[str, list[_Round]] = {contestant.name: [] for contestant in contestants}
    for _ in range(plan.rounds):
        for contestant in contestants:
            callers = Callers(contestant.service.port, asked[contestant.name], connections)
            rounds[contestant.name].append(_measured(contestant, callers, plan.seconds))
            time.sleep(_PAUSE_SECONDS)
    ours = rounds[contestants[0].name]
    if _wrong([one.answers for one in ours]):
        ours = []  # nothing can be compared with it
    lines = (_line(name, own, [] if name == contestants[0].name else ours) for name, own in rounds.items())
    return Row(title, _SPEED, tuple(lines))


def _measured(contestant: Contestant, callers: Callers, seconds: float, *, lead: float = 0.25) -> _Round:
    pid = contestant.service.pid
    began, client, server = time.perf_counter(), time.process_time(), machine.seconds_of(pid)
    (answers,) = load.ask([callers], seconds, lead=lead)
    took, now = time.perf_counter() - began, machine.seconds_of(pid)
    used = None if server is None or now is None else now - server
    return _Round(answers, took, time.process_time() - client, used)


def _line(name: str, rounds: Sequence[_Round], ours: Sequence[_Round]) -> Measured:
    own = [one.answers for one in rounds]
    figures = {
        "req/s": _median(answers.rate for answers in own),
        "p50 ms": _median(answers.p50 for answers in own),
        "p99 ms": _median(answers.p99 for answers in own),
        "server %": _median(one.server_share for one in rounds),
        "client %": _median(100 * one.client_cpu / one.seconds for one in rounds),
        "CPU µs": _median(one.cost for one in rounds),
        "Vestibule ÷": _ratio([one.answers.rate for one in ours], [answers.rate for answers in own]) if ours else None,
        "by CPU ÷": _ratio([one.cost for one in rounds], [one.cost for one in ours]) if ours else None,
    }
    return Measured(name, figures, _wrong(own))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _ratio(upper: Sequence[float | None], lower: Sequence[float | None]) -> float | None:
    """Return the median of the rounds' ratios: each compares neighbours in time, so a drift of the machine cancels."""
    return _median(one / other for one, other in zip(upper, lower, strict=True) if one and other)


def _wrong(rounds: Sequence[Answers]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for answers in rounds:
        total.update(answers.wrong)
    return dict(total)


SPEED: Final[Sequence[Callable[[Field, Plan], Row]]] = (
    same_token,
    same_token_in_a_crowd,
    first_pass,
    many_tokens,
    verify,
)
"""How much one core does: servers have one to themselves."""
SIGN_INS: Final[Sequence[Callable[[Field, Plan], Row]]] = (while_others_sign_in, logins)
"""What sign-ins cost: servers have the whole machine, because hashing is made to use it."""
