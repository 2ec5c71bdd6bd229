"""What just happened, told once: a sentence in a cookie and, where there is one, the way back."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from backend.identifiers import as_id

LIFETIME_SECONDS: Final = 60
_LONGEST: Final = 400
_WAYS_BACK: Final[Mapping[str, str]] = {
    **{key: f"/users/{{id}}/{key}" for key in ("activate", "appoint", "demote", "promote", "reopen", "restore")},
    "reopen-request": "/approvals/{id}/reopen",
}
"""What can undo something, and the button that does it: each one a button that the person may press anyway.

A notice names one of these and an account, never an address: a browser may hold a notice that is not from here.
"""


@dataclass(frozen=True)
class Undo:
    """The way back from what just happened to an account."""

    key: str
    whom: UUID

    @property
    def path(self) -> str:
        """Where the button leads."""
        return _WAYS_BACK[self.key].format(id=self.whom)


@dataclass(frozen=True)
class Notice:
    """A sentence about what just happened, and the way back from it."""

    text: str
    kind: Literal["ok", "warn"] = "ok"
    undo: Undo | None = None

    def cookie(self) -> str:
        """Write it so that it fits into a cookie."""
        undo = [self.undo.key, self.undo.whom.hex] if self.undo else None
        told = {"text": self.text[:_LONGEST], "kind": self.kind, "undo": undo}
        # As few bytes as can be: browsers drop cookies of more than 4,096 without a word.
        return base64.urlsafe_b64encode(json.dumps(told, ensure_ascii=False).encode()).decode()


def read(cookie: str) -> Notice | None:
    """Read what `cookie` wrote; None if it is anything else."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cookie))
        return Notice(str(found["text"]), "warn" if found["kind"] == "warn" else "ok", _undo(found.get("undo")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _undo(found: object) -> Undo | None:
    key, whom = found if isinstance(found, list) and len(found) == len(("key", "whom")) else (None, None)
    id_ = as_id(whom) if isinstance(whom, str) else None
    return Undo(key, id_) if isinstance(key, str) and key in _WAYS_BACK and id_ else None
