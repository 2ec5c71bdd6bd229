"""The credentials that sign-ins return, shown once, and what clients say about their device."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID


@dataclass(frozen=True)
class Device:
    """What a client says about its device; nothing is decided by it."""

    id: str | None = None
    name: str | None = None
    type: str | None = None


NO_DEVICE: Final = Device()


@dataclass(frozen=True)
class BearerGrant:
    """What a sign-in by API gives, shown once. `expires_in` is seconds."""

    session_id: UUID
    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True)
class CookieGrant:
    """What a sign-in by page gives, shown once. The browser keeps it for `seconds`; None: until it is closed."""

    session_id: UUID
    cookie: str
    csrf_token: str
    seconds: int | None = None


@dataclass(frozen=True)
class OpaqueGrant:
    """What a sign-in of dialect B0 gives, shown once."""

    session_id: UUID
    session: str
