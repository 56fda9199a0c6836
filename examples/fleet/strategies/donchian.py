"""
Channel breakout: buy a 20-day high, leave at a 10-day low.

Source: Richard Donchian's channel with the lengths of the Turtles' System 1; Curtis Faith, *Way of the
Turtle* (2007). The Turtles' position sizing, pyramiding and skipped signals are left out: how much to
trade is what the budget says.
"""

from collections import deque

from examples.fleet.strategies.bar import Bar, Signal


class Donchian:
    """Long above the highest high of `entry` days, out below the lowest low of `leave` days."""

    def __init__(self, entry: int = 20, leave: int = 10) -> None:
        self._highs: deque[float] = deque(maxlen=entry)
        self._lows: deque[float] = deque(maxlen=leave)

    def signal(self, bar: Bar, *, holding: bool) -> Signal:
        """Compare the close with the channel of the days before; no signal until the channel is full."""
        signal = Signal.HOLD
        if holding and len(self._lows) == self._lows.maxlen and bar.close < min(self._lows):
            signal = Signal.EXIT
        elif not holding and len(self._highs) == self._highs.maxlen and bar.close > max(self._highs):
            signal = Signal.ENTER
        self._highs.append(bar.high)
        self._lows.append(bar.low)
        return signal
