"""The changes that a line of somebody's history tells of."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from backend.cli.printing import shown

_MOMENTS: Final = frozenset({"access_expires_at", "suspended_until", "until"})


def changed(details: Mapping[str, Any]) -> str | None:
    """Return the changes that a record's details tell of, old -> new; None where they tell of none."""
    return "; ".join(_changes(details)) or None


def _changes(details: Mapping[str, Any]) -> Iterator[str]:
    for change in details.get("changes", ()):
        name = change["field"]
        yield f"{name}: {_value(name, change['old'])} -> {_value(name, change['new'])}"
    if "became" in details:
        yield f"{shown(details['was'])} -> {shown(details['became'])}"
    if "used_by" in details:
        yield f"{details['opened_by']} -> {details['used_by']}"
    if "until" in details:
        yield f"until {_value('until', details['until'])}"


def _value(name: str, value: object) -> str:
    return shown(datetime.fromisoformat(str(value)) if value and name in _MOMENTS else value)
