"""
What the methods that read returns do about those of whom there are none to read.

Rules kept here:

1. A candidate without a history (fewer than 30 bins, or nothing ever moved) enters with what `performance`
   would give it, but with no more than the parameter `newcomer` of the share, unless its lower bound asks for
   more. The method gives out the rest among the others. The fallback says `too_few_bins:capped_prior`.
2. What the others have no room for goes to the newcomers all the same, by their priors, unless the method
   keeps cash.
3. Where nobody has a history, `performance` gives out everything: `too_few_bins:performance`. A method that
   keeps cash still caps.
4. Where arithmetic fails, `performance` gives out what the method would have: `no_solution:performance`.
5. Candidates are put in the order of their ids before anything is computed, and those who are alike in
   everything get their mean, so that neither the order nor a tie decides who gets what.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from domain.allocation import performance
from domain.allocation.bounds import proportional_fill
from domain.allocation.types import Candidate, Floats, Parameters, Weights, joined
from domain.covariance import has_history

_NOTHING: Final = 1e-30  # of the whole: less than a unit of any money, and arithmetic may overflow


class Seasoned(msgspec.Struct, frozen=True, eq=False):
    """
    Candidates with a history, at least one, in the order of their ids, and what they are to get.

    `lower` and `upper` have shape (n,); `total` lies between their sums, but for rounding.
    """

    candidates: Sequence[Candidate]
    lower: Floats
    upper: Floats
    total: float
    parameters: Parameters

    @property
    def returns(self) -> list[Floats]:
        """Histories of the candidates."""
        return [candidate.returns for candidate in self.candidates]


Solve = Callable[[Seasoned], Weights]


def by_history(
    candidates: Sequence[Candidate],
    share: float,
    parameters: Parameters,
    solve: Solve,
    *,
    keeps_cash: bool = False,
) -> Weights:
    """
    Weigh by a method that needs a history, and those who have none by the rules above.

    Args:
        candidates: in any order.
        share: what there is to give.
        parameters: handed on.
        solve: weighs those who have a history, within their bounds and the total.
        keeps_cash: whether the method may leave some of the share.

    """
    order = sorted(range(len(candidates)), key=lambda i: candidates[i].id)
    ranked = [candidates[i] for i in order]
    found = _weigh(ranked, share, parameters, solve, keeps_cash=keeps_cash)
    weights = np.empty(len(order))
    weights[order] = found.weights
    return Weights(weights, found.fallback, found.deviation)


def _weigh(
    candidates: list[Candidate], share: float, parameters: Parameters, solve: Solve, *, keeps_cash: bool
) -> Weights:
    by_prior = performance.allocate(candidates, share)
    known = np.array([has_history(candidate.returns) for candidate in candidates], dtype=np.bool_)
    if known.size == 0:
        return by_prior
    if not known.any() and not keeps_cash:
        return Weights(by_prior.weights, joined(["too_few_bins:performance", by_prior.fallback]))
    lower = np.array([candidate.lower for candidate in candidates])
    upper = np.array([candidate.upper for candidate in candidates])
    total, weights = min(share, math.fsum(upper)), by_prior.weights
    fallback = None
    if not known.all():
        fallback = "too_few_bins:capped_prior"
        capped = np.minimum(weights[~known], np.maximum(lower[~known], parameters.newcomer * total))
        overflow = total - math.fsum(upper[known])
        if math.fsum(capped) < overflow and not keeps_cash:
            prior = np.array([candidate.prior for candidate in candidates])[~known]
            capped = proportional_fill(prior, capped, upper[~known], overflow)
        weights[~known] = capped
        total -= math.fsum(capped)
    if not known.any():
        return Weights(weights, fallback)
    seasoned = [candidate for candidate, has in zip(candidates, known.tolist(), strict=True) if has]
    found = _solved(solve, Seasoned(seasoned, lower[known], upper[known], total, parameters))
    weights[known] = _alike(seasoned, found.weights, lower[known], upper[known])
    return Weights(weights, joined([fallback, found.fallback]), found.deviation)


def _solved(solve: Solve, seasoned: Seasoned) -> Weights:
    """Let a method weigh; a failure of arithmetic must not stop a worker, and is told instead."""
    if seasoned.total <= _NOTHING:
        return Weights(seasoned.lower.copy())
    try:
        found = solve(seasoned)
    except np.linalg.LinAlgError:
        found = None
    if found is not None and np.all(np.isfinite(found.weights)):
        return found
    by_prior = performance.allocate(seasoned.candidates, seasoned.total)
    return Weights(by_prior.weights, joined(["no_solution:performance", by_prior.fallback]))


def _alike(candidates: Sequence[Candidate], weights: Floats, lower: Floats, upper: Floats) -> Floats:
    """Give those who are alike in everything but their ids the mean of their weights."""
    groups: dict[tuple[float | bytes, ...], list[int]] = {}
    for i, c in enumerate(candidates):
        groups.setdefault((c.prior, c.score, c.lower, c.upper, c.returns.tobytes()), []).append(i)
    evened = weights.copy()
    for group in groups.values():
        if len(group) > 1:
            evened[group] = math.fsum(weights[group]) / len(group)
    clipped: Floats = np.clip(evened, lower, upper)
    return clipped
