"""The arithmetic of `make security-timing`: what is within a tenth, and what is told of each row."""

import pytest

from bench.pairs import Times, p90
from bench.timing import text


def times(known: float, unknown: float) -> Times:
    """Three pairs around these medians; one answer in three was very late."""
    return Times([known - 1, known, 9999], [9999, unknown, unknown - 1])


@pytest.mark.parametrize(
    ("known", "unknown", "within"),
    [(250, 250, True), (275, 250, True), (276, 250, False), (250, 275, True), (250, 276, False), (7, 177, False)],
)
def test_medians_may_differ_by_a_tenth_of_the_smaller_one(known: float, unknown: float, *, within: bool) -> None:
    assert times(known, unknown).within is within


def test_a_row_with_an_answer_that_should_not_be_is_not_within() -> None:
    broken = times(250, 250)
    broken.wrong[503] += 2
    assert not broken.within
    assert "VOID: 2 × 503" in text("E1", broken, times(4, 2))
    assert "VOID: 2 × 503" in text("E1", times(250, 250), broken)


def test_a_row_tells_medians_ratio_and_verdict_and_beside_them_the_work_alone() -> None:
    told = text("E1", times(250, 200), times(4, 2)).split()
    assert told == ["E1", "250.0", "9999.0", "200.0", "9999.0", "1.25", "MISSED", "4.0", "2.0", "2.00"]


def test_nine_of_ten_do_not_exceed_the_ninetieth_percentile() -> None:
    assert [p90(list(range(1, size + 1))) for size in (1, 9, 10, 11, 100)] == [1, 9, 9, 10, 90]
