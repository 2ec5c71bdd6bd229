"""What a serving process does beside the requests, from its start until it stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from backend.clock import pause
from backend.context import Compared, Context
from backend.errors import VestibuleError
from backend.services import courier, provisioning, retention, session_rules

_PATIENCE_SECONDS: Final = 10
_LOOK_AT_KEYS_SECONDS: Final = 1
_log = structlog.get_logger("vestibule")


@asynccontextmanager
async def tasks(context: Context) -> AsyncIterator[None]:
    """Run them while the block runs; at its end they have ten seconds to finish what they are at."""
    lag = session_rules.Rules.of(context.settings).lag.total_seconds()
    jobs = [
        _reconcile(context),
        context.news.listen(context.stopping),
        context.touches.keep_saving(context.database, lag / 2, context.stopping),
        _look_at_keys(context),
        retention.keep_time(context),
    ]
    if context.notifier:
        jobs.append(courier.carry(context, context.notifier))
    running = [asyncio.create_task(job) for job in jobs]
    yield
    context.stop()
    _, late = await asyncio.wait(running, timeout=_PATIENCE_SECONDS)
    for task in late:
        task.cancel()


async def _look_at_keys(context: Context) -> None:
    """Notice keys that were made or retired by the command line."""
    while not context.stopping.is_set():
        if context.keys.look():
            context.cache.clear()
        await pause(context.stopping, _LOOK_AT_KEYS_SECONDS)


async def _reconcile(context: Context) -> None:
    """Repair what a crash left between database and disk; requests are served meanwhile."""
    try:
        findings = await provisioning.repair(context)
    except (VestibuleError, OSError):
        _log.exception("reconciling_failed")
        context.compared = Compared(failed=True)
    else:
        context.compared = Compared(findings.differences)
        if not findings.agree:
            _log.warning(
                "reconciled",
                missing=len(findings.missing),
                stray=len(findings.stray),
                remains=len(findings.remains),
                unfinished=findings.unfinished,
            )
