"""Which audit records a list holds, and how they are read: newest first, along an index, at a cost that has a bound.

Each condition has an index that is sorted by time. A single condition is read from its index. Where there are several,
one index leads, and the others are checked row by row, for `REACH` records at most. The index that gets farthest back
in time with that many records leads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, literal, select, tuple_, union_all
from sqlmodel import col

from backend.models import AuditEvent
from backend.stores.pages import Position

REACH: Final = 10_000
"""Records that one page looks at where it has to look at each."""
_FIRST: Final = UUID(int=0)


@dataclass(frozen=True)
class WantedRecords:
    """Which records a list holds; None is no condition. There is at least one action."""

    actions: frozenset[str] | None = None
    actor_id: UUID | None = None
    target_id: UUID | None = None
    ip_address: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def ways(self) -> "list[Way]":
        """Return the indexes that can lead: one for each condition, or that of time where there is none."""
        asked = {"target_id": self.target_id, "actor_id": self.actor_id, "ip_address": self.ip_address}
        ways = [Way(name, (value,)) for name, value in asked.items() if value is not None]
        ways += [Way("action", tuple(sorted(self.actions)))] if self.actions else []
        return ways or [Way()]

    def below(self, place: Position | None) -> Position | None:
        """Return the place that all records stand below; `place` is where the page before ended."""
        ends = [place, Position(self.before, _FIRST) if self.before else None]
        return min((end for end in ends if end), key=_order, default=None)


@dataclass(frozen=True)
class Way:
    """An index of the audit, and what it leads to: the records with these values in its column, or all of them."""

    name: str | None = None
    values: tuple[Any, ...] = (None,)

    def lanes(self, below: Position | None, *columns: str) -> list[Select[Any]]:
        """Return one walk for each value, newest first.

        Its ends are places in the whole index, and no equality: that would let PostgreSQL walk through all records by
        time, as if those that are wanted were spread evenly. It has none in time either, which PostgreSQL would not
        stop at: whoever walks has to count.
        """
        return [self._lane(value, below, columns) for value in self.values]

    def _lane(self, value: Any, below: Position | None, names: Sequence[str]) -> Select[Any]:  # noqa: ANN401
        lead = [_column(self.name)] if self.name else []
        values = [value] if lead else []
        key = [*lead, _column("at"), _column("id")]
        upper = [tuple_(*key) < (*values, below.at, below.id)] if below else [one <= value for one in lead]
        query = select(*map(_column, names)).where(*upper, *(one >= value for one in lead))
        return query.order_by(*(one.desc() for one in key))


@dataclass(frozen=True)
class Walk:
    """A walk along one way, up to an edge; None: up to its end. `each` is how many records it takes of each value."""

    way: Way
    each: int
    edge: Position | None = None

    def newest(self, wanted: WantedRecords, below: Position | None, most: int) -> Select[Any]:
        """Return ids and times of the newest records that are wanted."""
        others = [way for way in wanted.ways() if way.name and way.name != self.way.name]
        met = _joined([lane.limit(self.each) for lane in self.way.lanes(below, "id", "at", *_names(others))])
        query = select(met.c.id, met.c.at).where(*(met.c[way.name].in_(way.values) for way in others))
        if wanted.since:
            query = query.where(met.c.at >= wanted.since)
        if self.edge:
            query = query.where(tuple_(met.c.at, met.c.id) >= (self.edge.at, self.edge.id))
        return query.order_by(met.c.at.desc(), met.c.id.desc()).limit(most)


def edges(ways: Sequence[Way], below: Position | None, reach: int) -> Select[Any]:
    """Look where so many records along each way end: the way's name, and a place; no row where it has fewer."""
    found = []
    for way in ways:
        for lane in way.lanes(below, "at", "id"):
            end = lane.offset(_share(way, reach) - 1).limit(1).subquery()
            found.append(select(literal(way.name).label("way"), end.c.at, end.c.id))
    ends = union_all(*found).subquery()
    return select(ends.c.way, ends.c.at, ends.c.id)


def farthest(ways: Sequence[Way], found: Mapping[str, Sequence[Position]], since: datetime | None, reach: int) -> Walk:
    """Choose the way that gets farthest back, by the edges of each, or to its end."""
    best: Walk | None = None
    for way in ways:
        edge = max(found.get(way.name or "", ()), key=_order, default=None)
        walk = Walk(way, _share(way, reach), edge if edge and not (since and edge.at < since) else None)
        if best is None or _order(walk.edge) < _order(best.edge):
            best = walk
    if best is None:
        raise ValueError("no way")
    return best


def _column(name: str) -> Any:  # noqa: ANN401  # a column of any type
    return col(getattr(AuditEvent, name))


def _names(ways: Sequence[Way]) -> list[str]:
    return [way.name for way in ways if way.name]


def _share(way: Way, reach: int) -> int:
    return max(1, reach // len(way.values))


def _joined(lanes: Sequence[Select[Any]]) -> Any:  # noqa: ANN401  # a subquery of any columns
    if len(lanes) == 1:
        return lanes[0].subquery()
    return union_all(*(select(lane.subquery()) for lane in lanes)).subquery()


def _order(place: Position | None) -> tuple[Any, ...]:
    return (place.at, place.id) if place else ()
