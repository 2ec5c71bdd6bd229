"""Keeping database and disk in agreement: after a crash, after a failed disk, or on command."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from backend.context import Context
from backend.errors import ProvisioningFailed
from backend.models import GONE, Status
from backend.services import setting_aside
from backend.services.work import reading

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
    remains: list[UUID] = field(default_factory=list)
    """Anonymized accounts of which a directory is left, in its place or in the trash."""
    unfinished: int = 0
    """Directories that a crash left half-made."""

    @property
    def agree(self) -> bool:
        """Whether there is nothing to repair."""
        return not self.differences

    @property
    def differences(self) -> int:
        """How many there are."""
        return len(self.missing) + len(self.stray) + len(self.remains) + self.unfinished


async def check(
    context: Context, *, settled: float = _SETTLED_SECONDS, progress: Callable[[int], None] = lambda _: None
) -> Findings:
    """Compare every account with its directory; `progress` hears how many were looked at since the last call."""
    findings, after = Findings(), None
    while True:
        async with reading(context) as services:
            rows = await services.users.ids(after, _BATCH)
        if not rows or context.stopping.is_set():
            break
        after = rows[-1][0]
        expected = [id_ for id_, status in rows if status not in GONE]
        findings.missing += await asyncio.to_thread(_incomplete, context, expected)
        findings.checked += len(rows)
        progress(len(rows))
    remains: set[UUID] = set()
    for batch in context.provisioner.existing(settled):
        if context.stopping.is_set():
            break
        known = await _statuses(context, batch)
        remains.update(id_ for id_ in batch if known.get(id_) is Status.ANONYMIZED)
        findings.stray += [id_ for id_ in batch if known.get(id_) in {None, Status.DELETED}]
    for batch in context.provisioner.withdrawn():
        if context.stopping.is_set():
            break
        known = await _statuses(context, batch)
        remains.update(id_ for id_ in batch if known.get(id_) is Status.ANONYMIZED)
    findings.remains = sorted(remains)
    findings.unfinished = await asyncio.to_thread(context.provisioner.leftovers, settled)
    return findings


async def repair(
    context: Context, *, settled: float = _SETTLED_SECONDS, progress: Callable[[int], None] = lambda _: None
) -> Findings:
    """Make missing directories, put strays into the trash, erase what is left of anonymized accounts; tell what it was.

    Raises:
        ProvisioningFailed: a directory could not be made.
        ErasingFailed: something of an anonymized account is still there.
    """
    findings = await check(context, settled=settled, progress=progress)
    for start in range(0, len(findings.missing), _BATCH):
        batch = findings.missing[start : start + _BATCH]
        for id_ in batch:  # a copy in the trash may hold the person's work
            await asyncio.to_thread(context.provisioner.restore, id_)
        if await prepare(context, batch):
            raise ProvisioningFailed
    for id_ in findings.stray:
        await setting_aside.withdraw(context, id_)
    for id_ in findings.remains:
        await setting_aside.erase(context, id_)
    await asyncio.to_thread(context.provisioner.sweep, settled)
    return findings


async def prepare(context: Context, ids: Collection[UUID]) -> Collection[UUID]:
    """Make or complete the directories of accounts with nothing locked; return the ids of those that could not be made.

    Of whoever is deleted or erased meanwhile, the directory is put aside or destroyed again.

    Raises:
        ProvisioningFailed: none could be made to last.
        ErasingFailed: something of an erased account is still there.
    """
    failed = await asyncio.to_thread(context.provisioner.provision_all, ids)
    since = await _statuses(context, ids)
    for id_, status in since.items():
        if status is Status.DELETED:
            await setting_aside.withdraw(context, id_)
        if status is Status.ANONYMIZED:
            await setting_aside.erase(context, id_)
    return [id_ for id_ in failed if since.get(id_) not in GONE]


async def _statuses(context: Context, ids: Collection[UUID]) -> Mapping[UUID, Status]:
    async with reading(context) as services:
        return await services.users.statuses(ids)


def _incomplete(context: Context, ids: list[UUID]) -> list[UUID]:
    return [id_ for id_ in ids if not context.provisioner.complete(id_)]
