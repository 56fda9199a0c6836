"""
What the retained output streams tell of a subject over time, in bounded memory.

Streams are read from their beginning in pages. What is no event of the subject's is passed over.
"""

from collections import deque
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from app.outputs import END, said
from app.report.subject import Subject
from app.report.thinned import Thinned
from domain.breakers import Measure
from state.book import kind_of
from stream.client import Client

T = TypeVar("T")

# Entries of a stream in one reply; a plan of a thousand agents has 200 kB.
_PAGES: Final = {"wallet": 1000, "rebalance": 50, "allocation": 1000, "emergency": 1000}
POINTS_MAX: Final = 600  # of a plot; more than it has pixels across would not show
PLANS_MAX: Final = 200  # each may tell of a thousand agents
NEWS_MAX: Final = 12


class Event(msgspec.Struct):
    """An output event, as far as it is read here."""

    source: str
    type: str
    time: str
    data: msgspec.Raw

    @property
    def at(self) -> int:
        """Stream time, in milliseconds."""
        return round(datetime.fromisoformat(self.time).timestamp() * 1000)


class Balance(msgspec.Struct):
    """``wallet_balance_update``."""

    scope: str
    id: str
    equity: str
    drawdown: float
    realized_pnl: str
    unrealized_pnl: str
    fees: str
    trades: int
    budget: str | None = None

    @property
    def trading_pnl(self) -> Decimal:
        """Profit from trading; of an event of an earlier version too, which does not tell it."""
        return Decimal(self.realized_pnl) + Decimal(self.unrealized_pnl) - Decimal(self.fees)


class Point(msgspec.Struct, frozen=True):
    """Where the subject stood; the drawdown is the deepest since the point before."""

    equity: Decimal
    trading_pnl: Decimal
    drawdown: float
    budget: Decimal | None
    trades: int  # fills so far


class Flow(msgspec.Struct):
    """Money that was moved for one reason."""

    count: int = 0
    given: Decimal = Decimal(0)
    taken: Decimal = Decimal(0)


class News(msgspec.Struct, frozen=True):
    """One event worth a line: when, what, of whom, and a few words on it."""

    at: int
    event: str
    subject: str
    detail: str


class History(msgspec.Struct):
    """What the streams tell."""

    since: dict[str, int]  # by stream: stream time of the wallet's first event that is retained
    points: list[tuple[int, Point]]
    weights: dict[str, list[tuple[int, dict[str, float]]]]  # in the investable capital, by kind of holder
    flows: dict[str, Flow]  # by event and reason
    moves: list[News]  # the last ones, newest first
    stops: list[News]  # likewise


async def read_history(client: Client, subject: Subject) -> History:
    """Read what the output streams tell of a subject. Raises `TransportError`."""
    reader = Reader(subject)
    for name, take in (
        ("wallet", reader.take_wallet),
        ("rebalance", reader.take_rebalance),
        ("allocation", reader.take_allocation),
        ("emergency", reader.take_emergency),
    ):
        streams = [keys.output(name) for keys in subject.homes]
        async for event in _events(client, streams, reader.source, _PAGES[name]):
            reader.since.setdefault(name, event.at)
            take(event)
    return reader.history


async def _events(client: Client, streams: list[str], source: str, page: int) -> AsyncIterator[Event]:
    decode = msgspec.json.Decoder(Event).decode
    async for one in said(client, dict.fromkeys(streams, END), page):
        try:
            event = decode(one.event)
        except msgspec.DecodeError:
            continue  # not of our making
        if event.source == source:
            yield event


class Reader:
    """Folds events of one wallet."""

    def __init__(self, subject: Subject) -> None:
        scope = subject.scope
        self.source = f"/sluicegate/{scope.wallet}"
        self.since: dict[str, int] = {}
        self._kind, self._id = kind_of(scope), scope.id
        self._agents = {agent.id for agent in subject.agents}
        self._points: Thinned[Point] = Thinned(POINTS_MAX, _later)
        self._farms: Thinned[dict[str, float]] = Thinned(PLANS_MAX, _last)
        self._weights: Thinned[dict[str, float]] = Thinned(PLANS_MAX, _last)
        self._flows: dict[str, Flow] = {}
        self._moves: deque[News] = deque(maxlen=NEWS_MAX)
        self._stops: deque[News] = deque(maxlen=NEWS_MAX)

    @property
    def history(self) -> History:
        """What was found."""
        return History(
            since=self.since,
            points=self._points.rows,
            weights={"farm": self._farms.rows, "agent": self._weights.rows},
            flows=dict(sorted(self._flows.items())),
            moves=list(reversed(self._moves)),
            stops=list(reversed(self._stops)),
        )

    def take_wallet(self, event: Event) -> None:
        """Take a balance update."""
        if event.type != "sluicegate.wallet_balance_update.v1":
            return
        update = msgspec.json.decode(event.data, type=Balance)
        if (update.scope, update.id) == (self._kind, self._id):
            budget = None if update.budget is None else Decimal(update.budget)
            point = Point(Decimal(update.equity), update.trading_pnl, update.drawdown, budget, update.trades)
            self._points.add(event.at, point)

    def take_rebalance(self, event: Event) -> None:
        """Take the weights of a plan: of the wallet's farms, a farm's agents, or the agent."""
        plan = msgspec.json.decode(event.data)
        if self._kind == "wallet":
            self._farms.add(event.at, {farm: float(weight) for farm, weight in plan["farms"].items()})
        weights = {
            agent: float(share["weight"])
            for agent, share in plan["agents"].items()
            if self._kind == "wallet" or self._id == (agent if self._kind == "agent" else share["farm"])
        }
        self._weights.add(event.at, weights)

    def take_allocation(self, event: Event) -> None:
        """Take a move of money."""
        data = msgspec.json.decode(event.data)
        whom = data.get("agent") or data.get("farm")
        farm_itself = "agent" not in data and whom == self._id and self._kind == "farm"
        if data.get("agent") not in self._agents and self._kind != "wallet" and not farm_itself:
            return
        name = event.type.split(".")[1]
        amount = Decimal(data["amount"]) * (1 if name == "fund_allocation" else -1)
        state = data.get("state", "posted")
        if amount:
            told = data["reason"] if state == "posted" else f"{data['reason']}, {state}"
            self._moves.append(News(event.at, name, whom, f"{amount:+,.2f}, {told}"))
        if state != "posted":
            return  # it is to move, or will not
        flow = self._flows.setdefault(f"{name} ({data['reason']})", Flow())
        flow.count += 1
        if amount > 0:
            flow.given += amount
        else:
            flow.taken -= amount

    def take_emergency(self, event: Event) -> None:
        """Take a stop, its end, or an alert."""
        data = msgspec.json.decode(event.data)
        name = event.type.split(".")[1]
        itself = (data["scope"], data["id"]) == (self._kind, self._id)
        agents = {*data.get("agents", []), *([data["id"]] if data["scope"] == "agent" else [])}
        if not (self._kind == "wallet" or itself or agents & self._agents):
            return
        if name == "risk_alert" and data["kind"] == "breaker":
            return  # changes of colour are many
        self._stops.append(News(event.at, name, f"{data['scope']} {data['id']}", _told(data)))


def _later(before: Point, after: Point) -> Point:
    return msgspec.structs.replace(after, drawdown=max(before.drawdown, after.drawdown))


def _last(_: T, after: T) -> T:
    return after


def _told(data: dict[str, Any]) -> str:
    told = [str(data[name]) for name in ("reason", "kind", "action") if data.get(name)]
    if data.get("value") is not None and data.get("limit") is not None:
        in_fills = data.get("reason") == Measure.LOSING_STREAK
        value, limit = data["value"], data["limit"]
        told.append(f"{value:.0f} of {limit:.0f} fills" if in_fills else f"{value:.2%} of {limit:.2%}")
    told += [f"{name} {data[name]}" for name in ("difference", "cash", "by") if data.get(name)]
    return ", ".join(told)
