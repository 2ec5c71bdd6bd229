"""Ids in paths and bodies: one rule for which spellings name a thing."""

import re
from typing import Final
from uuid import UUID

_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")


def read_id(text: str) -> UUID | None:
    """Read an id, hyphenated or as 32 hex digits; None for anything else, also what Python's `UUID` would take."""
    return UUID(text) if _ID.fullmatch(text) else None
