"""
How much profit goes back to the master.

Rules kept here:

1. Profit is equity above the high-water mark. The mark is net of flows: it moves with every transfer, so that
   money which is given is no profit, and money which is taken is no loss.
2. After a sweep the mark stands at the equity, whatever part of the profit was taken, left as a reward or is
   still tied up: no profit is swept twice. Only profit of which nothing could be asked, for the money is
   promised elsewhere, stays above the mark.
3. What is asked for and tied up is owed, and follows as it comes free.
"""

from typing import NamedTuple

from domain.money import PARTS, divide


class Sweep(NamedTuple):
    """Money to take now, money that is owed until it comes free, and money that stays as a reward."""

    taken: int
    owed: int
    reward: int


def sweep_profit(equity: int, high_water: int, free: int, share: float, reward: float = 0.0) -> Sweep:
    """
    Ask for a share of the profit above the high-water mark.

    Args:
        equity: of the agent, money.
        high_water: its mark, money.
        free: what of its money can move; below zero when it is overdrawn.
        share: of the profit, 0 to 1.
        reward: share of that share that stays with the agent, 0 to 1.

    """
    due = _part(max(equity - high_water, 0), share)
    kept = _part(due, reward)
    return _asked(due - kept, free, kept)


def sweep_all(equity: int, high_water: int, free: int, reward: float = 0.0) -> Sweep:
    """Ask for everything but the reward, which is a share of the profit. Takes what `sweep_profit` takes."""
    kept = _part(max(equity - high_water, 0), reward)
    return _asked(max(equity - kept, 0), free, kept)


def unsettled(equity: int, high_water: int, asked: int, share: float, reward: float = 0.0) -> int:
    """
    Profit of which a sweep asked nothing: that of which the share is what it should have asked for beyond.

    Args:
        equity: before it.
        high_water: the mark before it.
        asked: what was asked for, be it taken or owed.
        share: of the profit, 0 to 1; 1 for a sweep of everything.
        reward: share of that share that stays with the agent, and is settled.

    """
    profit = max(equity - high_water, 0)
    due = _part(profit, share)
    missed = due - _part(due, reward) - asked
    # A share is rounded, so what is missed may be that of a little more than there is.
    return min(divide(missed * PARTS, round(share * PARTS)), profit) if missed > 0 else 0


def _asked(amount: int, free: int, reward: int) -> Sweep:
    taken = min(amount, max(free, 0))
    return Sweep(taken, amount - taken, reward)


def _part(amount: int, share: float) -> int:
    """Share of an amount of money, rounded half to even; the share counts in steps of 1e-9."""
    return divide(amount * round(share * PARTS), PARTS)
