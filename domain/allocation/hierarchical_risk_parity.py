"""
Diversified: capital is halved again and again along the tree of who moves with whom.

López de Prado (2016), "Building Diversified Portfolios that Outperform Out of Sample", J. Portfolio
Management 42(4). Agents are points, each its row of distances √((1 - r)/2), r being a correlation; single
linkage joins the nearest; in the order of the leaves the list is bisected at ⌊n/2⌋ again and again, and each
half gets the more the less its variance. No matrix is inverted.

Bounds are not the paper's: the weights keep their proportions as far as the bounds allow.
"""

from collections.abc import Sequence

import numpy as np

from domain.allocation.bounds import proportional_fill
from domain.allocation.history import Seasoned, by_history
from domain.allocation.types import DEFAULTS, Candidate, Floats, Parameters, Weights
from domain.covariance import estimate


def allocate(candidates: Sequence[Candidate], share: float, parameters: Parameters = DEFAULTS) -> Weights:
    """Weigh by hierarchical risk parity. Keeps the laws of `Method`; ties are decided by the order of ids."""
    return by_history(candidates, share, parameters, _solve)


def hierarchical_risk_parity(correlation: Floats, volatility: Floats) -> Floats:
    """
    Weights of hierarchical risk parity; they sum to 1.

    Args:
        correlation: shape (n, n), n at least 1.
        volatility: shape (n,), positive.

    """
    leaves = leaf_order(correlation)
    scale = volatility[leaves] / np.max(volatility)
    ordered = correlation[np.ix_(leaves, leaves)] * np.outer(scale, scale)
    shares = np.ones(len(leaves))
    ranges = [(0, len(leaves))]
    while ranges:
        start, end = ranges.pop()
        if end - start < 2:
            continue
        middle = start + (end - start) // 2
        left, right = _variance(ordered, start, middle), _variance(ordered, middle, end)
        shares[start:middle] *= right / (left + right)
        shares[middle:end] *= left / (left + right)
        ranges += [(start, middle), (middle, end)]
    weights = np.empty_like(shares)
    weights[leaves] = shares
    return weights


def leaf_order(correlation: Floats) -> list[int]:
    """
    Leaves of the tree of single linkage from left to right, its points rows of √((1 - r)/2).

    Where two clusters join, the one that is older stands left: a single point before any cluster.
    """
    n = len(correlation)
    distance = np.sqrt(np.clip((1 - correlation) / 2, 0.0, 1.0))
    norms = np.sum(np.square(distance), axis=1)
    squares = norms[:, np.newaxis] + norms - 2 * distance @ distance.T
    parent, age, leaves = list(range(n)), list(range(n)), [[i] for i in range(n)]
    root = 0
    for join, (_, i, j) in enumerate(sorted(_spanning_tree(squares), key=lambda edge: edge[0]), n):
        root, young = sorted((_root(parent, i), _root(parent, j)), key=age.__getitem__)
        leaves[root] += leaves[young]
        parent[young], age[root] = root, join
    return leaves[root]


def _root(parent: list[int], i: int) -> int:
    while parent[i] != i:
        parent[i] = i = parent[parent[i]]
    return i


def _spanning_tree(squares: Floats) -> list[tuple[float, int, int]]:
    """Edges of the least spanning tree (Prim 1957): length, and the points it joins."""
    n = len(squares)
    outside = np.ones(n, dtype=np.bool_)
    near, nearest = np.full(n, np.inf), np.zeros(n, dtype=np.intp)
    edges, at = [], 0
    for _ in range(n - 1):
        outside[at] = False
        closer = outside & (squares[at] < near)
        near[closer], nearest[closer] = squares[at][closer], at
        at = int(np.argmin(np.where(outside, near, np.inf)))
        edges.append((float(near[at]), int(nearest[at]), at))
    return edges


def _variance(covariance: Floats, start: int, end: int) -> float:
    """Variance of a cluster whose weights are in inverse proportion to the variances."""
    within = covariance[start:end, start:end]
    weights = 1 / np.diag(within)
    weights /= np.sum(weights)
    return float(weights @ within @ weights)


def _solve(seasoned: Seasoned) -> Weights:
    known = estimate(seasoned.returns)
    wanted = hierarchical_risk_parity(known.correlation, known.volatility)
    return Weights(proportional_fill(wanted, seasoned.lower, seasoned.upper, seasoned.total))
