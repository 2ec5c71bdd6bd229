"""Everybody may come in."""

from dataclasses import dataclass

from backend.models import Status


@dataclass(frozen=True)
class OpenPolicy:
    """New accounts are active at once; `approved_by` stays empty, because nobody decided."""

    open: bool = True
    initial_status: Status = Status.ACTIVE
