"""Pictures of numbers: whatever the numbers are, everything stands where it can be drawn, seen and read."""

import math
from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from backend.routes.pages.charts import BASE, TOP, Column, Picture, draw, short, ticks

EXTREMES = st.one_of(st.sampled_from([0, 1, 9, 10**6, 10**12, 10**18]), st.integers(0, 10**18))
COLUMNS = st.lists(
    st.builds(Column, st.just("21 Nov"), st.lists(EXTREMES, min_size=1, max_size=3), st.booleans(), st.booleans()),
    max_size=90,
)


def _numbers(picture: Picture) -> Iterator[tuple[str, float]]:
    for bar in picture.bars:
        yield from (("x", one) for one in (bar.left, bar.x, bar.width, bar.middle, bar.x + bar.width))
        yield "y", bar.top
        yield from (("y", one) for part in bar.parts for one in (part.y, part.y + part.height))
    for line in picture.lines:
        yield from (("x", line.from_x), ("x", line.to_x), ("y", line.from_y), ("y", line.to_y))
    yield from (("x", mark.x) for mark in picture.marks)
    yield from (("y", tick.y) for tick in picture.ticks)


@given(COLUMNS)
def test_everything_stands_within_the_picture(columns: list[Column]) -> None:
    picture = draw(columns, joined=True)
    if not any(column.total for column in columns):
        assert picture is None
        return
    assert picture is not None
    assert len(picture.bars) == len(columns)
    for axis, number in _numbers(picture):
        assert math.isfinite(number)
        assert (0 <= number <= 100) if axis == "x" else (TOP - 6 <= number <= BASE + 0.01), (axis, number)
    for column, bar in zip(columns, picture.bars, strict=True):
        assert [part.layer for part in bar.parts] == [layer for layer, one in enumerate(column.parts) if one]
        assert all(part.height >= 2 for part in bar.parts)  # what there is can be seen beside a million
        assert (bar.complete, bar.known) == (column.complete, column.known)


@given(EXTREMES)
def test_ticks_are_round_few_and_hold_the_highest(highest: int) -> None:
    found = ticks(highest)
    steps = {later - one for one, later in pairwise(found)}
    assert 2 <= len(found) <= 5
    assert found[0] == 0 <= highest <= found[-1]
    assert len(steps) == 1
    assert str(steps.pop()).rstrip("0") in {"1", "2", "5"}
    assert highest == 0 or found[-2] < highest


def test_ticks_are_those_a_person_would_draw() -> None:
    assert [ticks(highest) for highest in (1, 3, 10, 1234)] == [
        *([0, 1], [0, 1, 2, 3], [0, 5, 10]),
        [0, 500, 1000, 1500],
    ]


def test_large_numbers_are_short() -> None:
    numbers = [0, 9_999, 10_000, 12_345, 999_499, 999_500, 1_200_000, 25_000_000, 10**9, 10**12, 10**15]
    assert [short(number).replace("\N{NO-BREAK SPACE}", " ") for number in numbers] == [
        *("0", "9,999", "10 k", "12 k", "999 k", "1 M", "1.2 M", "25 M", "1 bn", "1 tn", "1,000 tn"),
    ]


def test_labels_fit_on_a_phone() -> None:
    for length in (5, 7, 12, 30, 52, 90):
        picture = draw([Column(f"{number} Nov", [1]) for number in range(length)])
        assert picture
        shown = [mark for mark in picture.marks if not mark.wide]
        assert picture.marks[0].label == f"{length - 1} Nov"  # today, always
        assert len(picture.marks) <= 7
        assert len(shown) <= 4
        assert all(abs(one.x - other.x) >= 20 for one, other in pairwise(shown))


def test_what_is_not_known_joins_nothing() -> None:
    columns = [Column("a", [0], known=False), Column("b", [4]), Column("c", [2], complete=False)]
    picture = draw(columns, joined=True)
    assert picture
    assert [(line.from_x < line.to_x, line.complete) for line in picture.lines] == [(True, False)]
    assert [bar.label for bar in picture.bars] == ["", "4", "2"]


def test_one_column_is_no_wall() -> None:
    picture = draw([Column("today", [3])])
    assert picture
    assert (picture.bars[0].width, picture.bars[0].middle, picture.lines) == (14, 50, [])
