"""Sums between bounds, by hand and against the conditions that define a solution."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation.bounds import Infeasible, feasible_share, project, proportional_fill
from domain.allocation.types import Floats

EDGES = st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0, 1e-12, 5e-324])
BOUND = EDGES | st.floats(0, 1)


def floats(*values: float) -> Floats:
    """Make an array of floats."""
    return np.array(values, dtype=np.float64)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[Floats, Floats, float]:
    """Draw bounds, equal ones among them, and a total within their sums."""
    pairs = draw(st.lists(st.tuples(BOUND, BOUND), min_size=1, max_size=12))
    lower, upper = floats(*map(min, pairs)), floats(*map(max, pairs))
    least, most = math.fsum(lower), math.fsum(upper)
    total = draw(st.sampled_from([least, most]) | st.floats(0, 1).map(lambda x: least + x * (most - least)))
    return lower, upper, min(max(total, least), most)


def test_all_of_the_share_where_the_bounds_have_room() -> None:
    """0 to .4 for each of three have room for 1."""
    assert feasible_share(np.zeros(3), np.full(3, 0.4), 1.0) == 1.0


def test_less_than_the_share_where_they_have_not() -> None:
    """Two of at most .4 take .8."""
    assert feasible_share(np.zeros(2), np.full(2, 0.4), 1.0) == 0.8


def test_lower_bounds_above_the_share_are_refused() -> None:
    """Three of at least .4 want 1.2."""
    assert feasible_share(np.full(3, 0.4), np.ones(3), 1.0) is Infeasible.LOWER_ABOVE_SHARE


def test_a_lower_bound_above_its_upper_is_refused_first() -> None:
    """No weight lies between .5 and .4, whatever the sums say."""
    assert feasible_share(floats(0.5, 0.9), floats(0.4, 0.9), 1.0) is Infeasible.LOWER_ABOVE_UPPER


def test_thirds_that_sum_to_a_rounding_above_one_are_feasible() -> None:
    """Binary rounding is no reason to refuse."""
    lower = np.full(10, 0.1 + 1e-14)

    assert feasible_share(lower, np.ones(10), 1.0) == 1.0


def test_a_prior_within_the_bounds_is_only_scaled() -> None:
    """1 : 3 of .8."""
    found = proportional_fill(floats(10, 30), np.zeros(2), np.ones(2), 0.8)

    assert found == pytest.approx([0.2, 0.6], abs=1e-15)


def test_what_one_may_not_have_goes_to_the_others_in_proportion() -> None:
    """6 : 3 : 1 with at most .4: the other .6 go 3 : 1, though the second is then capped too."""
    found = proportional_fill(floats(6, 3, 1), np.zeros(3), np.full(3, 0.4), 1.0)

    assert found == pytest.approx([0.4, 0.4, 0.2], abs=1e-15)


def test_a_lower_bound_is_paid_for_by_the_others_in_proportion() -> None:
    """6 : 3 : 1 with at least .25: the other .75 go 2 : 1, where .25 is just kept."""
    found = proportional_fill(floats(6, 3, 1), np.full(3, 0.25), np.ones(3), 1.0)

    assert found == pytest.approx([0.5, 0.25, 0.25], abs=1e-15)


def test_without_a_prior_one_gets_its_lower_bound() -> None:
    """0 speaks for nothing."""
    found = proportional_fill(floats(0, 1), floats(0.1, 0), np.ones(2), 1.0)

    assert found == pytest.approx([0.1, 0.9], abs=1e-15)


def test_those_without_a_prior_share_evenly_what_the_others_have_no_room_for() -> None:
    """.4 for the one that is spoken for, .3 each for the two that are not."""
    found = proportional_fill(floats(0, 5, 0), np.zeros(3), np.full(3, 0.4), 1.0)

    assert found == pytest.approx([0.3, 0.4, 0.3], abs=1e-15)


def test_a_prior_near_nothing_takes_nothing_from_the_total() -> None:
    """All to the first, though the second has a share of 1e-33 of it."""
    found = proportional_fill(np.array([0.1, 1e-34]), np.array([0.1, 0.0]), np.ones(2), 1.0)

    assert found == pytest.approx([1.0, 0.0], abs=1e-15)


def test_no_prior_at_all_spreads_evenly() -> None:
    """Zeros are no reason to divide by zero."""
    found = proportional_fill(np.zeros(3), np.zeros(3), floats(1, 1, 0.2), 1.0)

    assert found == pytest.approx([0.4, 0.4, 0.2], abs=1e-15)


def test_beyond_the_bounds_they_are_kept_and_not_the_total() -> None:
    """Bounds hold in any case."""
    lower, upper = floats(0.1, 0.2), floats(0.3, 0.4)

    assert proportional_fill(np.ones(2), lower, upper, 1.0).tolist() == [0.3, 0.4]
    assert proportional_fill(np.ones(2), lower, upper, 0.0).tolist() == [0.1, 0.2]
    assert project(np.ones(2), lower, upper, 1.0).tolist() == [0.3, 0.4]
    assert project(np.ones(2), lower, upper, 0.0).tolist() == [0.1, 0.2]


def test_nobody_shares_nothing() -> None:
    """Empty in, empty out."""
    none = np.zeros(0)

    assert proportional_fill(none, none, none, 0.0).size == 0
    assert project(none, none, none, 0.0).size == 0


def test_projection_takes_the_same_from_each() -> None:
    """(1, .6, .2) is .8 too much; less .4 each, the third stops at 0: (.7, .3, 0)."""
    found = project(floats(1, 0.6, 0.2), np.zeros(3), np.ones(3), 1.0)

    assert found == pytest.approx([0.7, 0.3, 0], abs=1e-15)


def test_projection_keeps_a_point_that_lies_within() -> None:
    """The nearest to itself is itself."""
    assert project(floats(0.5, 0.3, 0.2), np.zeros(3), np.ones(3), 1.0) == pytest.approx(
        [0.5, 0.3, 0.2], abs=1e-15
    )


def test_projection_from_afar_keeps_its_digits() -> None:
    """A million millions away a float has four decimals; the weights still have all."""
    found = project(np.full(3, 1e12), np.zeros(3), np.ones(3), 1.0)

    assert found == pytest.approx([1 / 3] * 3, abs=1e-12)


@given(box=boxes(), data=st.data())
def test_a_fill_is_proportional_between_its_bounds(
    box: tuple[Floats, Floats, float], data: st.DataObject
) -> None:
    """Who has less for its prior than another is at its upper bound, or the other at its lower one."""
    lower, upper, total = box
    priors = st.floats(1e-3, 1e3) | st.sampled_from([1.0, 2.0])
    prior = floats(*data.draw(st.lists(priors, min_size=len(lower), max_size=len(lower))))
    found = proportional_fill(prior, lower, upper, total)
    rate = found / prior

    assert math.fsum(found) == pytest.approx(total, abs=1e-12)
    assert np.all((lower <= found) & (found <= upper))
    raised, held = found > lower, found < upper
    if raised.any() and held.any():
        assert np.max(rate[raised]) <= np.min(rate[held]) * (1 + 1e-9) + 1e-12


@pytest.mark.filterwarnings("error")
@given(box=boxes(), data=st.data())
def test_a_fill_of_any_scale_keeps_the_sum(box: tuple[Floats, Floats, float], data: st.DataObject) -> None:
    """Priors may be zero, subnormal or huge."""
    lower, upper, total = box
    priors = st.floats(0, allow_infinity=False) | st.sampled_from([0.0, 5e-324, 1e-300, 1.0, 1e308])
    prior = floats(*data.draw(st.lists(priors, min_size=len(lower), max_size=len(lower))))
    found = proportional_fill(prior, lower, upper, total)

    assert math.fsum(found) == pytest.approx(total, abs=1e-12)
    assert np.all((lower <= found) & (found <= upper))


@given(box=boxes(), data=st.data())
def test_a_projection_is_nearer_than_any_other_point(
    box: tuple[Floats, Floats, float], data: st.DataObject
) -> None:
    """(point - w)·(other - w) ≤ 0 for every other point of the set, which defines the projection."""
    lower, upper, total = box
    count = len(lower)
    point = floats(*data.draw(st.lists(st.floats(-3, 3) | EDGES, min_size=count, max_size=count)))
    prior = floats(*data.draw(st.lists(st.floats(0.01, 1), min_size=count, max_size=count)))
    other = proportional_fill(prior, lower, upper, total)
    found = project(point, lower, upper, total)

    assert math.fsum(found) == pytest.approx(total, abs=1e-12)
    assert np.all((lower <= found) & (found <= upper))
    assert float((point - found) @ (other - found)) <= 1e-9
