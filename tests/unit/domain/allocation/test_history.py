"""Newcomers beside the seasoned, by hand."""

import numpy as np
import pytest

from domain.allocation import METHODS, Candidate, Parameters, Weights
from domain.allocation.bounds import proportional_fill
from domain.allocation.history import Seasoned, by_history

NONE = np.zeros(0)
LONG = np.random.default_rng(1).normal(0.001, 0.02, 40)
SOME = Parameters()


def candidate(
    name: str, returns: np.ndarray[tuple[int], np.dtype[np.float64]] = NONE, **given: float
) -> Candidate:
    """Make a candidate, of prior 1 and free of bounds unless said otherwise."""
    parts = {"prior": 1.0, "score": 0.5, "lower": 0.0, "upper": 1.0, **given}
    return Candidate(name, parts["prior"], parts["score"], returns, parts["lower"], parts["upper"])


def evenly(seasoned: Seasoned) -> Weights:
    """Weigh all alike."""
    even = np.ones(len(seasoned.candidates))
    return Weights(proportional_fill(even, seasoned.lower, seasoned.upper, seasoned.total))


def nothing(seasoned: Seasoned) -> Weights:
    """Keep it all."""
    return Weights(seasoned.lower.copy())


def test_a_newcomer_gets_the_cap_where_its_prior_is_worth_more() -> None:
    """A third by the prior, .05 by the cap; the rest is the method's."""
    found = by_history([candidate("a", LONG), candidate("b", LONG * 2), candidate("c")], 1.0, SOME, evenly)

    assert found.weights == pytest.approx([0.475, 0.475, 0.05], abs=1e-15)
    assert found.fallback == "too_few_bins:capped_prior"


def test_a_newcomer_gets_what_its_prior_is_worth_where_that_is_less() -> None:
    """1 of 41."""
    found = by_history([candidate("a", LONG, prior=40.0), candidate("b")], 1.0, SOME, evenly)

    assert found.weights == pytest.approx([40 / 41, 1 / 41], abs=1e-15)


def test_the_cap_is_of_the_share() -> None:
    """5 % of .2."""
    found = by_history([candidate("a", LONG), candidate("b")], 0.2, SOME, evenly)

    assert found.weights == pytest.approx([0.19, 0.01], abs=1e-15)


def test_a_lower_bound_outweighs_the_cap() -> None:
    """At least .3."""
    found = by_history([candidate("a", LONG), candidate("b", lower=0.3)], 1.0, SOME, evenly)

    assert found.weights == pytest.approx([0.7, 0.3], abs=1e-15)


def test_what_the_seasoned_have_no_room_for_goes_to_newcomers_by_their_priors() -> None:
    """At most .4 for the one; .6 go 2 : 1."""
    fleet = [candidate("a", LONG, upper=0.4), candidate("b", prior=2.0), candidate("c")]
    found = by_history(fleet, 1.0, SOME, evenly)

    assert found.weights == pytest.approx([0.4, 0.4, 0.2], abs=1e-15)


def test_not_by_a_method_that_keeps_cash() -> None:
    """There the cap holds, and the rest is nobody's."""
    fleet = [candidate("a", LONG, upper=0.4), candidate("b", prior=2.0), candidate("c")]
    found = by_history(fleet, 1.0, SOME, nothing, keeps_cash=True)

    assert found.weights.tolist() == [0.0, 0.05, 0.05]


@pytest.mark.parametrize("bins", [0, 1, 29])
def test_where_all_are_new_priors_decide(bins: int) -> None:
    """2 : 1, and it says so."""
    fleet = [candidate("a", LONG[:bins], prior=2.0), candidate("b", LONG[:bins])]
    found = by_history(fleet, 1.0, SOME, evenly)

    assert found.weights == pytest.approx([2 / 3, 1 / 3], abs=1e-15)
    assert found.fallback == "too_few_bins:performance"


def test_what_performance_falls_back_to_is_said_as_well() -> None:
    """No priors either."""
    found = by_history([candidate("a", prior=0.0), candidate("b", prior=0.0)], 1.0, SOME, evenly)

    assert found.fallback == "too_few_bins:performance,no_prior:equal"


def test_an_agent_that_never_moved_is_new_for_all_its_bins() -> None:
    """No risk was seen, which is not that there is none."""
    found = by_history([candidate("a", LONG), candidate("b", np.zeros(365))], 1.0, SOME, evenly)

    assert found.weights == pytest.approx([0.95, 0.05], abs=1e-15)


def test_an_idle_agent_takes_nothing_from_those_who_trade_by_any_method() -> None:
    """Or the method of the least variance would give it all."""
    fleet = [candidate("a", LONG), candidate("b", LONG[::-1]), candidate("idle", np.zeros(40))]

    for name in METHODS.keys() - {"equal", "performance"}:
        assert METHODS[name](fleet, 1.0).weights[2] == pytest.approx(0.05, abs=1e-15)


def test_those_who_are_alike_get_their_mean() -> None:
    """Whatever the method makes of their order."""

    def by_rank(seasoned: Seasoned) -> Weights:
        return Weights(np.array([0.5, 0.3, 0.2])[: len(seasoned.candidates)])

    fleet = [candidate("c", LONG), candidate("a", LONG, score=0.6), candidate("b", LONG)]
    found = by_history(fleet, 1.0, SOME, by_rank)

    # In the order of their ids: .5 for a, .3 for b, .2 for c; b and c differ by nothing.
    assert found.weights == pytest.approx([0.25, 0.5, 0.25], abs=1e-15)


@pytest.mark.parametrize("failure", ["raised", "nan"])
def test_a_failure_of_arithmetic_is_told_and_not_raised(failure: str) -> None:
    """Priors decide instead."""

    def failing(seasoned: Seasoned) -> Weights:
        if failure == "raised":
            raise np.linalg.LinAlgError
        return Weights(np.full(len(seasoned.candidates), np.nan))

    found = by_history([candidate("a", LONG, prior=3.0), candidate("b", LONG)], 1.0, SOME, failing)

    assert found.weights == pytest.approx([0.75, 0.25], abs=1e-15)
    assert found.fallback == "no_solution:performance"


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("share", [1e-31, 1e-310])
def test_a_share_that_is_no_unit_of_any_money_is_not_solved_for(method: str, share: float) -> None:
    """Bounds a sensible size apart would overflow in its unit."""
    chance = np.random.default_rng(1)
    fleet = [Candidate(name, 1.0, 0.5, chance.normal(0.001, 0.02, 40), 0.0, 0.4) for name in "ab"]

    weights = METHODS[method](fleet, share).weights

    assert np.all((weights >= 0) & (weights <= share))
