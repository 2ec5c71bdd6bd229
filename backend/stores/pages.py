"""Reading long lists a page at a time, at a cost that does not grow with how deep one reads (keyset paging)."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, Self, TypeVar
from uuid import UUID

from backend.errors import InvalidCursor
from backend.texts import storable

T = TypeVar("T")

_BY_MOMENT: Final = frozenset({"created_at", "last_login"})


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
        return _encoded(f"{self.at.isoformat()} {self.id}")


@dataclass(frozen=True)
class ListPosition:
    """A row's place in a list that can be sorted by different columns; it is good for the same order only."""

    order: str
    id: UUID
    moment: datetime | None = None
    text: str | None = None

    @classmethod
    def of(cls, by: str, value: object, id_: UUID, *, descending: bool) -> Self:
        """Note the place of a row that has this value in the column the list is sorted by."""
        order = _order(by, descending=descending)
        if isinstance(value, datetime):
            return cls(order, id_, moment=value if value.tzinfo else value.replace(tzinfo=UTC))
        return cls(order, id_, text=str(value))

    @classmethod
    def read(cls, cursor: str | None, by: str, *, descending: bool) -> Self | None:
        """Read a cursor; None and the empty text are the beginning.

        Raises:
            InvalidCursor: it is not one that `ListPosition.cursor` wrote for this order.
        """
        if not cursor:
            return None
        try:
            order, id_, moment, text = json.loads(_decoded(cursor))
            at = datetime.fromisoformat(moment) if moment is not None else None
            place = cls(order, UUID(id_), at.astimezone(UTC) if at else None, text)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            raise InvalidCursor from None
        by_moment = by in _BY_MOMENT
        sound = place.moment is not None if by_moment else isinstance(text, str) and storable(text)
        if not sound or order != _order(by, descending=descending) or (at and at.tzinfo is None):
            raise InvalidCursor
        return place

    def cursor(self) -> str:
        """Write the place as the opaque text that clients hand back."""
        return _encoded(json.dumps([self.order, str(self.id), self.moment and self.moment.isoformat(), self.text]))


def position(cursor: str | None) -> Position | None:
    """Read a cursor; None and the empty text are the beginning.

    Raises:
        InvalidCursor: it is not one that `Position.cursor` wrote.
    """
    if not cursor:
        return None
    try:
        at, _, id_ = _decoded(cursor).partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise InvalidCursor
        return Position(moment.astimezone(UTC), UUID(id_))
    except (ValueError, OverflowError, binascii.Error):
        raise InvalidCursor from None


def _order(by: str, *, descending: bool) -> str:
    return f"{by} {'desc' if descending else 'asc'}"


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decoded(cursor: str) -> str:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
