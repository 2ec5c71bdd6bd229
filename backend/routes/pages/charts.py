"""From numbers to a picture: where bars, points, lines and labels stand. Nothing here knows what is counted.

Across, everything is in percent of the width, which the page decides; up and down in pixels, from the top. So text
keeps its size on every screen, and no label is ever stretched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

HEIGHT: Final = 160
"""Pixels between the highest tick and the base line."""
TOP: Final = 20
"""Pixels above the highest tick, for a label on a bar that reaches it."""
BASE: Final = TOP + HEIGHT
"""Where the base line is."""
_LEAST: Final = 2.0
"""Height in pixels of the smallest number above 0."""
_STEPS: Final = 4
_ROUND: Final = (1, 2, 5, 10)
_SHARE: Final = 0.7
"""How much of its place a bar fills."""
_WIDEST: Final = 14.0
"""Percent of the picture that the widest bar fills: a few bars do not become walls."""
_LABELS: Final = 7
_EDGE: Final = 6.0
_FEW: Final = 7
_SOME: Final = 12
"""So many bars have room for their number above them, on a phone and on a desk."""
_UNITS: Final = ("k", "M", "bn", "tn")
_SHORT: Final = 10_000
_THOUSAND: Final = 1000
_WHOLE: Final = 9.95
"""From here on a shortened number has no decimal."""


@dataclass(frozen=True)
class Column:
    """What a picture shows at one place: a label, a bar's parts from the bottom up, whether it is final, and known."""

    label: str
    parts: Sequence[int]
    complete: bool = True
    known: bool = True

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(self.parts)


@dataclass(frozen=True)
class Tick:
    """A round number and its height."""

    y: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A label below the picture; `wide` ones are left out on a phone. `anchor` is SVG's `text-anchor`."""

    x: float
    label: str
    anchor: str
    wide: bool


@dataclass(frozen=True)
class Part:
    """A part of a bar; `layer` tells which, from 0."""

    layer: int
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """All at one place: its box, its middle, the top of what it shows, its parts, and its number if there is room.

    Nothing is to be drawn where nothing is `known`, not even that it was nothing.
    """

    left: float
    x: float
    width: float
    middle: float
    top: float
    parts: Sequence[Part]
    complete: bool
    known: bool
    label: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Line:
    """From the top of one bar to that of the next; what is not final yet is not `complete`."""

    from_x: float
    from_y: float
    to_x: float
    to_y: float
    complete: bool


@dataclass(frozen=True)
class Picture:
    """Everything there is to draw; `place` is the width that each column has, in percent."""

    place: float
    ticks: Sequence[Tick]
    marks: Sequence[Mark]
    bars: Sequence[Bar]
    lines: Sequence[Line]


def draw(columns: Sequence[Column], *, every: bool = False, joined: bool = False) -> Picture | None:
    """Draw columns side by side, or `joined` by lines; None if there is nothing to be seen.

    `every` label is shown where they are few.
    """
    highest = max((column.total for column in columns), default=0)
    if highest <= 0:
        return None
    rounds = ticks(highest)
    place = 100 / len(columns)
    bars = [_bar(number, column, place, rounds[-1], len(columns)) for number, column in enumerate(columns)]
    lines = [
        Line(one.middle, one.top, other.middle, other.top, one.complete and other.complete)
        for one, other in pairwise(bars if joined else ())
        if one.known and other.known
    ]
    scale = [Tick(_height(value, rounds[-1]), short(value)) for value in rounds]
    return Picture(place, scale, _marks(columns, place, every=every), bars, lines)


def ticks(highest: int) -> list[int]:
    """Return round whole numbers from 0 to the first that is not below the highest: five of them at most."""
    raw = max(1, -(-highest // _STEPS))
    power = 10 ** (len(str(raw)) - 1)
    step = next(times * power for times in _ROUND if times * power >= raw)
    return list(range(0, max(1, -(-highest // step)) * step + 1, step))


def short(count: int) -> str:
    """Write a number in little room: "9,870", "12 k", "1.2 M"; the space does not break."""
    if count < _SHORT:
        return f"{count:,}"
    left, unit = float(count), ""
    for unit in _UNITS:  # noqa: B007  # the unit it stops at
        left /= _THOUSAND
        if round(left) < _THOUSAND:
            break
    figures = f"{left:,.0f}" if left >= _WHOLE else f"{left:.1f}".removesuffix(".0")
    return f"{figures}\N{NO-BREAK SPACE}{unit}"


def _height(value: float, top: int) -> float:
    return round(BASE - HEIGHT * value / top, 1)


def _bar(number: int, column: Column, place: float, top: int, of: int) -> Bar:
    width, middle, y = min(_SHARE * place, _WIDEST), (number + 0.5) * place, float(BASE)
    parts = []
    for layer, value in enumerate(column.parts):
        if value > 0:
            height = max(_LEAST, round(HEIGHT * value / top, 1))
            y = round(y - height, 1)
            parts.append(Part(layer, y, height))
    label = short(column.total) if parts and of <= _SOME else ""
    left, x = round(number * place, 3), round(middle - width / 2, 3)
    size = round(width, 3), round(middle, 3), y
    return Bar(left, x, *size, parts, column.complete, column.known, label, of > _FEW)


def _marks(columns: Sequence[Column], place: float, *, every: bool) -> list[Mark]:
    """Choose the labels that there is room for, the last one and every so many before it."""
    last = len(columns) - 1
    step = 1 if every else -(-len(columns) // _LABELS)
    marks = []
    for turn, number in enumerate(range(last, -1, -step)):
        x, anchor = round((number + 0.5) * place, 3), "middle"
        if not every and x > 100 - _EDGE:
            x, anchor = 100.0, "end"
        elif not every and x < _EDGE:
            x, anchor = 0.0, "start"
        marks.append(Mark(x, columns[number].label, anchor, wide=not every and turn % 2 == 1))
    return marks
