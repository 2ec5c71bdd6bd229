"""What just happened, told once: a sentence in a cookie and, where there is one, the way back."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from backend import tokens
from backend.identifiers import as_id

LIFETIME_SECONDS: Final = 60
_LONGEST: Final = 400
_SEAL: Final = 32
_WAYS_BACK: Final[Mapping[str, str]] = {
    **{key: f"/users/{{id}}/{key}" for key in ("activate", "appoint", "demote", "promote", "reopen", "restore")},
    "suspend": "/users/{id}/suspend",
    "reopen-request": "/approvals/{id}/reopen",
    **{key: f"/organizations/{{within}}/members/{{id}}/{key}" for key in ("make-owner", "make-admin", "make-member")},
}
"""What can undo something, and the button that does it: each one a button that the person may press anyway.

A notice names one of these and an account, perhaps in an organization, never an address, and is sealed with a secret of
the session: a browser may hold a notice that is not from here.
"""


_ASKING: Final[Mapping[str, str]] = {"suspend": "Suspend…"}
"""What does not undo it but mends it, and asks first: what the link to the question says."""


@dataclass(frozen=True)
class Undo:
    """The way back from what just happened to an account."""

    key: str
    whom: UUID
    within: UUID | None = None
    """In which organization, where it is about one."""

    @property
    def path(self) -> str:
        """Where the button leads."""
        return _WAYS_BACK[self.key].format(id=self.whom, within=self.within)

    @property
    def question(self) -> str | None:
        """What the link says, where it leads to a question; None where a button does it at once."""
        return _ASKING.get(self.key)

    @property
    def ids(self) -> tuple[str, ...]:
        """What it is about, as a cookie names it."""
        return tuple(id_.hex for id_ in (self.whom, self.within) if id_)


@dataclass(frozen=True)
class Notice:
    """A sentence about what just happened, and the way back from it."""

    text: str
    kind: Literal["ok", "warn"] = "ok"
    undo: Undo | None = None

    def cookie(self, secret: str | None) -> str:
        """Write it so that it fits into a cookie; the way back is good in the session of this secret only."""
        undo = [self.undo.key, *self.undo.ids, _seal(secret, self.undo)] if self.undo and secret else None
        told = {"text": self.text[:_LONGEST], "kind": self.kind, "undo": undo}
        # As few bytes as can be: browsers drop cookies of more than 4,096 without a word.
        return base64.urlsafe_b64encode(json.dumps(told, ensure_ascii=False).encode()).decode()


def read(cookie: str, secret: str | None) -> Notice | None:
    """Read what `cookie` wrote; None if it is anything else. A way back of another session is left out."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cookie))
        return Notice(str(found["text"]), "warn" if found["kind"] == "warn" else "ok", _undo(found.get("undo"), secret))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _undo(found: object, secret: str | None) -> Undo | None:
    match found:
        case [str(key), str(whom), *within, str(seal)] if key in _WAYS_BACK and secret:
            ids = [as_id(str(id_)) for id_ in (whom, *within[:1])]
            undo = Undo(key, ids[0], *ids[1:]) if ids[0] else None
            return undo if undo and tokens.same(seal, _seal(secret, undo)) else None
        case _:
            return None


def _seal(secret: str, undo: Undo) -> str:
    return hmac.new(secret.encode(), " ".join((undo.key, *undo.ids)).encode(), "sha256").hexdigest()[:_SEAL]
