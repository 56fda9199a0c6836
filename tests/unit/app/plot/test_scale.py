"""Axes by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plot.scale import (
    DAY_MS,
    HOUR_MS,
    Scale,
    money_labels,
    number_labels,
    percent_labels,
    round_values,
    time_ticks,
)

YEAR_2020: float = 1_577_836_800_000


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [
        (0, 9.3, [0, 2, 4, 6, 8, 10]),
        (-0.011, 0.02, [-0.02, -0.01, 0, 0.01, 0.02]),
        (1_000_000, 2_929_240, [1_000_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000]),
        (5, 5, [2, 3, 4, 5, 6, 7, 8]),
        (0, 0, [-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6]),
        (0.0, 5e-324, [-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6]),  # too close to tell apart
    ],
)
def test_an_axis_has_round_values_around_what_it_shows(low: float, high: float, values: list[float]) -> None:
    """1, 2, 2.5 or 5 of a power of ten apart; where all is one value, some room around it."""
    assert round_values(low, high, 5) == pytest.approx(values)


@given(low=st.floats(-1e12, 1e12), span=st.floats(0, 1e12), count=st.integers(2, 30))
def test_round_values_enclose_and_are_not_too_many(low: float, span: float, count: int) -> None:
    """Nothing is drawn outside; up to rounding there are at most two more than asked for."""
    high = low + span

    values = round_values(low, high, count)

    assert values == sorted(set(values))
    step = values[1] - values[0]
    assert values[0] <= low + step * 1e-6
    assert values[-1] >= high - step * 1e-6
    assert len(values) <= count + 3


def test_a_scale_maps_its_ends_to_the_ends() -> None:
    """Upwards on paper is downwards in numbers."""
    scale = Scale(0.0, 10.0, 200.0, 20.0)

    assert [scale(0.0), scale(5.0), scale(10.0)] == [200.0, 110.0, 20.0]


def test_labels_tell_values_apart_and_no_more() -> None:
    """With units, short."""
    assert [tick.label for tick in money_labels([0, 500_000, 1_000_000])] == ["0.0", "0.5M", "1.0M"]
    assert [tick.label for tick in money_labels([-1500, 0, 1500])] == ["-1.5k", "0.0", "1.5k"]
    assert [tick.label for tick in percent_labels([-0.025, 0, 0.025])] == ["-2.5 %", "0.0 %", "2.5 %"]
    assert [tick.label for tick in number_labels([0, 20, 40])] == ["0", "20", "40"]


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (10 * 365 * DAY_MS, ["2020", "2022", "2024", "2026", "2028"]),
        (200 * DAY_MS, ["Jan 2020", "Feb 2020", "Mar 2020", "Apr 2020", "May 2020", "Jun 2020", "Jul 2020"]),
        (6 * DAY_MS, ["01 Jan", "02 Jan", "03 Jan", "04 Jan", "05 Jan", "06 Jan", "07 Jan"]),
        (5 * HOUR_MS, [f"01 Jan 0{hour}:00" for hour in range(6)]),
        (2000, ["00:00:00", "00:00:01", "00:00:02"]),
    ],
)
def test_times_are_labelled_by_how_far_they_lie_apart(span: float, labels: list[str]) -> None:
    """From seconds to years, in UTC."""
    ticks = time_ticks(YEAR_2020, YEAR_2020 + span, 7)

    assert [tick.label for tick in ticks] == labels


@given(low=st.integers(0, 4 * 10**12), span=st.integers(1000, 10**12))
def test_ticks_of_time_lie_within_and_in_order(low: int, span: int) -> None:
    """And there are never so many that they would run into each other."""
    ticks = [tick.value for tick in time_ticks(low, low + span, 7)]

    assert ticks == sorted(ticks)
    assert all(low <= tick <= low + span for tick in ticks)
    assert len(ticks) <= 10
    assert all(math.isfinite(tick) for tick in ticks)
