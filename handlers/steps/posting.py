"""Money moves: checked, recorded in the ledger, taken into the standings as a flow, and told."""

from collections.abc import Sequence

from domain.ledger import Transfer, check, record
from domain.refusals import Refused
from domain.standing import flow
from handlers.steps.journal import settle, tell
from handlers.steps.updates import touch
from handlers.steps.valuation import roll_to_now
from handlers.turn import Turn
from state.entities import Agent, Scope


def transact(turn: Turn, transfers: Sequence[Transfer], reason: str, transaction: str) -> Refused | None:
    """
    Post linked transfers between a wallet's accounts, or refuse them all and change nothing.

    ``transaction`` is the id it goes by.
    """
    refused = check(turn.book, transfers)
    if refused is None:
        correct(turn, transfers, reason, transaction)
    return refused


def correct(turn: Turn, transfers: Sequence[Transfer], reason: str, transaction: str) -> None:
    """Post what has happened already, whatever the balances."""
    agents = _agents_in(turn, transfers)
    # Fills come first in the chain, so that each transaction's balances follow from the one before.
    for agent in agents:
        settle(turn, agent)
    held = [agent.cash + agent.cost for agent in agents]
    flows = _flows(turn, transfers)
    record(turn.book, transfers)
    for agent, before in zip(agents, held, strict=True):
        moved = agent.cash + agent.cost - before
        # Profit that left with the money is not there to be swept any more.
        agent.high_water = max(agent.high_water + moved, 0)
        agent.flows_since += moved
        agent.moved = turn.now
    for scope, amount in flows:
        if amount:
            roll_to_now(turn, scope)
            flow(scope, amount)
        touch(turn, scope)
    tell(turn, transfers, reason, transaction)


def _agents_in(turn: Turn, transfers: Sequence[Transfer]) -> list[Agent]:
    """Agents whose accounts are involved, in the order of their ids."""
    names = {
        account.partition("/")[2]
        for transfer in transfers
        for account in (transfer.debit, transfer.credit)
        if account.startswith(("agent/", "positions/"))
    }
    return [turn.book.agents[name] for name in sorted(names)]


def _flows(turn: Turn, transfers: Sequence[Transfer]) -> list[tuple[Scope, int]]:
    """Net flow of each scope that money enters or leaves; nothing for one where it only changes hands."""
    net: dict[str, int] = {}
    found: dict[str, Scope] = {}
    holders: set[str] = set()
    for transfer in transfers:
        for account, amount in ((transfer.debit, -transfer.amount), (transfer.credit, transfer.amount)):
            scopes = _scopes_of(turn, account)
            holders.update(f"{kind}/{scope.id}" for kind, scope in scopes[:1])
            for kind, scope in scopes:
                key = f"{kind}/{scope.id}"
                found[key] = scope
                net[key] = net.get(key, 0) + amount
    return [(found[key], amount) for key, amount in net.items() if amount or key in holders]


def _scopes_of(turn: Turn, account: str) -> list[tuple[str, Scope]]:
    kind, _, name = account.partition("/")
    wallet: tuple[str, Scope] = ("wallet", turn.wallet)
    if kind == "wallet":
        return [wallet]
    if kind == "farm":
        return [("farm", turn.book.farms[name]), wallet]
    if kind in ("agent", "positions"):
        agent = turn.book.agents[name]
        return [("agent", agent), ("farm", turn.book.farms[agent.farm]), wallet]
    return []
