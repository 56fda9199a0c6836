"""Profit above the high-water mark is swept once."""

import pytest

from domain.collection import Sweep, sweep_all, sweep_profit, unsettled


@pytest.mark.parametrize(
    ("equity", "high_water", "free", "share", "expected"),
    [
        (1100, 1000, 1100, 0.5, Sweep(50, 0, 0)),  # half of 100
        (1100, 1000, 1100, 1.0, Sweep(100, 0, 0)),
        (1100, 1000, 20, 0.5, Sweep(20, 30, 0)),  # 20 of 50 are free
        (1100, 1000, 0, 0.5, Sweep(0, 50, 0)),
        (1100, 1000, -30, 0.5, Sweep(0, 50, 0)),  # overdrawn
        (1000, 1000, 1000, 0.5, Sweep(0, 0, 0)),
        (900, 1000, 900, 0.5, Sweep(0, 0, 0)),
        (-100, 0, -100, 0.5, Sweep(0, 0, 0)),
        (1100, 1000, 1100, 0.0, Sweep(0, 0, 0)),
        (1001, 1000, 1001, 0.5, Sweep(0, 0, 0)),  # half a unit, to even: it stays for later
        (1003, 1000, 1003, 0.5, Sweep(2, 0, 0)),
    ],
)
def test_a_share_of_the_profit_is_swept(
    equity: int, high_water: int, free: int, share: float, expected: Sweep
) -> None:
    """What is free at once; the rest is owed."""
    assert sweep_profit(equity, high_water, free, share) == expected


@pytest.mark.parametrize(
    ("free", "reward", "expected"),
    [
        (1100, 0.2, Sweep(40, 0, 10)),  # of the 50 that are due, a fifth stays
        (1100, 1.0, Sweep(0, 0, 50)),
        (15, 0.2, Sweep(15, 25, 10)),
        (0, 0.2, Sweep(0, 40, 10)),
    ],
)
def test_a_reward_is_a_share_of_what_would_have_been_taken(free: int, reward: float, expected: Sweep) -> None:
    """1100 with a mark of 1000, of which half is due."""
    assert sweep_profit(1100, 1000, free, 0.5, reward) == expected


@pytest.mark.parametrize(
    ("equity", "high_water", "free", "reward", "expected"),
    [
        (1100, 1000, 1100, 0.0, Sweep(1100, 0, 0)),
        (1100, 1000, 1100, 0.2, Sweep(1080, 0, 20)),  # a fifth of the profit of 100
        (1100, 1000, 800, 0.2, Sweep(800, 280, 20)),  # 300 are tied up; all but the reward is owed
        (900, 1000, 900, 0.2, Sweep(900, 0, 0)),  # no profit, no reward
        (40, 0, 100, 0.0, Sweep(40, 0, 0)),  # of 100 in cash, 60 stand against an open loss
        (1150, 1000, -50, 0.0, Sweep(0, 1150, 0)),
        (-5, 0, 0, 0.5, Sweep(0, 0, 0)),
        (0, 0, 0, 0.5, Sweep(0, 0, 0)),
    ],
)
def test_all_is_everything_but_the_reward(
    equity: int, high_water: int, free: int, reward: float, expected: Sweep
) -> None:
    """And never more than there is."""
    assert sweep_all(equity, high_water, free, reward) == expected


@pytest.mark.parametrize(
    ("asked", "share", "reward", "expected"),
    [
        (50, 0.5, 0.0, 0),  # all that is due
        (20, 0.5, 0.0, 60),  # half of 60 is the 30 that are not
        (0, 0.5, 0.0, 100),
        (20, 0.5, 0.2, 40),  # 10 stay for good, 20 are not asked for
        (40, 0.5, 0.2, 0),
        (20, 1.0, 0.0, 80),
        (900, 1.0, 0.0, 0),  # more than the profit
        (0, 0.0, 0.0, 0),  # nothing is due
        (0, 0.015, 0.0, 100),  # 1.5 to even are 2, which is a share of 133: more than there is
    ],
)
def test_profit_of_which_nothing_is_asked_is_not_settled(
    asked: int, share: float, reward: float, expected: int
) -> None:
    """1100 with a mark of 1000: a sweep of what is left would ask for the rest."""
    assert unsettled(1100, 1000, asked, share, reward) == expected


def test_without_profit_nothing_is_unsettled() -> None:
    """A loss is no profit below zero."""
    assert unsettled(900, 1000, 0, 0.5) == 0
