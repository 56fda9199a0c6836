"""Weights of a fleet: what decided them, and what becomes of those that were computed earlier."""

from typing import Any

import msgspec
import numpy as np
import pytest

from domain.allocation import METHODS, SOLVERS
from domain.holding import Holding
from domain.rules import RebalanceRules, Tier
from domain.weighing import Basis, Weighing, basis_of, fitted, takes_long, unspent, weigh_fleet
from tests.support.holdings import holding

RULES = RebalanceRules(method="performance")


def seasoned(agent: str, bins: int = 30, **given: Any) -> Holding:
    """Make an agent whose returns are of its own."""
    chance = np.random.default_rng(sum(agent.encode()))
    return holding(agent, returns=chance.normal(0.001, 0.02, bins), **given)


def weighed(*held: Holding, method: str = "performance", rules: RebalanceRules = RULES) -> Weighing:
    """Weigh a fleet of one farm that the rules allow."""
    found = weigh_fleet(held, ["f"], rules, method, 0.0)
    assert isinstance(found, Weighing), found
    return found


def test_every_weight_says_what_decided_it() -> None:
    """
    Tiers are 2 : 1 : ½, the best may have .40, the worst has at least .25, a newcomer at most .05.

    What is left for the average one is .30, by no bound.
    """
    held = [
        seasoned("best", tier=Tier.ELITE),
        seasoned("mean"),
        seasoned("new", 29),
        seasoned("worst", tier=Tier.POOR, min_weight=0.25),
    ]
    found = weighed(*held)

    assert found.weights == pytest.approx({"best": 0.4, "mean": 0.3, "new": 0.05, "worst": 0.25}, abs=1e-12)
    assert basis_of(found, held, RULES) == {
        "best": [Basis.MAX_WEIGHT],
        "mean": [Basis.METHOD],
        "new": [Basis.NEW_AGENT_CAP],
        "worst": [Basis.MIN_WEIGHT],
    }


def test_the_gate_is_named_besides() -> None:
    """And a score above the middle tilts nothing: alike in volatility, both have the same."""
    one = seasoned("a", score=0.9, gated=True)
    other = msgspec.structs.replace(one, agent="b", score=0.5)
    rules = RebalanceRules(max_weight=0.6)
    found = weighed(one, other, method="risk_adjusted", rules=rules)

    assert found.weights == pytest.approx({"a": 0.5, "b": 0.5}, abs=1e-12)
    assert basis_of(found, [one, other], rules)["a"] == [Basis.METHOD, Basis.GATE]


def test_who_has_too_few_bins_for_the_method_is_weighed_by_tier_and_told() -> None:
    """Flat returns are no history either, however long."""
    held = [seasoned(name) for name in ("a", "b", "c")]
    flat = holding("flat", returns=np.zeros(40))
    found = weighed(*held, flat, method="risk_parity", rules=RebalanceRules(max_weight=0.9))

    basis = basis_of(found, [*held, flat], RebalanceRules(max_weight=0.9))
    assert basis == {
        "a": [Basis.METHOD],
        "b": [Basis.METHOD],
        "c": [Basis.METHOD],
        "flat": [Basis.TOO_FEW_BINS],
    }
    assert found.weights["flat"] == pytest.approx(0.05, abs=1e-12)


@pytest.mark.parametrize("method", list(METHODS))
def test_weights_of_a_fleet_that_did_not_change_stay_as_they_are(method: str) -> None:
    """To the last digit, and they say so."""
    held = [seasoned(name) for name in "abcd"]
    found = weighed(*held, method=method)

    assert fitted(found, held, RULES) is found


def test_weights_are_fitted_to_who_is_there_now() -> None:
    """Of .4, .4, .2 the second has left and another has come: the rest keep 2 : 1, up to .9 and 0."""
    found = Weighing("risk_parity", {"a": 0.4, "b": 0.4, "c": 0.2}, "bounds:filled", 0.1)
    now = [seasoned("a"), seasoned("c"), seasoned("d")]
    fit = fitted(found, now, RebalanceRules(max_weight=0.9))

    assert fit.weights == pytest.approx({"a": 2 / 3, "c": 1 / 3, "d": 0.0}, abs=1e-12)
    assert (fit.fallback, fit.deviation) == ("bounds:filled,fleet_changed:fitted", 0.1)


def test_weights_are_fitted_to_the_bounds_of_now() -> None:
    """.7 and .3 where at most .6 are allowed by now."""
    fit = fitted(
        Weighing("equal", {"a": 0.7, "b": 0.3}),
        [seasoned("a"), seasoned("b")],
        RebalanceRules(max_weight=0.6),
    )

    assert fit.weights == pytest.approx({"a": 0.6, "b": 0.4}, abs=1e-12)


def test_one_that_comes_in_the_place_of_one_that_had_nothing_has_nothing() -> None:
    """Sums and bounds hold, and yet they are not the same agents."""
    found = Weighing("equal", {"a": 0.4, "b": 0.6, "gone": 0.0})
    fit = fitted(found, [seasoned("a"), seasoned("b"), seasoned("new")], RebalanceRules(max_weight=0.9))

    assert fit.weights == pytest.approx({"a": 0.4, "b": 0.6, "new": 0.0}, abs=1e-12)


def test_cash_that_was_kept_is_kept() -> None:
    """Kelly's .3 of the whole stays .3, whoever has come."""
    rules = RebalanceRules(max_weight=0.9)
    now = [seasoned("a"), seasoned("b"), seasoned("c")]
    fit = fitted(Weighing("kelly", {"a": 0.2, "b": 0.1}), now, rules)

    assert fit.weights == pytest.approx({"a": 0.2, "b": 0.1, "c": 0.0}, abs=1e-12)
    assert unspent(fit, now, rules) == pytest.approx(0.7, abs=1e-12)


def test_what_nobody_computed_is_fitted_like_anything_else() -> None:
    """Numbers that are no weights count as none."""
    strange = Weighing("equal", {"a": float("nan"), "b": -1.0, "c": 5.0})
    fit = fitted(strange, [seasoned(name) for name in "abc"], RebalanceRules(max_weight=0.6))

    assert fit.weights == pytest.approx({"a": 0.2, "b": 0.2, "c": 0.6}, abs=1e-12)


def test_a_large_fleet_takes_long_only_by_a_method_that_solves() -> None:
    """200² · (200 + 365) is above 20 million, 150² · (150 + 365) is not; in farms of 20 it never is."""
    large = [seasoned(f"a{i}", 365) for i in range(200)]
    farms = [seasoned(f"a{i}", 365, farm=f"f{i % 10}") for i in range(200)]

    assert [method for method in METHODS if takes_long(large, method)] == sorted(
        SOLVERS, key=list(METHODS).index
    )
    assert not any(takes_long(large[:150], method) for method in METHODS)
    assert not any(takes_long(farms, method) for method in METHODS)
    assert not takes_long([], "kelly")
