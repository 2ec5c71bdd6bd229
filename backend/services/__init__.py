"""The rules of the house, one module for each thing a person does."""

from backend.services.audit import Origin
from backend.services.work import Services, reading, unit_of_work

__all__ = ["Origin", "Services", "reading", "unit_of_work"]
