"""Plug point: what becomes of somebody who signs up. One file a policy, one table of names."""

from collections.abc import Mapping
from typing import Final

from backend.policies.approval import ApprovalPolicy
from backend.policies.base import RegistrationPolicy
from backend.policies.closed import ClosedPolicy
from backend.policies.open_door import OpenPolicy
from backend.settings import RegistrationMode

POLICIES: Final[Mapping[RegistrationMode, type[RegistrationPolicy]]] = {
    RegistrationMode.APPROVAL: ApprovalPolicy,
    RegistrationMode.OPEN: OpenPolicy,
    RegistrationMode.CLOSED: ClosedPolicy,
}

__all__ = ["POLICIES", "RegistrationPolicy"]
