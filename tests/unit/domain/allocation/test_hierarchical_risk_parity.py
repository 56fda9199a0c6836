"""The tree and its halves, by hand and against the paper's way written out."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.allocation import Candidate
from domain.allocation.hierarchical_risk_parity import allocate, hierarchical_risk_parity, leaf_order
from domain.allocation.types import Floats
from domain.covariance import estimate


def correlations(n: int, **pairs: float) -> Floats:
    """Make a correlation matrix; `ab=.9` correlates the first with the second."""
    found = np.eye(n)
    for pair, correlation in pairs.items():
        i, j = ("abcdef".index(letter) for letter in pair)
        found[i, j] = found[j, i] = correlation
    return found


def test_two_get_the_inverse_of_their_variances() -> None:
    """1/.04 : 1/.01, whatever moves together."""
    found = hierarchical_risk_parity(correlations(2, ab=0.3), np.array([0.2, 0.1]))

    assert found == pytest.approx([0.2, 0.8], abs=1e-12)


def test_four_who_move_alone_get_the_inverse_of_their_variances() -> None:
    """A cluster of inverse variances has the inverse of their sum as variance, so halves compose."""
    volatility = np.array([0.1, 0.2, 0.3, 0.4])
    inverse = 1 / volatility**2

    assert hierarchical_risk_parity(np.eye(4), volatility) == pytest.approx(
        inverse / np.sum(inverse), abs=1e-12
    )


def test_those_who_move_together_stand_together_and_share() -> None:
    """First and third are nearly one; so they share what two who move alone have each."""
    correlation = correlations(4, ac=0.9, bd=0.9)

    assert leaf_order(correlation) == [0, 2, 1, 3]
    assert hierarchical_risk_parity(correlation, np.full(4, 0.1)) == pytest.approx([0.25] * 4, abs=1e-12)


def test_three_of_whom_two_are_nearly_one() -> None:
    """Leaves a, b, c; at ⌊3/2⌋ a stands alone against the pair, which hardly calms itself."""
    correlation = correlations(3, bc=0.8)

    assert leaf_order(correlation) == [0, 1, 2]
    # The pair's variance is (1 + .8)/2 = .9 of one's: .9/1.9 to a, half of the rest to each.
    assert hierarchical_risk_parity(correlation, np.full(3, 0.1)) == pytest.approx(
        [9 / 19, 5 / 19, 5 / 19], abs=1e-12
    )


def test_one_gets_all() -> None:
    """There is nothing to halve."""
    assert hierarchical_risk_parity(np.eye(1), np.array([0.1])).tolist() == [1.0]


def by_the_paper(correlation: Floats, volatility: Floats) -> tuple[list[int], Floats]:
    """
    Order of leaves and weights by the paper's steps, naively: join the two nearest clusters, oldest left.

    López de Prado (2016), snippets 1 to 4, on the rows of the distance matrix.
    """
    n = len(correlation)
    rows = np.sqrt((1 - correlation) / 2)
    covariance = correlation * np.outer(volatility, volatility)
    clusters = {i: [i] for i in range(n)}
    for new in range(n, 2 * n - 1):

        def apart(pair: tuple[int, int], held: dict[int, list[int]] = clusters) -> float:
            return min(float(np.linalg.norm(rows[i] - rows[j])) for i in held[pair[0]] for j in held[pair[1]])

        left, right = min(itertools.combinations(sorted(clusters), 2), key=apart)
        clusters[new] = clusters.pop(left) + clusters.pop(right)
    (order,) = clusters.values()
    weights = np.ones(n)

    def variance(items: list[int]) -> float:
        within = covariance[np.ix_(items, items)]
        inverse = 1 / np.diag(within)
        inverse /= np.sum(inverse)
        return float(inverse @ within @ inverse)

    def halve(items: list[int]) -> None:
        if len(items) < 2:
            return
        first, second = items[: len(items) // 2], items[len(items) // 2 :]
        part = 1 - variance(first) / (variance(first) + variance(second))
        weights[first] *= part
        weights[second] *= 1 - part
        halve(first)
        halve(second)

    halve(order)
    return order, weights


@given(n=st.integers(2, 9), seed=st.integers(0, 10_000), sides=st.sampled_from([0, 1]))
def test_it_is_the_paper_way(n: int, seed: int, sides: int) -> None:
    """The same order and the same weights as the steps written out, where no two distances are the same."""
    chance = np.random.default_rng(seed)
    loadings = chance.uniform(0.5 - sides, 1.5, (n, 1))
    known = estimate(list(chance.normal(0, 1, (n, 60)) + loadings * chance.normal(size=60)))
    assume(np.unique(known.correlation).size == 1 + n * (n - 1) // 2)
    order, weights = by_the_paper(known.correlation, known.volatility)

    assert leaf_order(known.correlation) == order
    assert hierarchical_risk_parity(known.correlation, known.volatility) == pytest.approx(weights, abs=1e-12)


def test_bounds_keep_proportions() -> None:
    """The calm one may have .5; the others keep theirs of the rest."""
    chance = np.random.default_rng(5)
    histories = [chance.normal(0, deviation, 60) for deviation in (0.005, 0.02, 0.03)]
    free, bound = (
        allocate([Candidate(f"agent-{i}", 1.0, 0.5, r, 0.0, upper) for i, r in enumerate(histories)], 1.0)
        for upper in (1.0, 0.5)
    )

    assert bound.weights[0] == 0.5
    assert bound.weights[1] / bound.weights[2] == pytest.approx(free.weights[1] / free.weights[2], rel=1e-9)
