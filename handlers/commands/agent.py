"""Agents are registered, changed, assigned to another farm and retired."""

from msgspec import UNSET, UnsetType

from domain.refusals import Refusal, Refused
from domain.rules import RiskMode
from domain.signing import read_key
from domain.standing import flow
from handlers.commands.minima import check_minima, own_bounds
from handlers.commands.types import Answer, Body, Done, find_farm, note_change, open_agent, open_farm
from handlers.reading import check_id, find_agent, given
from handlers.steps.rebalancing import request
from handlers.steps.stopping import come_under, lay_off, sweep_stopped
from handlers.steps.updates import touch
from handlers.steps.valuation import roll_to_now
from handlers.turn import WALLET, Turn
from state.book import Book
from state.entities import Agent
from state.records import State
from stream.errors import MalformedError


class Register(Body, kw_only=True):
    """``agent_register``."""

    agent: str
    farm: str
    strategy: str = ""
    risk_mode: RiskMode = RiskMode.BALANCED
    public_key: str | None = None

    def check(self, book: Book) -> None:
        """Check the id and the key, and that there is such a farm."""
        check_id(self.agent, "agent")
        _check_key(self.public_key)
        find_farm(book, self.farm)


class Configure(Body, kw_only=True):
    """``agent_configure``: what is left out stays, what is null is as it is when it was never given."""

    agent: str
    strategy: str | UnsetType | None = UNSET
    risk_mode: RiskMode | UnsetType | None = UNSET
    min_weight: float | UnsetType | None = UNSET
    max_weight: float | UnsetType | None = UNSET
    public_key: str | UnsetType | None = UNSET

    def check(self, book: Book) -> None:
        """Check the key, and that there is such an agent."""
        find_agent(book, self.agent)
        _check_key(given(self.public_key, None, None))


class Assign(Body, kw_only=True):
    """``agent_assign``."""

    agent: str
    farm: str

    def check(self, book: Book) -> None:
        """Check that there are such an agent and such a farm."""
        find_agent(book, self.agent)
        find_farm(book, self.farm)


class Retire(Body, kw_only=True):
    """``agent_retire``."""

    agent: str

    def check(self, book: Book) -> None:
        """Check that there is such an agent."""
        find_agent(book, self.agent)


def register(turn: Turn, body: Register) -> Answer:
    """Register an agent; under a stop it starts stopped."""
    book, wallet = turn.book, turn.wallet
    known = book.agents.get(body.agent)
    if known is not None:
        asked = (body.farm, body.strategy, body.risk_mode, body.public_key)
        same = (known.farm, known.strategy, known.risk_mode, known.public_key) == asked
        refusal = Refusal.EXISTS if same else Refusal.EXISTS_WITH_DIFFERENT_BODY
        return Refused(refusal, f"Agent {body.agent} exists; agent_configure and agent_assign change it.")
    farm = open_farm(book, body.farm)
    if isinstance(farm, Refused):
        return farm
    if wallet.state is State.CLOSED:
        return Refused(Refusal.WALLET_CLOSED, f"Wallet {wallet.id} is closed.")
    if wallet.rules.rebalance.min_weight:  # else it brings no minimum along
        refused = check_minima(book, own_bounds(book) | {body.agent: (None, None)})
        if refused is not None:
            return refused
    agent = Agent(
        id=body.agent,
        wallet=wallet.id,
        farm=farm.id,
        strategy=body.strategy,
        risk_mode=body.risk_mode,
        day=wallet.day,
        bin=wallet.bin,
        public_key=body.public_key,
    )
    book.agents[agent.id] = agent
    book.guarded = book.guarded or agent.public_key is not None
    note_change(turn, agent)
    book.pursuits.forget_agent(agent.id)
    if len(book.agents) == 1:
        book.timers_changed()  # with the first agent the interval of rebalances begins
    _tell_assignment(turn, agent, None)
    come_under(turn, agent, [farm, wallet])
    request(turn, "arrival")
    return Done({"agent": agent.id, "farm": farm.id, "state": agent.state})


def configure(turn: Turn, body: Configure) -> Answer:
    """Change an agent's strategy, risk mode or bounds."""
    agent = open_agent(turn.book, body.agent)
    if isinstance(agent, Refused):
        return agent
    low = _bound(given(body.min_weight, agent.min_weight, None))
    high = _bound(given(body.max_weight, agent.max_weight, None))
    if not 0 <= (low or 0.0) <= (1.0 if high is None else high) <= 1:
        text = "Bounds are shares between 0 and 1, and the lower is not above the upper."
        return Refused(Refusal.INFEASIBLE_BOUNDS, text)
    refused = check_minima(turn.book, own_bounds(turn.book) | {agent.id: (low, high)})
    if refused is not None:
        return refused
    before = (agent.strategy, agent.risk_mode, agent.min_weight, agent.max_weight)
    key = agent.public_key
    agent.strategy = given(body.strategy, agent.strategy, "")
    agent.risk_mode = given(body.risk_mode, agent.risk_mode, RiskMode.BALANCED)
    agent.min_weight, agent.max_weight = low, high
    agent.public_key = given(body.public_key, key, None)
    if agent.public_key != key:
        turn.book.senders_changed()
    changed = before != (agent.strategy, agent.risk_mode, agent.min_weight, agent.max_weight)
    if changed:
        request(turn, "agent")
    if changed or agent.public_key != key:
        note_change(turn, agent)
    return Done({"agent": agent.id}, changed=changed or agent.public_key != key)


def _bound(share: float | None) -> float | None:
    """Make 0.0 of -0.0, which equals it and is written otherwise."""
    return None if share is None else share + 0.0


def assign(turn: Turn, body: Assign) -> Answer:
    """Move an agent, with all it has, to another farm."""
    book = turn.book
    agent = open_agent(book, body.agent)
    if isinstance(agent, Refused):
        return agent
    farm = open_farm(book, body.farm)
    if isinstance(farm, Refused):
        return farm
    if agent.farm == farm.id:
        return Done({"agent": agent.id, "farm": farm.id}, changed=False)
    old = book.farms[agent.farm]
    roll_to_now(turn, agent)
    for scope, sign in ((old, -1), (farm, 1)):
        roll_to_now(turn, scope)
        flow(scope, sign * agent.equity)
        scope.unrealized_pnl += sign * agent.unrealized_pnl
        touch(turn, scope)
    agent.farm = farm.id
    note_change(turn, agent)
    book.pursuits.forget_agent(agent.id)
    _tell_assignment(turn, agent, old.id)
    come_under(turn, agent, [farm])
    if agent.state is State.STOPPED:
        sweep_stopped(turn, agent)
    request(turn, "arrival")
    return Done({"agent": agent.id, "farm": farm.id})


def retire(turn: Turn, body: Retire) -> Answer:
    """Retire an agent: it gets nothing more, and what it has goes back as it comes free."""
    agent = open_agent(turn.book, body.agent)
    if isinstance(agent, Refused):
        return agent
    lay_off(turn, agent)
    note_change(turn, agent)
    sweep_stopped(turn, agent)
    request(turn, "departure")
    return Done({"agent": agent.id})


def _check_key(text: str | None) -> None:
    """Raise `MalformedError` unless it is a public key, or none."""
    try:
        if text is not None:
            read_key(text)
    except ValueError as error:
        raise MalformedError("invalid_member", f"{error}.") from None


def _tell_assignment(turn: Turn, agent: Agent, previous: str | None) -> None:
    data = {
        "agent": agent.id,
        "farm": agent.farm,
        "previous": previous,
        "strategy": agent.strategy,
        "risk_mode": agent.risk_mode,
    }
    turn.emit(WALLET, "agent_farm_assignment", agent.id, data)
