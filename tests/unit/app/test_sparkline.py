"""Figures as characters."""

from app.cli.sparkline import sparkline


def test_the_smallest_is_lowest_and_the_largest_highest() -> None:
    """Eight levels."""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([7.0, 0.0]) == "█▁"


def test_of_many_the_last_of_each_stretch_is_shown() -> None:
    """So the newest is always there."""
    assert sparkline([0.0] * 99 + [1.0], 4) == "▁▁▁█"


def test_what_never_moved_is_flat() -> None:
    """And nothing is nothing."""
    assert sparkline([5.0] * 3) == "▄▄▄"
    assert sparkline([]) == ""
