"""Money moves: checked, recorded in the ledger, taken into the standings as a flow, and told."""

from collections.abc import Sequence

from domain.ledger import Transaction, Transfer, check, record
from domain.refusals import Refusal, Refused
from domain.standing import flow
from handlers.steps.journal import settle, tell
from handlers.steps.updates import touch
from handlers.steps.valuation import roll_to_now
from handlers.turn import Turn
from state.book import Book, kind_of
from state.entities import Agent, Scope
from state.records import State


def transact(
    turn: Turn, transfers: Sequence[Transfer], reason: str, transaction: str, *, corrects: str | None = None
) -> Refused | None:
    """
    Post linked transfers between a wallet's accounts, or refuse them all and change nothing.

    ``transaction`` is the id it goes by, ``corrects`` that of one whose mistake it makes good.
    """
    refused = check(turn.book, transfers)
    if refused is None:
        enter(turn, Transaction(id=transaction, reason=reason, transfers=transfers, corrects=corrects))
    return refused


def correct(turn: Turn, transfers: Sequence[Transfer], reason: str, transaction: str) -> None:
    """Post what has happened already, whatever the balances."""
    enter(turn, Transaction(id=transaction, reason=reason, transfers=transfers))


def check_open(book: Book, transfers: Sequence[Transfer]) -> Refused | None:
    """
    Tell whether money may move between the scopes of these accounts.

    Refusals: ``account_closed`` where one is retired or closed, ``agent_stopped`` where that would get it.
    """
    for transfer in transfers:
        for scope in (book.holder(transfer.debit), book.holder(transfer.credit)):
            if scope.state in (State.RETIRED, State.CLOSED):
                return Refused(Refusal.ACCOUNT_CLOSED, f"{kind_of(scope)} {scope.id} is {scope.state}.")
        target = book.holder(transfer.credit)
        if isinstance(target, Agent) and target.state is State.STOPPED:
            return Refused(Refusal.AGENT_STOPPED, f"Agent {target.id} is stopped; resume it first.")
    return None


def enter(turn: Turn, transaction: Transaction) -> None:
    """Enter a transaction that was checked, or has happened already, into the ledger, and tell it."""
    transfers = transaction.transfers
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
    tell(turn, transaction)


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
