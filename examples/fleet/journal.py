"""
What sluicegate has said so far: its output streams, folded as they come.

Read while the fleet trades and not only at the end, because an output stream may be trimmed once it has
grown past its limit. What is kept is small: counts, sums, the few events worth a line, the last balances.
"""

from collections import Counter, deque
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from examples.fleet.sentences import Facts, Line, alarm, money, who, words
from examples.fleet.wire import OUTPUTS, Event, Follower, Wire

_KEPT: Final = 200  # lines of each tail


class Dated(NamedTuple):
    """A line and the day in stream time that it is about."""

    date: str
    line: Line


class Transaction(msgspec.Struct):
    """The members of a `wallet_transaction` that are checked."""

    balances: dict[str, Decimal]
    previous: str | None
    hash: str
    fills: int | None = None


class Move(msgspec.Struct):
    """What one input made flow between the master and the bots, in one direction and for one reason."""

    date: str
    cause: str
    verb: str
    count: int = 0
    sum: Decimal = Decimal(0)

    @property
    def line(self) -> Line:
        """Say it."""
        bots = "bot" if self.count == 1 else "bots"
        return Line(f"{money(self.sum)} {self.verb} {self.count} {bots}")


class Journal:
    """The events of one wallet."""

    def __init__(self, wire: Wire, wallet: str) -> None:
        self.events = 0
        self.moves: deque[Move] = deque(maxlen=_KEPT)
        self.alarms: deque[Dated] = deque(maxlen=_KEPT)
        self.counts: Counter[str] = Counter()
        self.flows: dict[str, Move] = {}  # by verb, over all time
        self.rebalances: Counter[str] = Counter()
        self.stops: list[Dated] = []
        self.goals: list[Dated] = []
        self.balances: dict[str, Decimal] = {}
        self.fills = 0
        self.chain_breaks = 0
        self._wallet = wallet
        self._follower = Follower(wire, OUTPUTS)
        self._ids: set[str] = set()
        self._hash: str | None = None
        self._warned: set[str] = set()
        self._facts = msgspec.json.Decoder(Facts, strict=False).decode
        self._transaction = msgspec.json.Decoder(Transaction).decode

    @property
    def twice(self) -> int:
        """How many events came with an id that had come before."""
        return self.events - len(self._ids)

    def read(self) -> None:
        """Take in all that has come since the last call."""
        events: list[Event] = []
        while more := self._follower.read():
            events += (event for event in more if event.wallet == self._wallet)
        # A stream's events are in the order of time; this brings those of all four into one.
        events.sort(key=lambda event: event.time)
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        self.events += 1
        self._ids.add(event.id)
        self.counts[event.name] += 1
        match event.name:
            case "wallet_transaction":
                self._book(self._transaction(event.data))
            case "fund_allocation" | "fund_collection":
                self._flow(event, self._facts(event.data))
            case "farm_rebalance":
                self.rebalances[words(self._facts(event.data).trigger)] += 1
            case name if name.startswith(("emergency_", "goal_", "risk_")):
                self._note(event, self._facts(event.data))

    def _book(self, transaction: Transaction) -> None:
        if self._hash is not None and transaction.previous != self._hash:
            self.chain_breaks += 1
        self._hash = transaction.hash
        self.balances.update(transaction.balances)
        self.fills += transaction.fills or 0

    def _flow(self, event: Event, facts: Facts) -> None:
        if facts.state in ("pending", "voided"):
            return  # no money moved
        if event.name == "fund_collection":
            verb = f"collected ({words(facts.reason)}) from"
        else:
            verb = "allocated to" if facts.amount >= 0 else "taken back from"
        for move in (self._move(event, verb), self.flows.setdefault(verb, Move("", "", verb))):
            move.count += 1
            move.sum += abs(facts.amount)

    def _move(self, event: Event, verb: str) -> Move:
        """Find the move that this event is part of: one rebalance is one line, not one a bot."""
        for move in reversed(self.moves):
            if move.cause != event.cause:
                break
            if move.verb == verb:
                return move
        self.moves.append(Move(event.time[:10], event.cause, verb))
        return self.moves[-1]

    def _note(self, event: Event, facts: Facts) -> None:
        line = alarm(event.name, facts)
        if line is None or self._warned_before(event.name, facts):
            return
        dated = Dated(event.time[:10], line)
        self.alarms.append(dated)
        if event.name == "emergency_stop":
            self.stops.append(dated)
        elif event.name in ("goal_completed", "goal_failed"):
            self.goals.append(dated)

    def _warned_before(self, name: str, facts: Facts) -> bool:
        """Whether a warning is old news: who hovers about a limit is warned of once, until it is stopped."""
        scope = who(facts)
        if name != "risk_alert" or facts.kind != "breaker":
            self._warned.discard(scope)
            return False
        known = scope in self._warned
        self._warned.add(scope)
        return known
