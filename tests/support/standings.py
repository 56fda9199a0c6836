"""What scopes earn and have lost, by what the product keeps and reads."""

from domain.breakers import Limits, Measure, read
from domain.standing import SCALE, Standing, raise_peak


def gain(standing: Standing, amount: int) -> None:
    """Have a scope earn a profit, or a loss if it is negative, which nobody doubts."""
    standing.equity += amount
    if standing.equity * SCALE > standing.peak_equity and not standing.anchor:
        raise_peak(standing, now_ms=0, smoothing_ms=0)


def daily_loss(standing: Standing) -> float:
    """Loss since the day opened as a breaker reads it, of which the least is too much."""
    return read(standing, Limits(drawdown=0, daily_loss=1), told=Measure.DAILY_LOSS).value
