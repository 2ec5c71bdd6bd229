"""Rate limits, overload, and unsupported media types."""

from backend.errors.families import Busy, VestibuleError


class TooManyRequests(VestibuleError):
    """A limit was reached (429). Times are seconds."""

    code = "RATE_LIMITED"
    detail = "Too many requests"

    def __init__(self, *, retry_after: int, limit: int, window: int) -> None:
        """Carry what the client needs to wait the right time."""
        super().__init__()
        self.retry_after = retry_after
        self.limit = limit
        self.window = window


class TooManyGuesses(TooManyRequests):
    """Too many wrong passwords: for an account, known or not, from an address, or in the whole installation."""


class LimitReached(TooManyRequests):
    """An account has used up what its tier allows for a path."""


class DatabaseUnavailable(Busy):
    """The database does not answer, or not in time."""

    code = "DATABASE_UNAVAILABLE"
    detail = "The service cannot reach its database at the moment. Please try again shortly."


class HashingBusy(Busy):
    """More passwords wait to be checked than the queue holds, or for longer than it allows."""

    code = "SERVER_BUSY"
    detail = "The service is busy. Please try again in a moment."


class UnsupportedMediaType(VestibuleError):
    """The body is of another media type than the route reads (415)."""

    code = "UNSUPPORTED_MEDIA_TYPE"

    def __init__(self, expected: str) -> None:
        """Name the media types that would have been read."""
        super().__init__(f"Unsupported content type: send {expected}")
