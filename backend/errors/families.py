"""The error tree: what can be refused, in the words of the domain.

A class says what happened (`AccountPending`), its family says of which kind that is (`Forbidden`). The
families become HTTP statuses in `routes/errors.py` and exit codes on the command line, nowhere else.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True)
class Counted:
    """The state of a rate limit: `remaining` of `limit` in a `window`, which ends in `resets_in`; both in seconds.

    Used for wrong passwords, and for requests against the limits of tiers.
    """

    limit: int
    window: int
    remaining: int
    resets_in: int
    closed: UUID | None = None
    """The account that was just locked for unknown devices, for the first time in a day: its owner gets a mail."""


class VestibuleError(Exception):
    """Something Vestibule refuses to do. `detail` is a sentence for the person, `code` a word for the program."""

    code: ClassVar[str] = "ERROR"
    detail: str = "The request was refused."
    field: ClassVar[str | None] = None
    """The form field a person would have to change, where there is exactly one."""
    also: tuple["VestibuleError", ...] = ()
    """What else has to change about the same form, each with its field."""

    def __init__(self, detail: str | None = None) -> None:
        """Use `detail` in place of the class's own sentence."""
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)


class SettingsError(VestibuleError):
    """A setting is unknown, missing or impossible; the start stops."""

    code = "SETTINGS"


class StartError(VestibuleError):
    """Something outside (database, data directory, port) keeps Vestibule from starting."""

    code = "START"


class Invalid(VestibuleError):
    """The request makes no sense in the present state of things (400)."""


class Unauthenticated(VestibuleError):
    """It is not known who is asking (401)."""


class Forbidden(VestibuleError):
    """It is known who is asking, and they may not (403)."""


class NotFound(VestibuleError):
    """There is no such thing, or none this person may know of (404)."""


class Conflict(VestibuleError):
    """Somebody else was first (409)."""


class Unprocessable(VestibuleError):
    """A value breaks a rule about values (422)."""


class Busy(VestibuleError):
    """Not now; the same request may succeed in `retry_after` seconds (503)."""

    retry_after: ClassVar[int] = 5
