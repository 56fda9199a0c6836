"""How much profit goes back to the master."""

from typing import Final, NamedTuple

from domain.money import divide

_PARTS: Final = 10**9


class Sweep(NamedTuple):
    """Money to take, and how far the high-water mark rises for it."""

    amount: int
    raised: int


def sweep(equity: int, high_water: int, share: float, free: int) -> Sweep:
    """
    Share of the profit above the high-water mark, at most what is free.

    The mark is net of flows: it moves with every transfer, so taking the amount lowers it by as much. It
    rises by the profit that was swept, so no profit is swept twice; what could not be taken now stays above
    the mark for next time.
    """
    profit = equity - high_water
    wanted = divide(profit * round(share * _PARTS), _PARTS) if profit > 0 else 0
    taken = min(wanted, max(free, 0))
    if taken <= 0:
        return Sweep(0, 0)
    return Sweep(taken, divide(profit * taken, wanted))
