"""Profit above the high-water mark is swept once."""

import pytest

from domain.collection import Sweep, sweep


@pytest.mark.parametrize(
    ("equity", "high_water", "share", "free", "expected"),
    [
        (1100, 1000, 0.5, 1100, Sweep(50, 100)),  # half of 100; all 100 count as swept
        (1100, 1000, 1.0, 1100, Sweep(100, 100)),
        (1100, 1000, 0.5, 20, Sweep(20, 40)),  # 20 of 50 are free: two fifths of 100 count
        (1100, 1000, 0.5, 0, Sweep(0, 0)),
        (1100, 1000, 0.5, -30, Sweep(0, 0)),
        (1000, 1000, 0.5, 1000, Sweep(0, 0)),
        (900, 1000, 0.5, 900, Sweep(0, 0)),
        (1100, 1000, 0.0, 1100, Sweep(0, 0)),
        (
            1001,
            1000,
            0.5,
            1001,
            Sweep(0, 0),
        ),  # half a unit, to even: it stays for later
        (1003, 1000, 0.5, 1003, Sweep(2, 3)),
        (1000, -50, 0.1, 1000, Sweep(105, 1050)),
    ],
)
def test_a_share_of_the_profit_is_swept(
    equity: int, high_water: int, share: float, free: int, expected: Sweep
) -> None:
    """At most what is free; the mark rises by the profit that was swept."""
    assert sweep(equity, high_water, share, free) == expected


def test_no_profit_is_swept_twice() -> None:
    """After a sweep the equity stands as high above the mark as it must: here at it."""
    equity, high_water = 1100, 1000

    amount, raised = sweep(equity, high_water, 0.5, equity)
    # Taking money lowers the mark by as much, for the mark is net of flows.
    equity, high_water = equity - amount, high_water - amount + raised

    assert (equity, high_water) == (1050, 1050)
    assert sweep(equity, high_water, 0.5, equity) == Sweep(0, 0)


def test_what_was_not_free_is_swept_when_it_is() -> None:
    """20 of 50 now, the other 30 later, and no more than that."""
    equity, high_water, swept = 1100, 1000, 0

    for free in (20, 0, 1080):
        amount, raised = sweep(equity, high_water, 0.5, free)
        equity, high_water, swept = equity - amount, high_water - amount + raised, swept + amount

    assert (equity, high_water, swept) == (1050, 1050, 50)
