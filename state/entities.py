"""
The scopes that a partition knows: wallets, farms and agents, which trade and have a standing.

Every fill changes three of them, so they are dataclasses with slots; field names and units are told as in
`state.records`.
"""

from dataclasses import dataclass, field
from typing import Any

from domain.breakers import Colour, Measure
from domain.ledger import CHAIN_START
from domain.positions import Position
from domain.rules import RiskMode, Rules, Tier
from domain.standing import Standing
from state.records import Booked, Fine, Money, Resumed, State, Trip, Wanted


@dataclass(slots=True, kw_only=True, eq=False)
class Scope(Standing):
    """What agents, farms and wallets have in common."""

    id: str
    wallet: str
    state: State = State.ACTIVE
    cash: Money = 0
    held: Money = 0  # of the cash, by pending transfers
    breaker: Colour = Colour.GREEN
    measure: Measure | None = None  # the limit that gives the colour
    trip: Trip | None = None
    resumed: Resumed | None = None
    changed: int = 0  # stream time of the last command that made it what it is
    changed_by: str | None = None  # who asked for that
    updated: int = 0  # stream time of its last balance update
    update_due: int | None = None  # when the one that waits is due
    written: tuple[tuple[Any, ...], str] | None = None  # what `state.codec` keeps of it


@dataclass(slots=True, kw_only=True, eq=False)
class Agent(Scope):
    """A bot."""

    farm: str
    strategy: str = ""
    risk_mode: RiskMode = RiskMode.BALANCED
    tier: Tier = Tier.AVERAGE
    score: float = 0.5
    weight: float = 0.0  # of the investable capital, as the last rebalance decided
    budget: Money = 0  # capital it was given to work with
    pending_return: Money = 0  # to be taken as it comes free
    high_water: Money = 0  # net of flows; profit above it can be collected
    cost: Money = 0  # of its spot positions
    positions: dict[str, Position] = field(default_factory=dict)
    reported_used: Money = 0  # tied up in orders or as margin, as its last balance event says
    reported_equity: Money | None = None  # of a bot that only knows its equity
    flows_since: Money = 0  # into it since that report
    moved: int = 0  # stream time of the last transfer to or from it
    told_trading: bool = False  # that it opened or enlarged a position, under the last stop over it
    min_weight: float | None = None
    max_weight: float | None = None
    booked: Booked = field(default_factory=Booked)
    public_key: str | None = None  # Ed25519, in base 64; what it does not sign is not believed
    rate_second: int = 0  # second of the server's time in which it sent last, where the rate is limited
    rate_count: int = 0  # what was taken of it in that second


@dataclass(slots=True, kw_only=True, eq=False)
class Farm(Scope):
    """Bots grouped by strategy."""

    name: str = ""
    type: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class Wallet(Scope):
    """A master wallet: the root of a hierarchy, with the ledger's outer accounts."""

    currency: str
    time: int  # stream time
    created: int
    rules: Rules = field(default_factory=Rules)
    world: Money = 0
    market: Money = 0
    fees_account: Money = 0
    suspense: Money = 0
    booked_market: Money = 0  # market and fees as the transactions told so far leave them
    booked_fees: Money = 0
    reserve: Money = 0  # what the last rebalance kept with the master
    transactions: int = 0
    commands: int = 0  # answered
    hash: str = CHAIN_START
    rates: dict[str, Fine] = field(default_factory=dict)  # observed: currency → its value in the wallet's
    rebalanced: int = 0  # stream time of the last rebalance
    rebalance_due: int | None = None  # when one that was asked for is due
    rebalance_trigger: str = ""
    plans: int = 0  # that were computed beside the stream
    wanted: Wanted | None = None
    collected: int = 0  # stream time of the last scheduled collection
    benchmark_mark: Fine = 0  # last price of the symbol that farms are compared with; 0: none seen yet
    benchmark_open: Fine = 0  # what it was when the bin opened
