"""
Where a scope (agent, farm or wallet) stands: its equity, and what it is measured against.

Rules kept here:

1. Profit changes equity; a flow (money moved in or out) changes equity and scales everything the equity is
   measured against by the same factor. So moving money is never profit, and never a loss.
2. The peak and the openings of the day and of the bin are integers of 1e-16 (``SCALE`` per unit of money), so
   that scaling costs no precision and a limit is compared exactly.
3. While a scope is empty its measures wait at the equity it had (``anchor``) and are scaled to what it gets
   next: an agent that was emptied keeps its drawdown.
4. A new high becomes the peak at once. Until it has lasted for the time of smoothing, what of it is only
   marked can be taken back (`take_back_peak`): no loss is measured from a price that did not last.
5. Equities a scope fell from are kept for a window of time, one for each of ``BUCKETS`` parts of it at most,
   each lower than the one before: what is higher and later hides what is lower and earlier.
6. Bins are closed when a scope is next looked at: between two looks its equity did not change, so the bins
   in between returned nothing.
"""

from dataclasses import dataclass
from typing import Final

from domain.money import divide
from domain.rules import DAY_MS

SCALE: Final = 10**8
BUCKETS: Final = 60  # parts of a window


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
    streak: int = 0  # losing fills in a row, where a rule limits them
    # Equities fallen from within the window, in 1e-16, each with the start of the part of the window in which
    # it was last held; where a rule limits the loss within it.
    highs: list[tuple[int, int]] | None = None
    doubt: int = 0  # money that marks took lately: of a loss that made the colour worse, and since
    doubt_at: int | None = None  # stream time of that
    reached: int | None = None  # stream time since when a limit is reached, but not without the doubt
    peak_at: int = 0  # stream time of the first of the highs that may still be taken back
    firm_peak: int = 0  # the peak without them
    squared_profit: int = 0  # sum of the squares of what each closing fill brought, in 1e-16
    # Between these two equities no colour changes and no peak rises; see `domain.breakers.calm`.
    calm_low: int = 0
    calm_high: int = -1  # below the other: not known
    peak_floor: int = -1  # the peak is not below this, in money, so that most fills need not compare exactly


DERIVED: Final = ("calm_low", "calm_high", "peak_floor")


def flow(standing: Standing, amount: int) -> None:
    """Add money that was moved in, or out if it is negative."""
    before = standing.anchor or standing.equity
    was_empty = standing.equity <= 0
    standing.equity += amount
    standing.calm_high = standing.peak_floor = -1
    after = standing.equity
    if after <= 0:
        if not was_empty:
            standing.anchor = before
        return
    if before <= 0:
        # Never funded, or lost to the last unit: what it was measured against is gone too.
        standing.peak_equity = standing.day_open_equity = standing.bin_open_equity = after * SCALE
        standing.peak_at, standing.firm_peak, standing.highs = 0, 0, None
    else:
        standing.peak_equity = divide(standing.peak_equity * after, before)
        standing.day_open_equity = divide(standing.day_open_equity * after, before)
        standing.bin_open_equity = divide(standing.bin_open_equity * after, before)
        standing.firm_peak = divide(standing.firm_peak * after, before)
        if standing.highs:
            standing.highs = [(until, divide(high * after, before)) for until, high in standing.highs]
    standing.anchor = 0


def effective_equity(standing: Standing) -> int:
    """Equity to measure, in 1e-16: of an empty scope, what it had."""
    return (standing.anchor or standing.equity) * SCALE


def drawdown(standing: Standing) -> float:
    """Loss since the peak as a share of it, 0 to 1 (above 1 when overdrawn)."""
    equity, peak = effective_equity(standing), standing.peak_equity
    return (peak - equity) / peak if equity < peak and peak > 0 else 0.0


def trading_pnl(standing: Standing) -> int:
    """Profit from trading: realised and unrealised, less fees. No money that was moved is in it."""
    return standing.realized_pnl + standing.unrealized_pnl - standing.fees


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


def raise_peak(standing: Standing, now_ms: int, smoothing_ms: int) -> None:
    """Take the equity, which is higher than the peak, for the new peak."""
    scaled = standing.equity * SCALE
    if now_ms - standing.peak_at >= smoothing_ms:
        standing.peak_at, standing.firm_peak = now_ms, standing.peak_equity
    earned = scaled - max(standing.unrealized_pnl, 0) * SCALE
    standing.firm_peak = max(standing.firm_peak, earned)
    standing.peak_equity = scaled
    standing.peak_floor = standing.equity


def take_back_peak(standing: Standing, now_ms: int, smoothing_ms: int) -> bool:
    """
    Lower a peak to what of it has lasted or was earned; return whether that changed it.

    A high counts for good when it is ``smoothing_ms`` old, or at most twice that where higher ones followed.
    """
    firm = max(standing.firm_peak, effective_equity(standing))
    if now_ms - standing.peak_at >= 2 * smoothing_ms or firm >= standing.peak_equity:
        return False
    standing.peak_equity = firm
    standing.peak_floor = -1
    return True


def doubt(standing: Standing, loss: int, now_ms: int) -> None:
    """Hold a loss by marks for one that a better price may undo; a negative one undoes some."""
    standing.doubt += loss
    if standing.doubt_at is None:
        standing.doubt_at = now_ms
    if standing.doubt <= 0:
        believe(standing)


def believe(standing: Standing) -> None:
    """Hold every loss for one that will not go away by itself."""
    standing.doubt, standing.doubt_at, standing.reached = 0, None, None


def count_streak(standing: Standing, net: int, limit: int) -> None:
    """Count a closing fill by its profit net of its fee; one that breaks even is neither win nor loss."""
    before = standing.streak
    if net < 0:
        standing.streak = before + 1
    elif net > 0:
        standing.streak = 0
    # Below half of the limit it has no colour.
    if 2 * max(before, standing.streak) >= limit:
        standing.calm_high = -1


def window_start(now_ms: int, window_ms: int) -> int:
    """Return where the window that ends now begins: with the part of it that ``now_ms - window_ms`` is in."""
    part = window_ms // BUCKETS
    return (now_ms - window_ms) // part * part


def window_end(until_ms: int, window_ms: int) -> int:
    """Return the first time whose window no longer holds the part that begins at ``until_ms``."""
    return until_ms + window_ms // BUCKETS + window_ms


def note_fall(standing: Standing, before: int, now_ms: int, window_ms: int) -> bool:
    """
    Keep the equity that a scope has just fallen from; return whether it is the highest of the window.

    ``before`` is money.
    """
    if standing.anchor:
        return False
    part = window_ms // BUCKETS
    bucket, high = now_ms // part * part, before * SCALE
    highs = standing.highs
    if highs is None:
        highs = standing.highs = []
    while highs and highs[-1][1] <= high:
        highs.pop()
    if highs and highs[-1][0] == bucket:
        return False  # within one part the higher one outlasts this one
    highs.append((bucket, high))
    start = window_start(now_ms, window_ms)
    while highs[0][0] < start:
        del highs[0]
    return len(highs) == 1


def window_high(standing: Standing, start: int) -> tuple[int, int] | None:
    """Return the highest equity fallen from since a time, after when it was; None if there is none."""
    return next((kept for kept in standing.highs or () if kept[0] >= start), None)


def rebase(standing: Standing) -> None:
    """Measure from here on: after a stop was lifted, the loss that led to it is history."""
    equity = max(effective_equity(standing), 0)
    standing.peak_equity = equity
    standing.day_open_equity = equity
    standing.streak, standing.highs = 0, None
    standing.peak_at, standing.firm_peak = 0, 0
    believe(standing)
    standing.calm_high = standing.peak_floor = -1
