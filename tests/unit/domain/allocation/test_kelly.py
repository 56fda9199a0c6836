"""Bets by hand, by the finance sheet, and what a plan does with the cash."""

import numpy as np
import pytest

from domain.allocation import Candidate, Parameters
from domain.allocation.kelly import allocate, bets
from domain.allocation.types import Floats
from domain.money import MONEY, money
from domain.rebalance import Plan, Reason, plan
from domain.rules import RebalanceRules
from tests.support.holdings import holding

COVARIANCE = np.array([[0.04, 0.006], [0.006, 0.01]])
MEAN = np.array([0.10, 0.05])


def of_mean(seed: int, mean: float) -> Floats:
    """Make sixty bins of a given mean and a deviation of 2 %."""
    noise = np.random.default_rng(seed).normal(0, 1, 60)
    noise -= np.mean(noise)
    scaled: Floats = noise / np.std(noise, ddof=1) * 0.02 + mean
    return scaled


def test_the_bets_of_the_finance_sheet() -> None:
    """Half of Kelly's bet takes all there is; of an eighth some of it stays cash."""
    half = bets(MEAN, COVARIANCE, 1 / 2, np.zeros(2), np.ones(2), 1.0)
    eighth = bets(MEAN, COVARIANCE, 1 / 8, np.zeros(2), np.ones(2), 1.0)

    assert half == pytest.approx([0.763158, 0.236842], abs=5e-7)
    assert eighth == pytest.approx([0.240385, 0.480769], abs=5e-7)
    assert 1 - np.sum(eighth) == pytest.approx(0.278846, abs=5e-7)


def test_a_smaller_share_does_not_make_the_bets_smaller() -> None:
    """Where all bets fit into the share, they are what they would be of the whole."""
    whole = bets(MEAN, COVARIANCE, 1 / 8, np.zeros(2), np.ones(2), 1.0)
    less = bets(MEAN, COVARIANCE, 1 / 8, np.zeros(2), np.ones(2), 0.8)

    assert less == pytest.approx(whole, abs=1e-9)


def test_who_loses_on_average_gets_its_lower_bound() -> None:
    """A bet on it would be negative."""
    found = bets(np.array([-0.01, 0.05]), COVARIANCE, 1 / 8, np.array([0.1, 0.0]), np.ones(2), 1.0)

    assert found[0] == 0.1
    # Then .05 = 8 (.006 · .1 + .01 w).
    assert found[1] == pytest.approx(0.565, abs=1e-9)


def test_without_any_gain_all_is_cash() -> None:
    """Exactly."""
    found = [Candidate(f"agent-{i}", 1.0, 0.5, of_mean(i, -0.001), 0.0, 1.0) for i in range(3)]
    weights = allocate(found, 1.0)

    assert weights.weights.tolist() == [0.0, 0.0, 0.0]
    assert weights.fallback is None


def test_newcomers_get_no_more_than_the_cap_though_there_is_cash() -> None:
    """.05 each, of two of whom nothing is known."""
    found = [Candidate(name, 1.0, 0.5, np.zeros(0), 0.0, 1.0) for name in "ab"]
    weights = allocate(found, 1.0)

    assert weights.weights.tolist() == [0.05, 0.05]
    assert weights.fallback == "too_few_bins:capped_prior"


def test_the_whole_of_the_bet_is_twice_its_half() -> None:
    """Fraction c of the bet is a risk aversion of 1/c, as long as nothing is in the way."""
    found = [Candidate("a", 1.0, 0.5, of_mean(1, 0.0001), 0.0, 1.0)]
    half = allocate(found, 1.0, Parameters(kelly_fraction=0.5)).weights
    whole = allocate(found, 1.0, Parameters(kelly_fraction=1.0)).weights

    # μ/σ² = .0001 / .0004
    assert half == pytest.approx([0.125], abs=1e-9)
    assert whole == pytest.approx([0.25], abs=1e-9)


def test_what_kelly_leaves_stays_with_the_master_and_the_plan_says_so() -> None:
    """An eighth for the one agent, of which .4 would be allowed: .6 by the bounds, .275 by the method."""
    agent = holding("a", returns=of_mean(1, 0.0001))
    rules = RebalanceRules(method="kelly", reserve=0.0)
    found = plan([agent], ["f"], money(1000), rules)

    assert isinstance(found, Plan)
    assert [(move.agent, round(move.amount / MONEY, 4)) for move in found.moves] == [("a", 125.0)]
    left = {h.reason: h.amount for h in found.held_back}
    assert left[Reason.BOUNDS] == 600 * MONEY
    assert left[Reason.UNSPENT] / MONEY == pytest.approx(275, abs=1e-4)
    assert sum(left.values()) + found.moves[0].amount == 1000 * MONEY
    assert found.farm_weights["f"] == pytest.approx(0.125, abs=1e-9)


def test_on_two_levels_a_bet_is_of_the_whole() -> None:
    """Two farms of one agent each, unrelated: each its own bet, not a bet of a bet."""
    one, other = of_mean(1, 0.00004), of_mean(2, 0.00004)
    other -= one * float(np.cov(one, other)[0, 1] / np.var(one, ddof=1))
    holdings = [holding(name, farm=name, returns=returns) for name, returns in (("a", one), ("b", other))]
    found = plan(holdings, ["a", "b"], money(1000), RebalanceRules(method="kelly", reserve=0.0))

    assert isinstance(found, Plan)
    assert found.shares[0].weight == pytest.approx(0.00004 / 0.0004 / 2, rel=1e-6)
