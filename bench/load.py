"""The load: keep-alive connections that ask one request after the other and look at every answer.

Why not wrk: it has to be installed, takes every status below 400 for right unless a script looks at each answer, and
cannot put two kinds of requests, each with figures of its own, on one clock. This client sends prepared bytes and only
looks for status and length in what comes back; uvloop does the rest. Tried in turn with wrk 4.1 on the same servers,
its rates were the same within a few percent at 4 connections. Every round shows anew that it is no bottleneck: how much
of a core the client used, and how much the server, is measured with the answers.

Requests are closed-loop: each connection sends its next request when it has its answer. A rate is the number of answers
that came within the measured window; percentiles are over every request that was sent in it, however late its answer.
"""

import asyncio
import gc
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import uvloop

_LENGTH: Final = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)\r\n")
_END: Final = b"\r\n\r\n"
_OK: Final = b"HTTP/1.1 200 "
_NANOSECONDS: Final = 1_000_000_000
_MILLISECOND: Final = 1_000_000
_CONNECTING_SECONDS: Final = 5
_PATIENCE_SECONDS: Final = 30
"""How long answers may still take when the window has closed."""


@dataclass(frozen=True)
class Callers:
    """Some connections to a server, and the requests they share: each takes the next one."""

    port: int
    requests: Iterator[bytes]
    connections: int


@dataclass(frozen=True)
class Answers:
    """What came back: answers a second, times in milliseconds, and what was wrong (nothing, if the round counts)."""

    rate: float
    p50: float
    p99: float
    number: int
    """Of requests sent within the window, which the times are about."""
    total: int
    """Of all requests, those before and after the window included."""
    wrong: Mapping[str, int]


@dataclass
class _Window:
    opens: int
    closes: int
    times: list[int] = field(default_factory=list)
    within: int = 0
    total: int = 0
    last: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


def get(path: str, token: str | None = None) -> bytes:
    """Return the bytes of a GET, with a Bearer token if there is one."""
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{bearer}\r\n".encode()


def post(path: str, body: bytes, media_type: str) -> bytes:
    """Return the bytes of a POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def ask(everybody: Sequence[Callers], seconds: float, *, lead: float = 0.25) -> list[Answers]:
    """Let all callers ask at the same time for `lead` seconds unmeasured and `seconds` measured; each one's answers.

    Callers whose requests come to an end stop there, and their rate is over the time it took them.
    """
    gc.collect()
    gc.disable()
    try:
        return uvloop.run(_ask(everybody, seconds, lead))
    finally:
        gc.enable()


async def _ask(everybody: Sequence[Callers], seconds: float, lead: float) -> list[Answers]:
    loop = asyncio.get_running_loop()
    groups: list[list[_Caller]] = []
    windows = [_Window(0, 0) for _ in everybody]
    async with asyncio.timeout(_CONNECTING_SECONDS):
        for callers, window in zip(everybody, windows, strict=True):
            group = []
            for _ in range(callers.connections):
                caller = _Caller(callers.requests, window)
                await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", callers.port)  # type: ignore[misc]
                group.append(caller)
            groups.append(group)
    opens = time.perf_counter_ns() + int(lead * _NANOSECONDS)
    for window in windows:
        window.opens, window.closes = opens, opens + int(seconds * _NANOSECONDS)
    everyone = [caller for group in groups for caller in group]
    for caller in everyone:
        caller.go_on()
    _, late = await asyncio.wait([caller.done for caller in everyone], timeout=lead + seconds + _PATIENCE_SECONDS)
    for caller in everyone:
        if caller.done in late:
            caller.window.wrong["no answer"] += 1
        caller.close()
    return [_summed_up(window) for window in windows]


def _summed_up(window: _Window) -> Answers:
    times = sorted(window.times)
    if not times:
        return Answers(0, 0, 0, 0, 0, window.wrong or {"no answer": 1})
    took = (min(window.closes, window.last) - window.opens) / _NANOSECONDS
    return Answers(
        rate=window.within / took if window.within else 0,
        p50=_percentile(times, 50),
        p99=_percentile(times, 99),
        number=len(times),
        total=window.total,
        wrong=dict(window.wrong),
    )


def _percentile(times: Sequence[int], percent: int) -> float:
    """Return the nearest rank: the smallest time that `percent` of all do not exceed, in milliseconds."""
    rank = -(-len(times) * percent // 100)
    return times[rank - 1] / _MILLISECOND


class _Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], window: _Window) -> None:
        self.window = window
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._kept = b""
        self._sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def go_on(self) -> None:
        """Send the next request, if there is one."""
        request = next(self._requests, None)
        if request is None:
            self._finish()
            return
        self._sent = time.perf_counter_ns()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._kept:
            data = self._kept + data
        missing = _missing(data)
        if missing is None or missing > 0:
            self._kept = data
            return
        now = time.perf_counter_ns()
        self._kept = b""
        window = self.window
        if missing < 0 or not data.startswith(_OK):
            window.wrong[data[9:12].decode("ascii", "replace") if missing == 0 else "malformed"] += 1
        if self._sent >= window.opens:
            window.times.append(now - self._sent)
        if window.opens <= now <= window.closes:
            window.within += 1
        window.last = now
        window.total += 1
        if now < window.closes:
            self.go_on()
        else:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.window.wrong[f"connection lost ({type(exc).__name__})" if exc else "connection closed"] += 1
            self._finish()

    def close(self) -> None:
        """Hang up."""
        self._finish()
        self._transport.abort()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _missing(data: bytes) -> int | None:
    """Return how many bytes of the answer are still to come; None while its length is not known."""
    end = data.find(_END)
    if end < 0:
        return None
    length = _LENGTH.search(data, 0, end + 2)
    return end + len(_END) + (int(length[1]) if length else 0) - len(data)
