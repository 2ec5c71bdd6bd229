"""Everybody may ask, somebody decides."""

from dataclasses import dataclass

from backend.models import Status


@dataclass(frozen=True)
class ApprovalPolicy:
    """New accounts wait until an approver lets them in."""

    open: bool = True
    initial_status: Status = Status.PENDING
