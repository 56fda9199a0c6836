"""Lower bounds that could not hold together are refused when they are set, not when money is to move."""

from collections.abc import Mapping

from domain.minima import OwnBounds, beyond, sum_of_minima
from domain.refusals import Refusal, Refused
from domain.rules import RebalanceRules
from state.book import Book


def own_bounds(book: Book) -> dict[str, OwnBounds]:
    """Bounds that each agent of a wallet has of its own, those of retired ones left out."""
    return {agent.id: (agent.min_weight, agent.max_weight) for agent in book.agents_under(book.wallet)}


def check_minima(
    book: Book, bounds: Mapping[str, OwnBounds], rules: RebalanceRules | None = None
) -> Refused | None:
    """
    Tell whether agents may have these bounds, under other rules if any are given.

    Minima that sum to too much already may stay, or come down step by step.
    """
    now = book.wallet.rules.rebalance
    minima = sum_of_minima(bounds.values(), rules or now)
    if not beyond(minima) or minima <= sum_of_minima(own_bounds(book).values(), now):
        return None
    text = f"The agents would have at least {minima:.6g} of 1 between them; lower a min_weight first."
    return Refused(Refusal.INFEASIBLE_BOUNDS, text)
