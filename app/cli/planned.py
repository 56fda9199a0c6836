"""The tables of ``plan``."""

from collections.abc import Mapping

from rich.table import Table

from app.cli.output import table
from domain.money import MONEY
from domain.rating import Evidence
from handlers.steps.planning import Proposal

_FIGURES = ("score", "now", "weight", "target", "move")


def comparison_table(proposals: Mapping[str, Proposal]) -> Table:
    """Weights of every agent by every method."""
    made = table("agent", "farm", "tier", "advice", "now", *proposals, right=("now", *proposals))
    first = next(iter(proposals.values()))
    weights = {
        method: {share.agent: share.weight for share in one.plan.shares} for method, one in proposals.items()
    }
    for share in first.plan.shares:
        made.add_row(
            share.agent,
            share.farm,
            str(share.tier),
            str(first.ratings[share.agent].recommendation),
            _percent(share.before),
            *(_percent(weights[method][share.agent]) for method in proposals),
        )
    rest = (_percent(max(1 - sum(each.values()), 0)) for each in weights.values())
    made.add_row("(the master)", "", "", "", "", *rest)
    return made


def plan_table(proposal: Proposal) -> Table:
    """Every agent: what it has, what it is to have and why, what moves, and what led to the advice."""
    made = table("agent", "farm", "tier", *_FIGURES, "why", "advice", "because", right=_FIGURES)
    moves = {move.agent: move.amount for move in proposal.plan.moves}
    for share in proposal.plan.shares:
        rating = proposal.ratings[share.agent]
        made.add_row(
            share.agent,
            share.farm,
            str(share.tier),
            f"{share.score:.2f}",
            _percent(share.before),
            _percent(share.weight),
            _money(share.target),
            f"{moves[share.agent] / MONEY:+,.2f}" if share.agent in moves else "-",
            ", ".join(share.reasons),
            str(rating.recommendation),
            ", ".join(map(_spoken, rating.because)),
        )
    return made


def summary(proposal: Proposal) -> str:
    """Tell of a plan what is not any agent's, on one line."""
    made = proposal.plan
    moved = sum(abs(move.amount) for move in made.moves)
    parts = [
        f"capital {_money(made.capital)}",
        f"reserve {_money(made.reserve)}",
        f"{len(made.moves)} transfer{'' if len(made.moves) == 1 else 's'} of {_money(moved)}",
    ]
    parts += [f"{held.reason} {_money(held.amount)}" for held in made.held_back if held.agent is None]
    if made.fallback:
        parts.append(f"fell back to {made.fallback}")
    if made.deviation:
        parts.append(f"risk up to {_percent(made.deviation)} off its budget")
    return ", ".join(parts)


def _spoken(evidence: Evidence) -> str:
    value = "unknown" if evidence.value is None else f"{evidence.value:.4g}"
    if evidence.limit is not None:
        return f"{evidence.metric} {value} (limit {evidence.limit:.4g})"
    standing = "" if evidence.standing is None else f" (better than {evidence.standing:.0%})"
    return f"{evidence.metric} {value}{standing}"


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _money(amount: int) -> str:
    """Money to the cent; --json has every digit."""
    return f"{amount / MONEY:,.2f}"
