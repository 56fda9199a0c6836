"""From values to places on paper, and the round values that an axis is labelled with."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

# Steps between labels of a time axis, and how a label is written; months and years are told apart below.
_STEPS: Final = (
    *((step * SECOND_MS, "%H:%M:%S") for step in (1, 5, 15, 30)),
    *((step * MINUTE_MS, "%H:%M") for step in (1, 5, 15, 30)),
    *((step * HOUR_MS, "%d %b %H:%M") for step in (1, 3, 6, 12)),
    *((step * DAY_MS, "%d %b") for step in (1, 2, 7, 14)),
)
_MONTHS: Final = (1, 3, 6, 12, 24, 60, 120, 240)


class Tick(NamedTuple):
    """A labelled value on an axis."""

    value: float
    label: str


class Scale(NamedTuple):
    """A linear map of values from `low` to `high` onto paper from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


_TELLABLE: Final = 1e-9  # share by which values have to differ, so that what lies between can be told
_LEAST: Final = 1e-300  # shares of what is smaller would be nothing


def round_values(low: float, high: float, count: int) -> list[float]:
    """Round values (1, 2, 2.5 or 5 of a power of ten apart) from just below `low` to just above `high`."""
    largest = max(abs(low), abs(high))
    if high - low <= max(largest * _TELLABLE, _LEAST):
        span = largest if largest > _LEAST else 1.0
        low, high = low - span / 2, high + span / 2
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def money_labels(values: Sequence[float]) -> list[Tick]:
    """Write money short: 1.25M, 350k, as finely as the values lie apart."""
    largest = max(map(abs, values))
    shares = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
    unit, suffix = next((one for one in shares if largest >= one[0]), (1.0, ""))
    digits = _digits([value / unit for value in values])
    return [Tick(value, f"{value / unit:,.{digits}f}{suffix if value else ''}") for value in values]


def percent_labels(values: Sequence[float]) -> list[Tick]:
    """Write shares in percent, as finely as the values lie apart."""
    digits = _digits([value * 100 for value in values])
    return [Tick(value, f"{value * 100:.{digits}f} %") for value in values]


def number_labels(values: Sequence[float]) -> list[Tick]:
    """Write numbers, as finely as the values lie apart."""
    digits = _digits(values)
    return [Tick(value, f"{value:,.{digits}f}") for value in values]


def _digits(values: Sequence[float]) -> int:
    """How many places tell the values apart."""
    for digits in range(9):
        if all(math.isclose(round(value, digits), value, rel_tol=1e-9, abs_tol=1e-12) for value in values):
            return digits
    return 9


def time_ticks(low_ms: float, high_ms: float, count: int) -> list[Tick]:
    """Round times between two, in UTC."""
    rough = (high_ms - low_ms) / count
    for step, form in _STEPS:
        if step >= rough:
            first = math.ceil(low_ms / step)
            return [
                Tick(number * step, _time(number * step).strftime(form))
                for number in range(first, math.floor(high_ms / step) + 1)
            ]
    months = next((one for one in _MONTHS if one * 30 * DAY_MS >= rough), _MONTHS[-1])
    return _month_ticks(low_ms, high_ms, months)


def _month_ticks(low_ms: float, high_ms: float, months: int) -> list[Tick]:
    begin, end = _time(low_ms), _time(high_ms)
    first = -(-(begin.year * 12 + begin.month - 1) // months) * months
    last = end.year * 12 + end.month - 1
    ticks = []
    for number in range(first, last + 1, months):
        moment = datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        value = moment.timestamp() * 1000
        if low_ms <= value <= high_ms:
            ticks.append(Tick(value, moment.strftime("%Y" if months % 12 == 0 else "%b %Y")))
    return ticks


def _time(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
