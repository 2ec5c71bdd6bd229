"""Keeping database and disk in agreement: after a crash, after a failed disk, or on command."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from backend.context import Context
from backend.services.work import reading
from backend.stores.users import GONE

_BATCH: Final = 1000
_SETTLED_SECONDS: Final = 60.0
"""Younger directories may belong to a registration that has not been committed yet."""


@dataclass
class Findings:
    """Where database and disk disagree."""

    checked: int = 0
    missing: list[UUID] = field(default_factory=list)
    """Accounts whose directory is missing or incomplete."""
    stray: list[UUID] = field(default_factory=list)
    """Directories of deleted accounts, or of none."""
    unfinished: int = 0
    """Directories that a crash left half-made."""

    @property
    def agree(self) -> bool:
        """Whether there is nothing to repair."""
        return not (self.missing or self.stray or self.unfinished)


async def check(
    context: Context, *, settled: float = _SETTLED_SECONDS, progress: Callable[[int], None] = lambda _: None
) -> Findings:
    """Compare every account with its directory; `progress` hears how many were looked at since the last call."""
    findings, after = Findings(), None
    while True:
        async with reading(context) as services:
            rows = await services.users.user_db.ids(after, _BATCH)
        if not rows or context.stopping.is_set():
            break
        after = rows[-1][0]
        expected = [id_ for id_, status in rows if status not in GONE]
        findings.missing += await asyncio.to_thread(_incomplete, context, expected)
        findings.checked += len(rows)
        progress(len(rows))
    for batch in context.provisioner.existing(settled):
        if context.stopping.is_set():
            break
        async with reading(context) as services:
            known = await services.users.user_db.statuses(batch)
        findings.stray += [id_ for id_ in batch if known.get(id_) in {None, *GONE}]
    findings.unfinished = context.provisioner.leftovers(settled)
    return findings


async def repair(
    context: Context, *, settled: float = _SETTLED_SECONDS, progress: Callable[[int], None] = lambda _: None
) -> Findings:
    """Make directories that are missing, put strays into the trash, and tell what was found.

    Raises:
        ProvisioningFailed: a directory could not be made.
    """
    findings = await check(context, settled=settled, progress=progress)
    now = context.clock.now()
    for id_ in findings.missing:
        await asyncio.to_thread(context.provisioner.provision, id_)
    for id_ in findings.stray:
        await asyncio.to_thread(context.provisioner.withdraw, id_, now)
    await asyncio.to_thread(context.provisioner.sweep, settled)
    return findings


def _incomplete(context: Context, ids: list[UUID]) -> list[UUID]:
    return [id_ for id_ in ids if not context.provisioner.complete(id_)]
