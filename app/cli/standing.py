"""The tables of ``status``: partitions, the hierarchy, goals."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from app.cli.output import COLOURS, table
from app.snapshot import PartitionSnapshot
from domain.goals import whole_percent
from domain.ledger import Phase
from domain.money import MONEY
from domain.standing import drawdown, trading_pnl
from state.codec import AGENTS, FARMS, GOALS, PENDING, WALLETS
from state.entities import Agent, Scope
from state.records import Pending, State
from stream.envelope import rfc3339

_FIGURES = (
    *("budget", "equity", "from trading", "cash", "drawdown"),
    *("realised", "unrealised", "fees", "trades"),
)


def partition_table(snapshots: Sequence[PartitionSnapshot]) -> Table:
    """Who works on what, and how far it is."""
    right = ("epoch", "commits", "lag", "dead", "lease left")
    made = table("partition", "held by", "epoch", "commits", "lag", "dead", "lease left", right=right)
    for one in snapshots:
        held = one.lease_holder is not None
        made.add_row(
            str(one.keys.partition),
            one.lease_holder if held else Text("nobody", style="red"),
            str(one.checkpoint.epoch),
            f"{one.checkpoint.seq:,}",
            f"{one.lag:,}",
            Text(f"{one.dead:,}", style="yellow" if one.dead else ""),
            f"{one.lease_left_ms / 1000:.1f} s" if held else "-",
        )
    return made


def fleet_table(found: Mapping[str, Sequence[bytes]]) -> Table:
    """Wallets, under each its farms, under each its agents."""
    made = table("", "state", *_FIGURES, "tier", "breaker", right=_FIGURES)
    farms = [FARMS.decode(value) for value in found["farms"]]
    agents = [AGENTS.decode(value) for value in found["agents"]]
    for wallet in map(WALLETS.decode, found["wallets"]):
        inside = [agent for agent in agents if agent.wallet == wallet.id]
        _add_row(made, f"{wallet.id} ({wallet.currency})", wallet, _given(inside), style="bold")
        for farm in (farm for farm in farms if farm.wallet == wallet.id):
            under = [agent for agent in inside if agent.farm == farm.id]
            _add_row(made, f"  {farm.id}", farm, _given(under))
            for agent in under:
                _add_row(made, f"    {agent.id}", agent, agent.budget)
    return made


def goal_table(found: Mapping[str, Sequence[bytes]]) -> Table:
    """Goals and how far they are."""
    made = table(
        "goal", "wallet", "type", "state", "progress", "assigned", right=("progress",), fold=("assigned",)
    )
    for goal in map(GOALS.decode, found["goals"]):
        assigned = ", ".join(f"{one.type} {one.id}" for one in goal.assigned)
        progress = f"{whole_percent(goal.progress)}%"
        made.add_row(goal.id, goal.wallet, goal.goal_type, goal.state, progress, assigned)
    return made


def pending_of(found: Mapping[str, Sequence[bytes]]) -> list[Pending]:
    """Two-phase transfers that have not ended."""
    return [one for one in map(PENDING.decode, found["pending"]) if one.state is Phase.PENDING]


def pending_table(pending: Sequence[Pending]) -> Table:
    """Money that is held for somebody."""
    made = table("pending", "wallet", "from", "to", "amount", "reason", "until", right=("amount",))
    for one in pending:
        until = "-" if one.due is None else rfc3339(one.due)
        for transfer in one.transfers:
            row = one.id, one.wallet, transfer.debit, transfer.credit, _money(transfer.amount), one.reason
            made.add_row(*row, until)
    return made


def _given(agents: Sequence[Agent]) -> int:
    """Budget of a farm or wallet: what was allocated under it."""
    return sum(agent.budget for agent in agents)


def _add_row(made: Table, name: str, scope: Scope, budget: int, style: str = "") -> None:
    state = Text(scope.state, style="" if scope.state is State.ACTIVE else "red")
    if scope.trip is not None:
        state.append(f" ({scope.trip.reason})")
    made.add_row(
        Text(name, style=style),
        state,
        _money(budget),
        _money(scope.equity),
        _money(trading_pnl(scope)),
        _money(scope.cash),
        f"{drawdown(scope):.2%}",
        _money(scope.realized_pnl),
        _money(scope.unrealized_pnl),
        _money(scope.fees),
        f"{scope.trades:,}",
        scope.tier if isinstance(scope, Agent) else "",
        Text(scope.breaker, style=COLOURS[scope.breaker]),
    )


def _money(amount: int) -> str:
    """Money to the cent: a table is to be looked over, --json has every digit."""
    return f"{amount / MONEY:,.2f}"
