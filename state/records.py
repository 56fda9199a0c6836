"""
What a partition keeps beside its scopes, or as part of them: goals, pending transfers, answered commands.

Field names are those of the stored JSON and of ``sluicegate status --json``. Money is an integer of 1e-8 in
memory and decimal text when stored; `state.codec` knows which fields are money from the annotations here.
"""

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from domain.goals import Collect, GoalType
from domain.ledger import Phase, Transfer
from domain.rules import Action

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


class Booked(msgspec.Struct):
    """What of an agent's trading has come out as transactions."""

    cost: Money = 0
    realized_pnl: Money = 0
    fees: Money = 0
    trades: int = 0


class Wanted(msgspec.Struct, frozen=True):
    """A plan whose weights are being computed beside the stream."""

    number: int  # of the wallet's plans that were
    method: str
    trigger: str
    cause: str  # id of the input that asked for it
    by: str | None = None


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
    written: tuple[tuple[Any, ...], str] | None = None  # what `state.codec` keeps of it


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


class Command(msgspec.Struct, kw_only=True, eq=False, gc=False):
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
