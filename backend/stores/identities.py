"""Whose a credential is: a bounded cache in memory. Entries are dropped as soon as they may be wrong."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from backend.models import Carrier, Role
from backend.stores.touches import Pulse


@dataclass(frozen=True, slots=True)
class Identity:
    """An active account and the live session by which it asks, as the database had them."""

    id: UUID
    username: str
    email: str
    full_name: str | None
    role: Role
    is_verified: bool
    must_change_password: bool
    tier_id: int | None
    session_id: UUID
    carrier: Carrier
    remembered: bool

    @property
    def is_active(self) -> bool:
        """Always True: only active accounts are identified."""
        return True

    @property
    def is_superuser(self) -> bool:
        """Whether they may administer the installation."""
        return self.role is Role.ADMIN


@dataclass(slots=True)
class Entry:
    """What is known about one credential. Times are moments of the injected clock, but for `read_at`."""

    identity: Identity
    pulse: Pulse
    expires_at: datetime
    """When the credential or its session ends, whichever comes first."""
    idle: timedelta | None
    """How long the session may go unused; None if that does not end it."""
    read_at: float
    """`time.monotonic()` at which the database said so."""
    agents: set[str | None] = field(default_factory=set)
    """The user agents that came with it and were judged."""


@dataclass
class IdentityCache:
    """At most `capacity` entries by the SHA-256 of the whole credential; the least used go first.

    A hit means that these exact bytes were verified before, so that only times have to be compared.
    """

    capacity: int
    generation: int = 0
    """Raised by everything that invalidates entries: what was read before that must not be stored after it."""
    hits: int = 0
    misses: int = 0
    _entries: OrderedDict[bytes, Entry] = field(default_factory=OrderedDict)
    _by_session: dict[UUID, set[bytes]] = field(default_factory=dict)
    _by_user: dict[UUID, set[bytes]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._entries)

    def find(self, key: bytes) -> Entry | None:
        """Return what is known about a credential."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def keep(self, key: bytes, entry: Entry, generation: int) -> None:
        """Store what was read while `generation` was current; nothing is stored if it has changed since."""
        if generation != self.generation or not self.capacity:
            return
        self._forget(key)
        self._entries[key] = entry
        self._by_session.setdefault(entry.identity.session_id, set()).add(key)
        self._by_user.setdefault(entry.identity.id, set()).add(key)
        if len(self._entries) > self.capacity:
            self._forget(next(iter(self._entries)))

    def drop(self, sessions: Iterable[UUID] = (), users: Iterable[UUID] = ()) -> None:
        """Forget these sessions, and all sessions of these people."""
        self.generation += 1
        for index, ids in ((self._by_session, sessions), (self._by_user, users)):
            for id_ in ids:
                for key in tuple(index.get(id_, ())):
                    self._forget(key)

    def clear(self) -> None:
        """Forget everything."""
        self.generation += 1
        self._entries.clear()
        self._by_session.clear()
        self._by_user.clear()

    def _forget(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        for index, id_ in ((self._by_session, entry.identity.session_id), (self._by_user, entry.identity.id)):
            keys = index[id_]
            keys.discard(key)
            if not keys:
                del index[id_]
