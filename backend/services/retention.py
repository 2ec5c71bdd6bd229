"""What happens by time alone: access and suspensions end, and what was kept long enough is removed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

import structlog

from backend.clock import pause
from backend.context import Context
from backend.services import setting_aside
from backend.services.audit import Origin
from backend.services.guesses import Guesses
from backend.services.wiring import Services
from backend.services.work import reading, unit_of_work

DUE_SECONDS: Final = 30.0
"""How often somebody looks whether an access or a suspension has run out."""
_CLEAN_UP_SECONDS: Final = 3600.0
_BATCH: Final = 500
_DUE_AT_ONCE: Final = 50
_BREATH_SECONDS: Final = 0.025
_ONE_TIME_TOKENS: Final = timedelta(days=1)
_ERASED_AGAIN: Final = timedelta(days=2)
_INVITATIONS: Final = timedelta(days=30)
"""How long an invitation is kept that is over."""
_BULK_CALLS: Final = timedelta(days=1)
"""How long a bulk call can be repeated under its key."""
_log = structlog.get_logger("vestibule.retention")


@dataclass(frozen=True)
class Removed:
    """What a clean-up removed, or would remove."""

    sessions: int = 0
    one_time_tokens: int = 0
    mails: int = 0
    bulk_calls: int = 0
    invitations: int = 0
    directories: int = 0

    @property
    def anything(self) -> bool:
        """Whether there was anything to remove."""
        return any(asdict(self).values())


async def keep_time(context: Context) -> None:
    """Repeat both until the process stops; several processes may do so side by side."""
    waited = _CLEAN_UP_SECONDS
    while True:
        await pause(context.stopping, DUE_SECONDS)
        if context.stopping.is_set():
            return
        try:
            await catch_up(context)
            if waited >= _CLEAN_UP_SECONDS:
                waited = 0.0
                removed = await clean_up(context)
                if removed.anything:
                    _log.info("cleaned_up", **asdict(removed))
        except Exception:  # noqa: BLE001  # the database may be away; the next look does the rest
            _log.warning("retention_failed", exc_info=True)
        waited += DUE_SECONDS


async def catch_up(context: Context) -> int:
    """Let access run out and suspensions end whose time has come; tell how many."""
    done = 0
    while not context.stopping.is_set():
        async with reading(context) as look:
            due = await look.users.due(context.clock.now(), _DUE_AT_ONCE)
        if not due:
            break
        async with unit_of_work(context) as services:
            changed = await services.closing.catch_up(sorted(due))
        done += changed
        if not changed:
            break  # only administrators are left, whose access never ends
        await asyncio.sleep(_BREATH_SECONDS)  # let others write
    return done


async def clean_up(context: Context) -> Removed:
    """Remove what nobody needs any more: old sessions, used tokens, sent mail, answers of bulk calls, the trash."""
    now, settings = context.clock.now(), context.settings
    sessions = now - timedelta(days=settings.keep_sessions_days)
    mails = now - timedelta(days=settings.keep_mails_days)
    trash = now - timedelta(days=settings.keep_deleted_days)
    async with unit_of_work(context) as services:
        await services.users.tallies.sweep()
    async with reading(context) as look:
        erased = await look.users.anonymized(now - _ERASED_AGAIN)
    for id_ in erased:  # whose directory could not be erased at once
        await setting_aside.erase(context, id_)

    async def batches(remove: Callable[[Services], Awaitable[int]]) -> int:
        async def one() -> int:
            async with unit_of_work(context) as services:
                return await remove(services)

        return await repeated(one)

    async def repeated(remove: Callable[[], Awaitable[int]]) -> int:
        total = 0
        while not context.stopping.is_set():
            removed = await remove()
            total += removed
            if removed < _BATCH:
                break
            await asyncio.sleep(_BREATH_SECONDS)
        return total

    await repeated(lambda: Guesses(context, Origin()).remove_over(_BATCH))
    return Removed(
        sessions=await batches(lambda work: work.session_store.remove_over(sessions, _BATCH)),
        one_time_tokens=await batches(
            lambda work: work.recovery.one_time_tokens.remove_over(now - _ONE_TIME_TOKENS, _BATCH)
        ),
        mails=await batches(lambda work: work.mails.remove_done(mails, _BATCH)),
        bulk_calls=await batches(lambda work: work.bulk_calls.remove_over(now - _BULK_CALLS, _BATCH)),
        invitations=await batches(lambda work: work.invitation_store.remove_over(now - _INVITATIONS, _BATCH)),
        directories=await asyncio.to_thread(context.provisioner.purge, trash.date()),
    )
