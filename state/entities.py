"""
What a partition knows: wallets, farms, agents, goals, pending transfers, and the commands already answered.

Field names are those of the stored JSON and of ``sluicegate status --json``. Money is an integer of 1e-8 in
memory and decimal text when stored; `state.codec` knows which fields are money from the annotations here.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from domain.breakers import Colour, Measure
from domain.goals import Collect, GoalType
from domain.ledger import CHAIN_START, Phase, Transfer
from domain.positions import Position
from domain.rules import Action, RiskMode, Rules, Tier
from domain.standing import Standing

Money = Annotated[int, "1e-8"]
Fine = Annotated[int, "1e-12"]


class State(StrEnum):
    """Whether a scope trades."""

    ACTIVE = "active"
    STOPPED = "stopped"
    RETIRED = "retired"  # agents
    CLOSED = "closed"  # wallets and farms


class Trip(msgspec.Struct, frozen=True):
    """Why a scope is stopped, and until when."""

    reason: str  # a measure, or "command"
    action: Action
    at: int
    until: int | None = None  # stream time at which it resumes by itself
    by: str | None = None


class Resumed(msgspec.Struct, frozen=True):
    """How the last stop of a scope ended."""

    reason: str  # what who resumed it says, or "cool_off"
    at: int
    by: str | None = None


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


class Booked(msgspec.Struct):
    """What of an agent's trading has come out as transactions."""

    cost: Money = 0
    realized_pnl: Money = 0
    fees: Money = 0
    trades: int = 0


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


class Wanted(msgspec.Struct, frozen=True):
    """A plan whose weights are being computed beside the stream."""

    number: int  # of the wallet's plans that were
    method: str
    trigger: str
    cause: str  # id of the input that asked for it
    by: str | None = None


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


class Assignment(msgspec.Struct, frozen=True):
    """Who works towards a goal, and how much what they do counts."""

    type: str  # wallet, farm or agent
    id: str
    weight: float = 1.0


class GoalState(StrEnum):
    """How a goal stands."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Goal(msgspec.Struct, kw_only=True, eq=False):
    """Something a fleet is to reach, in one round or, where it is raised when it is met, in several."""

    id: str
    wallet: str
    name: str = ""
    goal_type: GoalType
    target: dict[str, Any]
    assigned: list[Assignment] = msgspec.field(default_factory=list)
    deadline: int | None = None
    collect: Collect = Collect.NONE
    reward: float = 0.0  # share of the collected profit that stays with the agents
    raise_by: float | None = None  # share by which the target grows when it is met, and the next round starts
    round: int = 1
    declared: dict[str, Any] | None = None  # target as it was last set, where it was raised since
    state: GoalState = GoalState.ACTIVE
    created: int
    changed_by: str | None = None  # who created it, or changed it last
    ended: int | None = None
    trades: float = 0.0  # weighted fills since its round began
    profit: Money = 0  # weighted, net of fees
    progress: float = 0.0
    percent: int = 0  # last one told
    told: int = 0  # when, in stream time
    current: dict[str, Any] = msgspec.field(default_factory=dict)


class Pending(msgspec.Struct, kw_only=True, eq=False):
    """A two-phase transfer, or linked ones; kept for a while after it ended, so that it ends once."""

    id: str
    wallet: str
    number: int  # of the transaction that made it
    reason: str
    transfers: list[Transfer]
    created: int
    due: int | None = None  # stream time at which it expires
    acknowledge: bool = False  # posted when its agent's account shows the money
    state: Phase = Phase.PENDING
    ended: int = 0  # number of the transaction that ended it


class Command(msgspec.Struct, kw_only=True, eq=False):
    """A command that was answered: what a repeat of it gets."""

    id: str
    wallet: str
    number: int  # of the wallet's commands
    digest: str  # of the body, to tell a repeat from another command under the same id
    reply: msgspec.Raw  # as JSON: kept for long, and looked at when a repeat comes
    terms: dict[str, str] | None = None  # of one that moves money, to say in which another differs

    @property
    def accepted(self) -> bool:
        """Whether it was neither refused nor changed nothing."""
        return bool(msgspec.json.decode(self.reply)["status"] == "ok")
