"""
Capital moves: when, and what is done with the plan.

The plan is the domain's; here it is asked for, its transfers are posted, and every agent is told.
"""

from domain.ledger import MASTER, Phase, Transaction, Transfer, agent_account, farm_account
from domain.money import PARTS
from domain.rebalance import Move, Plan
from domain.refusals import Refused
from domain.weighing import Weighing, refusal, takes_long
from handlers.steps.capital import tell_allocation
from handlers.steps.pending import hold
from handlers.steps.planning import Outlook, Proposal, describe, propose, survey
from handlers.steps.posting import transact
from handlers.turn import REBALANCE, Turn
from state.book import free
from state.entities import Agent
from state.records import Pending, State, Wanted


def request(turn: Turn, trigger: str, delay: int | None = None) -> None:
    """Ask for a rebalance; what is asked for within the rule's `settle` time is one."""
    wallet = turn.wallet
    due = turn.now + (wallet.rules.rebalance.settle if delay is None else delay)
    if wallet.rebalance_due is None or due < wallet.rebalance_due:
        wallet.rebalance_due = due
        wallet.rebalance_trigger = trigger
        turn.book.mark(wallet)
        turn.book.timers_changed()


def notice_drift(turn: Turn, agent: Agent) -> None:
    """Ask for a rebalance when an agent has left the band around its budget."""
    budget, book = agent.budget, turn.book
    # Every fill comes by: first a narrower band, which small numbers tell.
    if abs(agent.equity - budget) <= budget // book.drift_divisor or not _drifted(turn, agent):
        return
    wait = turn.wallet.rebalanced + turn.wallet.rules.rebalance.cooldown - turn.now
    request(turn, "drift", max(wait, 0))


def _drifted(turn: Turn, agent: Agent) -> bool:
    """Whether an agent has left the band around its budget."""
    budget = agent.budget
    return budget > 0 and abs(agent.equity - budget) * PARTS > turn.book.drift_parts * budget


def next_rebalance(turn: Turn) -> int | None:
    """Stream time of the next rebalance; None where none is to come."""
    wallet = turn.wallet
    if wallet.state is not State.ACTIVE or not turn.book.agents:
        return None
    interval = wallet.rules.rebalance.interval
    due = [wallet.rebalanced + interval] if interval else []
    if wallet.rebalance_due is not None:
        due.append(wallet.rebalance_due)
    return min(due, default=None)


def rebalance_if_due(turn: Turn) -> None:
    """Rebalance when the interval is over or what was asked for is due."""
    due = next_rebalance(turn)
    if due is None or due > turn.now:
        return
    asked = turn.wallet.rebalance_due
    trigger = turn.wallet.rebalance_trigger if asked is not None and asked <= turn.now else "interval"
    rebalance(turn, trigger)


def rebalance(turn: Turn, trigger: str, method: str | None = None) -> Proposal | Wanted | Refused:
    """
    Plan and carry out a rebalance, or have it planned beside the stream where that takes long.

    Refused, it changes nothing if a command asked for it, and else only the time of the next. While a plan
    that a command asked for is being computed, no other occasion comes before it.
    """
    wallet, outlook = turn.wallet, survey(turn.book)
    name = method or wallet.rules.rebalance.method
    asked = wallet.wanted
    if asked is not None and asked.trigger == "command" != trigger:
        _begin(turn)
        return asked
    if takes_long(outlook.holdings, name):
        return _ask(turn, outlook, trigger, name)
    proposal = propose(outlook, name)
    if isinstance(proposal, Refused) and trigger == "command":
        return proposal
    _begin(turn)
    wallet.wanted = None
    if not isinstance(proposal, Refused):
        _carry_out(turn, proposal, trigger)
    return proposal


def _ask(turn: Turn, outlook: Outlook, trigger: str, method: str) -> Wanted | Refused:
    """Ask for weights; those that are being computed will do, but for a command, which is done as it says."""
    wallet = turn.wallet
    refused = refusal(outlook.holdings, wallet.rules.rebalance, method)
    if refused is not None and trigger == "command":
        return refused
    _begin(turn)
    if refused is not None:
        return refused
    if wallet.wanted is None or trigger == "command":
        wallet.plans += 1
        wallet.wanted = Wanted(wallet.plans, method, trigger, turn.cause, turn.by)
    return wallet.wanted


def apply_weights(turn: Turn, wanted: Wanted, weighing: Weighing | None) -> None:
    """Carry out the plan that follows from weights, if the wallet and its rules still allow one."""
    wallet = turn.wallet
    wallet.wanted = None
    turn.book.mark(wallet)
    if weighing is None or wallet.state is not State.ACTIVE:
        return
    proposal = propose(survey(turn.book), wanted.method, weighing)
    if not isinstance(proposal, Refused):
        wallet.rebalanced = turn.now
        turn.book.timers_changed()
        _carry_out(turn, proposal, wanted.trigger, wanted.number)


def _begin(turn: Turn) -> None:
    """Note that the rebalance that was asked for, or due, is under way."""
    wallet = turn.wallet
    wallet.rebalanced = turn.now
    wallet.rebalance_due = None
    wallet.rebalance_trigger = ""
    turn.book.mark(wallet)
    turn.book.timers_changed()


def return_pending(turn: Turn, agent: Agent) -> None:
    """Take back what an agent owes, as far as it has come free."""
    amount = min(free(agent), agent.pending_return)
    if amount <= 0:
        return
    agent.pending_return -= amount
    _move(turn, Move(agent.id, -amount), "pending_return")


def _carry_out(turn: Turn, proposal: Proposal, trigger: str, number: int | None = None) -> None:
    """Tell the plan, then make its moves; each agent hears its new budget."""
    book, made = turn.book, proposal.plan
    turn.wallet.reserve = made.reserve
    asked = _take_over(turn, made)
    # A plan by the clock or for drift that moves nothing is no news.
    if made.moves or trigger not in ("interval", "drift"):
        turn.emit(REBALANCE, "farm_rebalance", turn.wallet.id, describe(proposal, trigger, number))
    _empty_farms(turn)
    acknowledge = turn.wallet.rules.rebalance.acknowledge
    for move in made.moves:
        agent = book.agents[move.agent]
        asked.pop(agent.id, None)
        offered = move.amount > 0 and acknowledge > 0
        # What an agent still owes is not its to work with, nor what it has yet to confirm.
        agent.budget = max(agent.equity + (0 if offered else move.amount) - agent.pending_return, 0)
        book.mark(agent)
        if offered:
            _offer(turn, move, acknowledge)
        else:
            _move(turn, move, trigger)
    for agent in asked.values():
        # Nothing moved; the agent has to know what it is asked for, or may keep, all the same.
        agent.budget = max(agent.equity - agent.pending_return, 0)
        book.mark(agent)
        tell_allocation(turn, agent, 0, trigger)


def _take_over(turn: Turn, made: Plan) -> dict[str, Agent]:
    """
    Give agents their ratings, weights and pending returns.

    Returns those whose budget changes even if nothing moves: of them more is asked than before, or they have
    left the band around their budget and may keep what they have. Were that budget left as it is, the same
    drift would ask for a rebalance again and again.
    """
    told: dict[str, Agent] = {}
    for share in made.shares:
        agent = turn.book.agents[share.agent]
        running = agent.state is State.ACTIVE
        weight, pending = share.weight if running else 0.0, made.pending[share.agent]
        if running and (pending > agent.pending_return or _drifted(turn, agent)):
            told[agent.id] = agent
        new = (weight, pending, share.score, share.tier)
        if (agent.weight, agent.pending_return, agent.score, agent.tier) != new:
            agent.weight, agent.pending_return, agent.score, agent.tier = new
            turn.book.mark(agent)
    return told


def _empty_farms(turn: Turn) -> None:
    """Bring cash that waits with farms to the master, who gives it out."""
    for farm in sorted(turn.book.farms.values(), key=lambda farm: farm.id):
        idle = farm.cash - farm.held
        if idle > 0:
            transfer = Transfer(farm_account(farm.id), MASTER, idle)
            transact(turn, [transfer], "rebalance", f"{turn.cause}/{farm.id}")


def _offer(turn: Turn, move: Move, timeout: int) -> None:
    """Hold money for an agent until it confirms that it has it."""
    transaction = Transaction(
        id=f"allocation/{turn.wallet.transactions + 1}",
        reason="rebalance",
        phase=Phase.PENDING,
        holds=[Transfer(MASTER, agent_account(move.agent), move.amount)],
    )
    made = hold(turn, transaction, timeout, acknowledge=True)
    assert isinstance(made, Pending), made  # noqa: S101  # the plan gives only what is there


def _move(turn: Turn, move: Move, reason: str) -> None:
    agent = turn.book.agents[move.agent]
    account = agent_account(agent.id)
    debit, credit = (MASTER, account) if move.amount > 0 else (account, MASTER)
    transfer = Transfer(debit, credit, abs(move.amount))
    refused = transact(turn, [transfer], "rebalance", f"{turn.cause}/{reason}/{agent.id}")
    assert refused is None, refused  # noqa: S101  # the plan takes and gives only what is there
    tell_allocation(turn, agent, move.amount, reason)
