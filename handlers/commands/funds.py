"""Money in and out, and between scopes; collections and rebalances on request."""

from typing import Any, Literal

from domain.ledger import MASTER, WORLD, Transfer, agent_account, farm_account
from domain.money import money_text
from domain.refusals import Refusal, Refused
from handlers.commands.types import Answer, Body, Done, ScopeName, find_scope, open_agent
from handlers.reading import find_agent, read_fine, read_money
from handlers.steps import collecting, rebalancing
from handlers.steps.capital import tell_allocation
from handlers.steps.planning import describe
from handlers.steps.posting import transact
from handlers.turn import Turn
from state.book import Book
from state.entities import Agent, Farm, Scope, State


class Deposit(Body, kw_only=True):
    """``deposit``: from outside to the master."""

    amount: Any

    def check(self, book: Book) -> None:  # noqa: ARG002  # one signature for all bodies
        """Check the amount."""
        read_amount(self.amount)


class Withdraw(Body, kw_only=True):
    """``withdraw``: from the master to outside."""

    amount: Any

    def check(self, book: Book) -> None:  # noqa: ARG002  # one signature for all bodies
        """Check the amount."""
        read_amount(self.amount)


class Move(Body, kw_only=True):
    """``transfer``; with ``at_most`` it takes what is there."""

    source: ScopeName
    target: ScopeName
    amount: Any
    at_most: bool = False

    def check(self, book: Book) -> None:
        """Check the scopes and the amount."""
        find_scope(book, self.source)
        find_scope(book, self.target)
        read_amount(self.amount)


class Allocate(Body, kw_only=True):
    """``allocate``: from the master to an agent."""

    agent: str
    amount: Any

    def check(self, book: Book) -> None:
        """Check the agent and the amount."""
        find_agent(book, self.agent)
        read_amount(self.amount)


class Collect(Body, kw_only=True):
    """``collect``: to the master, profit, all or an amount."""

    scope: ScopeName
    what: Literal["profit", "all"] = "profit"
    amount: Any = None

    def check(self, book: Book) -> None:
        """Check the scope and the amount."""
        find_scope(book, self.scope)
        if self.amount is not None:
            read_amount(self.amount)


class Rebalance(Body, kw_only=True):
    """``rebalance``, by another method if one is named."""

    method: str | None = None


def deposit(turn: Turn, body: Deposit) -> Answer:
    """Take money in."""
    if turn.wallet.state is State.CLOSED:
        return Refused(Refusal.ACCOUNT_CLOSED, f"Wallet {turn.wallet.id} is closed.")
    return _rebalance_after(turn, _post(turn, WORLD, MASTER, body.amount, "deposit", body.id), "deposit")


def withdraw(turn: Turn, body: Withdraw) -> Answer:
    """Pay money out."""
    return _rebalance_after(turn, _post(turn, MASTER, WORLD, body.amount, "withdraw", body.id), "withdraw")


def transfer(turn: Turn, body: Move) -> Answer:
    """Move money between two scopes of the wallet."""
    source, target = find_scope(turn.book, body.source), find_scope(turn.book, body.target)
    if target.state in (State.RETIRED, State.CLOSED):
        return Refused(Refusal.ACCOUNT_CLOSED, f"{body.target.type} {target.id} is {target.state}.")
    if isinstance(target, Agent) and target.state is State.STOPPED:
        return Refused(Refusal.AGENT_STOPPED, f"Agent {target.id} is stopped; resume it first.")
    amount = read_amount(body.amount)
    if isinstance(amount, Refused):
        return amount
    if body.at_most:
        amount = min(amount, turn.book.available(_account(source)))
        if amount <= 0:
            return Refused(
                Refusal.EXCEEDS_AVAILABLE, f"{body.source.type} {source.id} has nothing available."
            )
    answer = _post(turn, _account(source), _account(target), money_text(amount), "transfer", body.id)
    if isinstance(answer, Done):
        for scope, moved in ((source, -amount), (target, amount)):
            if isinstance(scope, Agent):
                scope.budget = max(scope.budget + moved, 0)
                tell_allocation(turn, scope, moved, "transfer")
    return answer


def allocate(turn: Turn, body: Allocate) -> Answer:
    """Give an agent money of the master's."""
    agent = open_agent(turn.book, body.agent)
    if isinstance(agent, Refused):
        return agent
    if agent.state is State.STOPPED:
        return Refused(Refusal.AGENT_STOPPED, f"Agent {agent.id} is stopped; resume it first.")
    answer = _post(turn, MASTER, agent_account(agent.id), body.amount, "allocate", body.id)
    if isinstance(answer, Done):
        amount = read_money(body.amount, "amount")
        agent.budget += amount
        tell_allocation(turn, agent, amount, "allocate")
    return answer


def collect(turn: Turn, body: Collect) -> Answer:
    """Bring money back to the master."""
    scope = find_scope(turn.book, body.scope)
    agents = turn.book.agents_under(scope)
    if body.amount is not None:
        amount = read_amount(body.amount)
        if isinstance(amount, Refused):
            return amount
        found = collecting.collect_amount(turn, agents, amount, "command")
    elif body.what == "all":
        found = collecting.collect_all(turn, agents, "command")
    else:
        found = collecting.collect_profit(turn, agents, "command")
    if not any(found):
        return Refused(Refusal.NOTHING_TO_COLLECT, f"There is nothing to collect at {body.scope.id}.")
    return Done({"collected": money_text(found.taken), "pending": money_text(found.pending)})


def rebalance(turn: Turn, body: Rebalance) -> Answer:
    """Rebalance now."""
    if turn.wallet.state is not State.ACTIVE:
        return Refused(Refusal.WALLET_STOPPED, f"Wallet {turn.wallet.id} is {turn.wallet.state}.")
    made = rebalancing.rebalance(turn, "command", body.method)
    return made if isinstance(made, Refused) else Done(describe(made, "command"))


def read_amount(number: object) -> int | Refused:
    """Read an amount of money above zero, exactly. Raises `MalformedError` for what is no number."""
    exact = read_fine(number, "amount")
    amount = read_money(number, "amount")
    if exact <= 0:
        return Refused(Refusal.AMOUNT_NOT_POSITIVE, "An amount to move is above zero.")
    if amount * 10_000 != exact:
        return Refused(Refusal.AMOUNT_TOO_FINE, "An amount has at most eight decimals.")
    return amount


def _post(turn: Turn, debit: str, credit: str, number: object, reason: str, transaction: str) -> Answer:
    amount = read_amount(number)
    if isinstance(amount, Refused):
        return amount
    refused = transact(turn, [Transfer(debit, credit, amount)], reason, transaction)
    if refused is not None:
        return refused
    balances = {account: money_text(turn.book.balance(account)) for account in (debit, credit)}
    return Done({"amount": money_text(amount), "balances": balances})


def _rebalance_after(turn: Turn, answer: Answer, trigger: str) -> Answer:
    if isinstance(answer, Done):
        rebalancing.request(turn, trigger)
    return answer


def _account(scope: Scope) -> str:
    if isinstance(scope, Agent):
        return agent_account(scope.id)
    return farm_account(scope.id) if isinstance(scope, Farm) else MASTER
