"""Nobody signs up; administrators make the accounts."""

from dataclasses import dataclass

from backend.models import Status


@dataclass(frozen=True)
class ClosedPolicy:
    """Registration is refused."""

    open: bool = False
    initial_status: Status = Status.PENDING
