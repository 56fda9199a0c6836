"""Two levels of weights, by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from domain.allocation import METHODS, Candidate, Parameters, Weights
from domain.allocation.bounds import Infeasible
from domain.allocation.levels import Levels, weigh
from domain.allocation.types import DEFAULTS

NONE = np.zeros(0)


def agent(name: str, prior: float = 1.0, lower: float = 0.0, upper: float = 1.0) -> Candidate:
    """Make an agent without history."""
    return Candidate(name, prior, 0.5, NONE, lower, upper)


def weighed(agents: dict[str, list[Candidate]], method: str) -> Levels:
    """Weigh by a method of the table; the bounds are feasible."""
    levels = weigh(agents, METHODS[method])
    assert not isinstance(levels, Infeasible)
    return levels


def test_equal_farms_are_equal_whatever_their_size() -> None:
    """Half to each farm, so a lone agent has as much as two."""
    levels = weighed({"f": [agent("a"), agent("b")], "g": [agent("c")]}, "equal")

    assert levels.farms == pytest.approx({"f": 0.5, "g": 0.5}, abs=1e-15)
    assert levels.agents == pytest.approx({"a": 0.25, "b": 0.25, "c": 0.5}, abs=1e-15)


def test_a_farm_speaks_with_the_mean_of_its_agents() -> None:
    """2 and 1 make 1.5 against .5: three quarters, of which two thirds."""
    levels = weighed({"f": [agent("a", 2.0), agent("b", 1.0)], "g": [agent("c", 0.5)]}, "performance")

    assert levels.farms == pytest.approx({"f": 0.75, "g": 0.25}, abs=1e-15)
    assert levels.agents == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.25}, abs=1e-15)


def test_a_farm_is_bounded_by_the_sums_of_its_agents_bounds() -> None:
    """Half would go to the lone agent, which may have .3; the farm of two gets the rest."""
    farms = {"f": [agent("a", lower=0.4), agent("b")], "g": [agent("c", upper=0.3)]}
    levels = weighed(farms, "equal")

    assert levels.farms == pytest.approx({"f": 0.7, "g": 0.3}, abs=1e-15)
    assert levels.agents == pytest.approx({"a": 0.4, "b": 0.3, "c": 0.3}, abs=1e-15)


def test_a_farm_without_agents_gets_nothing() -> None:
    """It is named all the same, in its place."""
    levels = weighed({"e": [], "f": [agent("a")]}, "equal")

    assert list(levels.farms.items()) == [("e", 0.0), ("f", 1.0)]
    assert levels.agents == {"a": 1.0}


def test_no_farm_at_all_weighs_nothing() -> None:
    """Nothing to give to is not infeasible."""
    assert weighed({}, "performance") == Levels({}, {}, None)


def test_bounds_across_farms_that_want_more_than_there_is_are_refused() -> None:
    """.6 in each of two farms."""
    farms = {"f": [agent("a", lower=0.6)], "g": [agent("b", lower=0.6)]}

    assert weigh(farms, METHODS["equal"]) is Infeasible.LOWER_ABOVE_SHARE


def test_what_was_fallen_back_to_is_named_once() -> None:
    """On either level, in order."""

    def method(candidates: Sequence[Candidate], share: float, _: Parameters = DEFAULTS) -> Weights:
        return Weights(np.full(len(candidates), share / len(candidates)), f"reason:{len(candidates)}")

    levels = weigh({"f": [agent("a"), agent("b")], "g": [agent("c")], "h": [agent("d")]}, method)

    assert isinstance(levels, Levels)
    assert levels.fallback == "reason:3,reason:2,reason:1"


def test_a_farms_history_is_the_mean_of_those_that_were_there() -> None:
    """Histories end with the same bin; the younger agent counts from its first."""
    seen: list[Candidate] = []

    def method(candidates: Sequence[Candidate], share: float, _: Parameters = DEFAULTS) -> Weights:
        seen.append(candidates[0])
        return Weights(np.full(len(candidates), share / len(candidates)))

    old = Candidate("a", 1.0, 0.5, np.array([0.1, 0.2, 0.3]), 0.0, 1.0)
    young = Candidate("b", 1.0, 0.5, np.array([0.5]), 0.0, 1.0)
    weigh({"f": [old, young]}, method)

    assert seen[0].returns == pytest.approx([0.1, 0.2, 0.4], abs=1e-15)
