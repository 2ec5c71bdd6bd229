"""The rules of the house, one module for each thing a person does."""

from backend.services.audit import COMMAND_LINE, Origin
from backend.services.wiring import Services
from backend.services.work import reading, unit_of_work

__all__ = ["COMMAND_LINE", "Origin", "Services", "reading", "unit_of_work"]
