"""Reading long lists a page at a time, at a cost that does not grow with how deep one reads (keyset paging)."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from backend.errors import InvalidCursor

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, and the cursor that fetches the rows after them (None: there are no more)."""

    rows: Sequence[T]
    next_cursor: str | None


@dataclass(frozen=True)
class Position:
    """A row's place in an order by moment, then id."""

    at: datetime
    id: UUID

    def cursor(self) -> str:
        """Write the place as the opaque text that clients hand back."""
        return base64.urlsafe_b64encode(f"{self.at.isoformat()} {self.id}".encode()).rstrip(b"=").decode()


def position(cursor: str | None) -> Position | None:
    """Read a cursor; None and the empty text are the beginning.

    Raises:
        InvalidCursor: it is not one that `Position.cursor` wrote.
    """
    if not cursor:
        return None
    try:
        at, _, id_ = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise InvalidCursor
        return Position(moment.astimezone(UTC), UUID(id_))
    except (ValueError, OverflowError, binascii.Error):
        raise InvalidCursor from None
