"""
Where a scope (agent, farm or wallet) stands: its equity, and what it is measured against.

Rules kept here:

1. Profit changes equity; a flow (money moved in or out) changes equity and scales everything the equity is
   measured against by the same factor. So moving money is never profit, and never a loss.
2. The peak and the openings of the day and of the bin are integers of 1e-16 (``SCALE`` per unit of money), so
   that scaling costs no precision and a limit is compared exactly.
3. While a scope is empty its measures wait at the equity it had (``anchor``) and are scaled to what it gets
   next: an agent that was emptied keeps its drawdown.
4. Bins are closed when a scope is next looked at: between two looks its equity did not change, so the bins
   in between returned nothing.
"""

from dataclasses import dataclass
from typing import Final

from domain.money import divide
from domain.rules import DAY_MS

SCALE: Final = 10**8


# A dataclass with slots, because every fill changes some thirty of these and setting a slot costs less than
# setting a struct's field.
@dataclass(slots=True, kw_only=True, eq=False)
class Standing:
    """Running figures of a scope. Money in 1e-8, the measures in 1e-16."""

    equity: int = 0
    peak_equity: int = 0
    day: int = 0  # days since 1970, of the day that is open
    day_open_equity: int = 0
    bin: int = 0  # bins since 1970, of the bin that is open
    bin_open_equity: int = 0
    anchor: int = 0
    realized_pnl: int = 0
    unrealized_pnl: int = 0
    fees: int = 0
    trades: int = 0  # fills applied
    closed: int = 0  # fills that realised a profit or loss
    wins: int = 0
    losses: int = 0
    gross_profit: int = 0
    gross_loss: int = 0
    squared_profit: int = 0  # sum of the squares of what each closing fill brought, in 1e-16
    # Between these two equities no colour changes and no peak rises; see `domain.breakers.calm`.
    calm_low: int = 0
    calm_high: int = -1  # below the other: not known


DERIVED: Final = ("calm_low", "calm_high")


def gain(standing: Standing, amount: int) -> None:
    """Add a profit, or a loss if it is negative."""
    standing.equity += amount
    scaled = standing.equity * SCALE
    if scaled > standing.peak_equity and not standing.anchor:
        standing.peak_equity = scaled


def flow(standing: Standing, amount: int) -> None:
    """Add money that was moved in, or out if it is negative."""
    before = standing.anchor or standing.equity
    was_empty = standing.equity <= 0
    standing.equity += amount
    standing.calm_high = -1
    after = standing.equity
    if after <= 0:
        if not was_empty:
            standing.anchor = before
        return
    if before <= 0:
        # Never funded, or lost to the last unit: what it was measured against is gone too.
        standing.peak_equity = standing.day_open_equity = standing.bin_open_equity = after * SCALE
    else:
        standing.peak_equity = divide(standing.peak_equity * after, before)
        standing.day_open_equity = divide(standing.day_open_equity * after, before)
        standing.bin_open_equity = divide(standing.bin_open_equity * after, before)
    standing.anchor = 0


def effective_equity(standing: Standing) -> int:
    """Equity to measure, in 1e-16: of an empty scope, what it had."""
    return (standing.anchor or standing.equity) * SCALE


def drawdown(standing: Standing) -> float:
    """Loss since the peak as a share of it, 0 to 1 (above 1 when overdrawn)."""
    return _loss(effective_equity(standing), standing.peak_equity)


def trading_pnl(standing: Standing) -> int:
    """Profit from trading: realised and unrealised, less fees. No money that was moved is in it."""
    return standing.realized_pnl + standing.unrealized_pnl - standing.fees


def daily_loss(standing: Standing) -> float:
    """Loss since the day opened as a share of what it opened with; 0 after a profit."""
    return _loss(effective_equity(standing), standing.day_open_equity)


def _loss(equity: int, reference: int) -> float:
    if reference <= 0 or equity >= reference:
        return 0.0
    return (reference - equity) / reference


def bin_return(standing: Standing) -> float:
    """Return of the open bin so far, net of flows."""
    if standing.bin_open_equity <= 0:
        return 0.0
    return effective_equity(standing) / standing.bin_open_equity - 1.0


def roll(standing: Standing, now_ms: int, bin_ms: int, bins_max: int) -> list[float]:
    """
    Open the day and the bin that a time falls into; return the returns of the bins that closed, oldest first.

    Of more bins than ``bins_max`` the newest are returned. A time before the open bin changes nothing: late
    events count into the bin that is open.
    """
    standing.calm_high = -1
    day = now_ms // DAY_MS
    if day > standing.day:
        standing.day = day
        standing.day_open_equity = effective_equity(standing)
    number = now_ms // bin_ms
    passed = number - standing.bin
    if passed <= 0:
        return []
    # A scope that was never funded has no returns yet.
    closed = closed_bins(bin_return(standing), passed, bins_max) if standing.bin_open_equity > 0 else []
    standing.bin = number
    standing.bin_open_equity = effective_equity(standing)
    return closed


def closed_bins(first: float, passed: int, bins_max: int) -> list[float]:
    """Return the returns of bins that passed: the first one's, then nothing. Of too many, the newest."""
    opened = [first] if passed <= bins_max else []
    return opened + [0.0] * min(passed - 1, bins_max)


def rebase(standing: Standing) -> None:
    """Measure from here on: after a stop was lifted, the loss that led to it is history."""
    equity = max(effective_equity(standing), 0)
    standing.peak_equity = equity
    standing.day_open_equity = equity
    standing.calm_high = -1
