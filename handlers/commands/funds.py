"""Money in and out, to agents and back; rebalances on request."""

from typing import Any, Literal

from domain.ledger import MASTER, WORLD, agent_account
from domain.money import money_text
from domain.refusals import Refusal, Refused
from handlers.commands.payment import Leg, Payment, pay, read_amount
from handlers.commands.types import Answer, Body, Done, ScopeName, find_scope, open_agent
from handlers.reading import find_agent
from handlers.steps import collecting, rebalancing
from handlers.steps.planning import describe
from handlers.turn import Turn
from state.book import Book, free
from state.records import State, Wanted


class Deposit(Payment, kw_only=True):
    """``deposit``: from outside to the master."""

    def legs(self) -> list[Leg]:
        """Return the transfer it asks for; outside there is no end of money."""
        return [Leg(WORLD, MASTER, self.amount, at_most=False)]


class Withdraw(Payment, kw_only=True):
    """``withdraw``: from the master to outside."""

    def legs(self) -> list[Leg]:
        """Return the transfer it asks for."""
        return [Leg(MASTER, WORLD, self.amount, self.at_most)]


class Allocate(Payment, kw_only=True):
    """``allocate``: from the master to an agent."""

    agent: str

    def check(self, book: Book) -> None:
        """Check the agent and the amount."""
        find_agent(book, self.agent)
        super().check(book)

    def legs(self) -> list[Leg]:
        """Return the transfer it asks for."""
        return [Leg(MASTER, agent_account(self.agent), self.amount, self.at_most)]


class Collect(Body, kw_only=True):
    """``collect``: to the master, profit, all or an amount."""

    scope: ScopeName
    what: Literal["profit", "all"] = "profit"
    amount: Any = None
    at_most: bool = False

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
    return _rebalance_after(turn, pay(turn, body, "deposit"), "deposit")


def withdraw(turn: Turn, body: Withdraw) -> Answer:
    """Pay money out."""
    return _rebalance_after(turn, pay(turn, body, "withdraw"), "withdraw")


def allocate(turn: Turn, body: Allocate) -> Answer:
    """Give an agent money of the master's; with the rule `acknowledge` once it confirms to have it."""
    agent = open_agent(turn.book, body.agent)
    if isinstance(agent, Refused):
        return agent
    return pay(turn, body, "allocate", acknowledge=turn.wallet.rules.rebalance.acknowledge)


def collect(turn: Turn, body: Collect) -> Answer:
    """Bring money back to the master."""
    scope = find_scope(turn.book, body.scope)
    agents = turn.book.agents_under(scope)
    if body.amount is not None:
        amount = read_amount(body.amount)
        if isinstance(amount, Refused):
            return amount
        there = sum(free(agent) for agent in agents)
        if there < amount and not body.at_most:
            text = f"{body.scope.type} {scope.id} has {money_text(there)} free to collect."
            return Refused(Refusal.EXCEEDS_AVAILABLE, text)
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
    if isinstance(made, Wanted):
        under_way = {"method": made.method, "plan": made.number, "under_way": not body.dry_run}
        return Done(under_way)
    return made if isinstance(made, Refused) else Done(describe(made, "command"))


def _rebalance_after(turn: Turn, answer: Answer, trigger: str) -> Answer:
    if isinstance(answer, Done):
        rebalancing.request(turn, trigger)
    return answer
