"""
The Williams alligator: three smoothed averages of the day's middle, each drawn some days into the future.

Lips above teeth above jaw means that the alligator has woken up and eats upwards: be long. Lines that
cross or come together mean that it has had enough: be out.

Source: Bill Williams, *New Trading Dimensions* (1998): jaw 13 days shifted by 8, teeth 8 by 5, lips 5 by 3,
on the median price (high + low) / 2.
"""

from collections import deque

from examples.fleet.strategies.bar import Bar, Signal


class SmoothedAverage:
    """
    Wilder's smoothing, shifted: first the mean of `length` values, then each value moves it by 1/length.

    `value` is what was computed `shift` values ago, None until there is one.
    """

    def __init__(self, length: int, shift: int) -> None:
        self._length = length
        self._first: list[float] = []
        self._current: float | None = None
        self._shifted: deque[float] = deque(maxlen=shift + 1)

    def add(self, value: float) -> None:
        """Take in the next value."""
        if self._current is None:
            self._first.append(value)
            if len(self._first) < self._length:
                return
            self._current = sum(self._first) / self._length
        else:
            self._current += (value - self._current) / self._length
        self._shifted.append(self._current)

    @property
    def value(self) -> float | None:
        """The average as it is drawn today."""
        return self._shifted[0] if len(self._shifted) == self._shifted.maxlen else None


class Alligator:
    """Long while lips > teeth > jaw."""

    def __init__(self) -> None:
        self._jaw = SmoothedAverage(13, 8)
        self._teeth = SmoothedAverage(8, 5)
        self._lips = SmoothedAverage(5, 3)

    def signal(self, bar: Bar, *, holding: bool) -> Signal:
        """Move the three lines on and look at their order; no signal until all three are there."""
        for line in (self._jaw, self._teeth, self._lips):
            line.add((bar.high + bar.low) / 2)
        jaw, teeth, lips = self._jaw.value, self._teeth.value, self._lips.value
        if jaw is None or teeth is None or lips is None:
            return Signal.HOLD
        eating = lips > teeth > jaw
        if eating == holding:
            return Signal.HOLD
        return Signal.ENTER if eating else Signal.EXIT
