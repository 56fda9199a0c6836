"""
The Darvas box: buy when the price leaves its box upwards, stop at the bottom of the box.

A high that is not passed for three days is the top of a box. The lowest low from then on that is not
undercut for three days is its bottom. A close above the top is the signal to buy; boxes that pile up
on each other pull the stop up with them, never down.

Source: Nicolas Darvas, *How I Made $2,000,000 in the Stock Market* (1960). He bought within the day, at the
top plus a fraction, and looked at volume and earnings too; here the close decides, and only the price.
"""

from enum import Enum, auto

from examples.fleet.strategies.bar import Bar, Signal


class _Phase(Enum):
    TOP = auto()  # looking for a high that holds
    BOTTOM = auto()  # the top holds; looking for a low that holds
    BOX = auto()  # both hold; waiting for the price to leave


class DarvasBox:
    """Long from a close above the box until a close below the highest bottom since."""

    def __init__(self, days: int = 3) -> None:
        self._days = days
        self._phase = _Phase.TOP
        self._top = 0.0
        self._bottom = 0.0
        self._held_for = 0  # days that the top, or then the bottom, has stood
        self._stop = 0.0

    @property
    def box(self) -> tuple[float, float] | None:
        """Bottom and top, once both stand."""
        return (self._bottom, self._top) if self._phase is _Phase.BOX else None

    def signal(self, bar: Bar, *, holding: bool) -> Signal:
        """Compare the close with box and stop, then go on drawing."""
        signal = Signal.HOLD
        if holding and bar.close < self._stop:
            signal = Signal.EXIT
        elif not holding and self._phase is _Phase.BOX and bar.close > self._top:
            signal = Signal.ENTER
            self._stop = self._bottom
        self._draw(bar)
        if holding and self._phase is _Phase.BOX:
            self._stop = max(self._stop, self._bottom)
        return signal

    def _draw(self, bar: Bar) -> None:
        if self._phase is _Phase.BOX:
            # A spike that does not close outside leaves the box as it is.
            if not self._bottom <= bar.close <= self._top:
                self._look_for_top(bar)
        elif bar.high > self._top:
            self._look_for_top(bar)
        elif self._phase is _Phase.TOP:
            self._bottom = min(self._bottom, bar.low)
            self._held_for += 1
            if self._held_for == self._days:
                self._phase, self._held_for = _Phase.BOTTOM, 0
        elif bar.low < self._bottom:
            self._bottom, self._held_for = bar.low, 0
        else:
            self._held_for += 1
            if self._held_for == self._days:
                self._phase = _Phase.BOX

    def _look_for_top(self, bar: Bar) -> None:
        self._phase, self._held_for = _Phase.TOP, 0
        self._top, self._bottom = bar.high, bar.low
