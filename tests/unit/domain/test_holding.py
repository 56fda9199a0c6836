"""Bounds by hand: whose word counts, and how newcomers are capped."""

from typing import Any

import numpy as np
import pytest

from domain.holding import Bounds, Holding, bounds_of
from domain.rules import RebalanceRules
from tests.support.holdings import holding

RULES = RebalanceRules()  # at most .40; newcomers of fewer than 30 bins .05


def of(agent: str, bins: int, **own: Any) -> Holding:
    """Make an agent with so many bins and bounds of its own."""
    return holding(agent, returns=np.zeros(bins), **own)


def bounds(*held: Holding, rules: RebalanceRules = RULES, keeps_cash: bool = False) -> list[Bounds]:
    """Give the bounds."""
    return bounds_of(held, rules, keeps_cash=keeps_cash)


def test_a_newcomer_is_capped_where_others_have_room() -> None:
    """Three of .40 can take it all: 29 bins are few, 30 are enough."""
    found = bounds(*(of(f"a{i}", 30) for i in range(3)), of("new", 29))

    assert found == [*[Bounds(0.0, 0.4)] * 3, Bounds(0.0, 0.05, capped=True)]


def test_where_all_are_new_nobody_is_capped() -> None:
    """There is nobody for whom to hold it back."""
    assert bounds(of("a", 0), of("b", 29)) == [Bounds(0.0, 0.4)] * 2


def test_what_the_others_have_no_room_for_lifts_the_cap_evenly() -> None:
    """One of .40 leaves .60, which is .15 for each of four."""
    found = bounds(of("old", 30), *(of(f"n{i}", 0) for i in range(4)))

    assert found[0] == Bounds(0.0, 0.4)
    assert [one.upper for one in found[1:]] == pytest.approx([0.15] * 4, abs=1e-15)
    assert all(one.capped for one in found[1:])


def test_a_method_that_may_keep_cash_lifts_no_cap() -> None:
    """It need not give out what the others have no room for."""
    found = bounds(of("old", 30), of("new", 0), keeps_cash=True)

    assert found[1] == Bounds(0.0, 0.05, capped=True)


def test_a_lower_bound_outweighs_the_cap() -> None:
    """An operator who gives a newcomer at least .20 means it."""
    found = bounds(*(of(f"a{i}", 30) for i in range(3)), of("new", 0, min_weight=0.2))

    assert found[3] == Bounds(0.2, 0.2, capped=True)


def test_a_maximum_of_its_own_does_not_outweigh_the_cap() -> None:
    """It says how much at most, not how much."""
    found = bounds(
        *(of(f"a{i}", 30) for i in range(3)),
        of("m", 0, max_weight=0.3),
        of("s", 0, max_weight=0.02),
    )

    assert found[3:] == [Bounds(0.0, 0.05, capped=True), Bounds(0.0, 0.02)]


def test_the_rules_say_what_is_new_and_what_it_gets() -> None:
    """With no bins asked for nobody is new; with a cap of 1 nobody is capped."""
    fleet = [of("a", 30), of("b", 30), of("c", 30), of("new", 10)]

    assert bounds(*fleet, rules=RebalanceRules(new_agent_bins=0))[3] == Bounds(0.0, 0.4)
    assert bounds(*fleet, rules=RebalanceRules(new_agent_bins=10))[3] == Bounds(0.0, 0.4)
    assert bounds(*fleet, rules=RebalanceRules(new_agent_cap=1.0))[3] == Bounds(0.0, 0.4)
    assert bounds(*fleet, rules=RebalanceRules(new_agent_cap=0.1))[3] == Bounds(0.0, 0.1, capped=True)


def test_nobody_has_no_bounds() -> None:
    """Nothing in, nothing out."""
    assert bounds() == []
