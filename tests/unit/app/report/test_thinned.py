"""Series in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from app.report.thinned import Thinned


def total(before: int, after: int) -> int:
    """Merge by adding, so that nothing can be lost unseen."""
    return before + after


def test_few_rows_stay_as_they_are() -> None:
    """Two of one millisecond are one."""
    series = Thinned(4, total)
    for at, row in ((10, 1), (10, 2), (20, 3)):
        series.add(at, row)

    assert series.rows == [(10, 3), (20, 3)]


def test_too_many_rows_are_merged_by_stretches_of_time() -> None:
    """Of 0 to 8 at most four: stretches become 4 ms long."""
    series = Thinned(4, total)
    for at in range(9):
        series.add(at, 1)

    assert series.rows == [(3, 4), (7, 4), (8, 1)]


@given(waits=st.lists(st.integers(0, 10**6), min_size=1, max_size=300), most=st.integers(2, 20))
def test_whatever_comes_it_is_bounded_and_in_order(waits: list[int], most: int) -> None:
    """No row is lost, and the last time is there."""
    series, at = Thinned(most, total), 10**12
    for wait in waits:
        at += wait
        series.add(at, 1)

    rows = series.rows
    assert len(rows) <= most
    assert rows == sorted(rows)
    assert rows[-1][0] == at
    assert sum(row for _, row in rows) == len(waits)
