"""The laws of `domain.allocation.types.Method`, over the whole table of methods."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.allocation import KEEPS_CASH, METHODS, Candidate, Parameters, Weights
from domain.allocation.bounds import Infeasible, feasible_share
from domain.allocation.types import Floats
from domain.money import MONEY
from domain.rebalance import Plan, plan
from domain.rules import Objective, RebalanceRules, RiskBudget
from tests.support.holdings import holding

BOUND = st.sampled_from([0.0, 0.05, 0.4, 1.0, 1 / 3, 1e-9]) | st.floats(0, 1)
PRIOR = st.sampled_from([0.0, 0.5, 1.0, 2.4, 4.0]) | st.floats(0, 10)
BIN = st.sampled_from([0.0, -1.0, 0.01]) | st.floats(-0.3, 0.3)

# Every method as it comes, and where a parameter makes another method of it, that as well.
VARIANTS: dict[str, Parameters] = {
    **{name: Parameters() for name in METHODS},
    "mean_variance, min_variance": Parameters(objective=Objective.MIN_VARIANCE),
    "mean_variance, max_utility": Parameters(objective=Objective.MAX_UTILITY),
    "risk_parity, prior": Parameters(risk_budget=RiskBudget.PRIOR),
}
# These weigh returns against their variance, so that all bets are larger where all returns are smaller.
OF_SCALE = {"mean_variance, max_utility", "kelly"}

every_method = pytest.mark.parametrize("name", list(VARIANTS))
some = settings(max_examples=25)


def weigh(name: str, found: Sequence[Candidate], share: float) -> Weights:
    """Weigh by a variant."""
    return METHODS[name.partition(",")[0]](found, share, VARIANTS[name])


@st.composite
def histories(draw: st.DrawFn) -> Floats:
    """Draw a history: none, dead flat, too short for a covariance, wild, or one that others have, too."""
    bins = draw(st.sampled_from([0, 1, 2, 29, 30, 40]))
    if draw(st.booleans()):
        return np.full(bins, draw(BIN))
    chance = np.random.default_rng(draw(st.integers(0, 9)))
    returns = chance.normal(draw(st.sampled_from([0.0, 0.001, -0.01])), 0.02, 40)[40 - bins :]
    wild = draw(st.sampled_from([1.0, 1.0, 1.0, -1.0, 1e-6, 100.0, 1e200]))
    return returns * wild


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    """Draw up to eight."""
    found = []
    for i in range(draw(st.integers(1, 8))):
        bounds = sorted((draw(BOUND), draw(BOUND)))
        found.append(Candidate(f"agent-{i}", draw(PRIOR), draw(st.floats(0, 1)), draw(histories()), *bounds))
    return found


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Candidate], float]:
    """Draw candidates and a share that their bounds can take, now and then one with more than enough."""
    found = draw(candidates())
    least = math.fsum(c.lower for c in found)
    most = math.fsum(c.upper for c in found)
    share = draw(
        st.sampled_from([least, most, most + 1.0]) | st.floats(0, 1).map(lambda x: least + x * (most - least))
    )
    return found, share


def bounds_of(found: Sequence[Candidate]) -> tuple[Floats, Floats]:
    """Give the bounds as arrays."""
    return np.array([c.lower for c in found]), np.array([c.upper for c in found])


def check(name: str, found: Sequence[Candidate], share: float) -> Floats:
    """Check what holds for any weights, and give them."""
    lower, upper = bounds_of(found)
    allowed = feasible_share(lower, upper, share)
    weights = weigh(name, found, share).weights
    total = math.fsum(weights)

    assert not isinstance(allowed, Infeasible)
    assert weights.shape == (len(found),)
    assert np.all((lower <= weights) & (weights <= upper))  # which no NaN is
    if name in KEEPS_CASH:
        assert total <= allowed + 1e-12
    else:
        assert total == pytest.approx(allowed, abs=1e-12)
    return weights


def returning(*histories_: Floats, upper: float = 1.0) -> list[Candidate]:
    """Make candidates with histories, alike in all else."""
    return [Candidate(f"agent-{i}", 1.0, 0.5, returns, 0.0, upper) for i, returns in enumerate(histories_)]


@every_method
@given(case=cases())
@some
def test_weights_sum_to_what_the_bounds_allow_of_the_share(
    name: str, case: tuple[list[Candidate], float]
) -> None:
    """Within 1e-12, or to less by a method that keeps cash; the bounds hold exactly, and there is no NaN."""
    check(name, *case)


@every_method
@given(case=cases(), order=st.randoms(use_true_random=False))
@some
def test_permuted_candidates_have_permuted_weights(
    name: str, case: tuple[list[Candidate], float], order: random.Random
) -> None:
    """Nobody is better off for being named first."""
    found, share = case
    shuffled = list(range(len(found)))
    order.shuffle(shuffled)
    before, after = weigh(name, found, share), weigh(name, [found[i] for i in shuffled], share)

    assert after.weights == pytest.approx(before.weights[shuffled], abs=1e-12)
    assert (after.fallback, after.deviation) == (before.fallback, before.deviation)


@every_method
@given(found=candidates(), x=st.floats(0, 1))
@some
def test_equals_have_equal_weights(name: str, found: list[Candidate], x: float) -> None:
    """Each candidate and its double get the same."""
    doubles = [Candidate(f"{c.id}-double", c.prior, c.score, c.returns, c.lower, c.upper) for c in found]
    lower, upper = (2 * math.fsum(bound) for bound in bounds_of(found))
    weights = weigh(name, [*found, *doubles], lower + x * (upper - lower)).weights

    assert weights[: len(found)] == pytest.approx(weights[len(found) :], abs=1e-12)


@every_method
@given(case=cases(), scale=st.sampled_from([0.5, 0.1, 1e-3]))
@some
def test_a_part_of_the_share_within_parts_of_the_bounds_is_weighed_alike(
    name: str, case: tuple[list[Candidate], float], scale: float
) -> None:
    """A farm's agents are weighed as if the farm were the wallet; only Kelly's bets are of all there is."""
    if name in KEEPS_CASH:
        return
    found, share = case
    smaller = [Candidate(c.id, c.prior, c.score, c.returns, c.lower * scale, c.upper * scale) for c in found]
    before, after = weigh(name, found, share).weights, weigh(name, smaller, share * scale).weights

    assert after / scale == pytest.approx(before, abs=1e-6)


@every_method
@given(seeds=st.lists(st.integers(0, 99), min_size=1, max_size=6, unique=True))
@some
def test_leverage_of_all_changes_nothing(name: str, seeds: list[int]) -> None:
    """Returns half as large say the same of who is better, except to methods that price risk."""
    if name in OF_SCALE:
        return
    whole = [np.random.default_rng(seed).normal(0.001, 0.02, 60) for seed in seeds]
    before = weigh(name, returning(*whole), 1.0).weights
    after = weigh(name, returning(*(returns / 2 for returns in whole)), 1.0).weights

    assert after == pytest.approx(before, abs=1e-7)


@every_method
@given(found=candidates(), order=st.floats(0.1, 1))
@some
def test_more_to_give_is_not_given_out_as_less(name: str, found: list[Candidate], order: float) -> None:
    """The sum of the weights grows with the share, or stays."""
    least, most = (math.fsum(bound) for bound in bounds_of(found))
    less, more = (least + part * (most - least) for part in (order / 2, order))

    # A solver stops within some 1e-9 of the best there is.
    assert math.fsum(weigh(name, found, less).weights) <= math.fsum(weigh(name, found, more).weights) + 1e-8


@every_method
@given(prior=PRIOR, upper=st.floats(0.1, 1), share=st.floats(0, 1), history=histories())
@some
def test_one_alone_gets_all_it_may(
    name: str, prior: float, upper: float, share: float, history: Floats
) -> None:
    """The share, or its upper bound; at most that by a method that keeps cash."""
    weights = check(name, [Candidate("a", prior, 0.5, history, 0.0, upper)], share)

    if name not in KEEPS_CASH:
        assert weights == pytest.approx([min(share, upper)], abs=1e-12)


@every_method
def test_nobody_gets_nothing(name: str) -> None:
    """No candidates, no weights, and nothing to fall back from."""
    found = weigh(name, [], 0.0)

    assert found.weights.shape == (0,)
    assert found.fallback is None


@every_method
@given(seeds=st.lists(st.integers(0, 99), min_size=2, max_size=6, unique=True))
@some
def test_a_falling_fleet_is_weighed_like_any_other(name: str, seeds: list[int]) -> None:
    """All means below zero, which is the normal case now and then."""
    falling = [-np.abs(np.random.default_rng(seed).normal(0.001, 0.02, 40)) for seed in seeds]
    found = returning(*falling)
    weights = check(name, found, 1.0)

    fallbacks = {"mean_variance": "no_gain:min_variance", "momentum": "no_rise:equal"}
    assert weigh(name, found, 1.0).fallback == fallbacks.get(name)
    if name in KEEPS_CASH:
        assert weights.tolist() == [0.0] * len(seeds)


@every_method
@given(seed=st.integers(0, 99), doubles=st.integers(1, 3), hedges=st.integers(0, 2), share=st.floats(0.1, 1))
@some
def test_a_singular_covariance_is_no_obstacle(
    name: str, seed: int, doubles: int, hedges: int, share: float
) -> None:
    """Agents that do the same in other sizes, exact hedges, and sums of others."""
    chance = np.random.default_rng(seed)
    one, other = chance.normal(0.001, 0.02, 40), chance.normal(0.001, 0.02, 40)
    same = [one * (1 + i / 4) for i in range(doubles)]
    against = [-one * (1 + i / 4) for i in range(hedges)]

    check(name, returning(*same, *against, other, (one + other) / 2), share)


@every_method
def test_more_agents_than_bins_are_no_obstacle(name: str) -> None:
    """Forty bins say little of a hundred agents, and nobody is left out for it by a method that spreads."""
    chance = np.random.default_rng(3)
    weights = check(name, returning(*chance.normal(0.001, 0.02, (100, 40)), upper=0.4), 1.0)

    spreads = {"equal", "performance", "risk_adjusted", "hierarchical_risk_parity", "risk_parity"}
    if name in spreads:
        assert np.all(weights > 0)


@every_method
def test_a_thousand_are_no_harder_than_ten(name: str) -> None:
    """Sum and bounds at the size of a large fleet."""
    chance = np.random.default_rng(7)
    found = [
        Candidate(f"agent-{i}", float(prior), float(score), chance.normal(0.001, 0.02, 60), 0.0, 0.002)
        for i, (prior, score) in enumerate(
            zip(chance.uniform(0.5, 4, 1000), chance.uniform(0, 1, 1000), strict=True)
        )
    ]

    check(name, found, 1.0)


@every_method
@given(seed=st.integers(0, 99))
@settings(max_examples=10)
def test_ten_times_the_money_moves_ten_times_as_much(name: str, seed: int) -> None:
    """A plan is of shares: money of another size has targets in proportion, within a unit for each."""
    chance = np.random.default_rng(seed)
    parameters = VARIANTS[name]
    rules = RebalanceRules(
        method=name.partition(",")[0], objective=parameters.objective, risk_budget=parameters.risk_budget
    )

    def planned(size: int) -> Plan:
        """Plan for five agents in two farms."""
        drawn = np.random.default_rng(seed)
        fleet = [
            holding(
                f"agent-{i}",
                farm="fg"[i % 2],
                equity=size * (i + 1),
                free=size,
                returns=drawn.normal(0.001, 0.02, 60),
            )
            for i in range(5)
        ]
        found = plan(fleet, ["f", "g"], size, rules)
        assert isinstance(found, Plan)
        return found

    size = int(chance.integers(1, 1000)) * MONEY
    small, large = planned(size), planned(10 * size)

    for one, ten in zip(small.shares, large.shares, strict=True):
        assert ten.weight == one.weight
        assert abs(ten.target - 10 * one.target) <= 10
