"""
Thirty bots that trade twenty days of real five-minute candles: ten pairs, three strategies, all in BTC.

The bots are those of the demonstration, with books of their own. They decide on the bars of an hour, trade at
the opening of a candle, mark what they hold at its close, and obey what sluicegate tells them. Where that
runs is a parameter: in this process, or in a worker behind a server.

    python -m tests.integration.trading_floor

prints the table of docs/methods.md: the same twenty days under each method of allocation.
"""

import csv
import gzip
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from domain.allocation import METHODS
from examples.fleet.bot import Bot, Order
from examples.fleet.strategies import STRATEGIES, Bar
from tests.support.driver import Driver

CANDLES: Final = Path(__file__).parents[3] / "shared" / "data" / "candles-5m"
CANDLE_MS: Final = 300_000
WALLET: Final = "floor"
DEPOSIT: Final = Decimal(100)
RULES: Final[dict[str, Any]] = {
    "clock": "event",
    "conflation": "5m",
    "performance": {"bin": "1h", "bins_per_year": 8760},
    "rebalance": {"interval": "4h", "cooldown": "1h", "smallest": "0.01"},
    "breakers": {"agent_drawdown": 0.2, "agent_daily_loss": 0.1, "action": "liquidate", "cool_off": "3d"},
    "collection": {"interval": "1d"},
}
_HOUR: Final = 12  # candles
_DAY: Final = 24 * _HOUR
_UNIT: Final = Decimal("0.00000001")
_ZERO: Final = Decimal(0)

Json = dict[str, Any]
Say = Callable[[str, list[Json]], list[tuple[str, Json]]]
"""Publishes events to an input stream; returns name and data of what allocation and emergency said."""


class Moment(NamedTuple):
    """One candle of every pair, by symbol."""

    time_ms: int  # of its start
    candles: dict[str, Bar]


def moments() -> list[Moment]:
    """Read all candles, oldest first; only times at which every pair has one."""
    rows: list[tuple[int, str, Bar]] = []
    for path in sorted(CANDLES.glob("*.csv.gz")):
        symbol = path.name.removesuffix(".csv.gz").replace("_", "/")
        with gzip.open(path, "rt", encoding="ascii") as file:
            rows += [
                (int(row["timestamp"]), symbol, msgspec.convert(row, Bar, strict=False))
                for row in csv.DictReader(file)
            ]
    rows.sort(key=itemgetter(0, 1))
    found = [
        Moment(time, {symbol: bar for _, symbol, bar in group})
        for time, group in groupby(rows, itemgetter(0))
    ]
    symbols = max(len(moment.candles) for moment in found)
    return [moment for moment in found if len(moment.candles) == symbols]


class Floor:
    """The bots, and what they did."""

    def __init__(self, symbols: list[str], rules: Json, say: Say) -> None:
        self._say_raw = say
        self.bots = {bot.agent: bot for bot in _bots(symbols)}
        self.given = dict.fromkeys(self.bots, _ZERO)  # net, by bot
        self.turnover = _ZERO  # moved by rebalances, both ways
        self.equities: list[Decimal] = []  # of the wallet at every close, by the bots' books
        self.heard: list[tuple[str, Json]] = []  # what was said about stops and collections
        self._rules = rules
        self._decode = msgspec.json.Decoder(Order, strict=False).decode
        self._commands = 0
        self._hours: dict[str, list[Bar]] = {symbol: [] for symbol in symbols}

    def open(self, time_ms: int) -> None:
        """Create the wallet, its farms and agents, and three goals."""
        commands = [
            self._event(time_ms, kind="wallet_create", currency="BTC", rules=self._rules),
            self._event(time_ms, kind="deposit", amount=str(DEPOSIT)),
        ]
        commands += [self._event(time_ms, kind="farm_create", farm=name) for name in sorted(STRATEGIES)]
        commands += [
            self._event(time_ms, kind="agent_register", agent=agent, farm=agent.partition("-")[0])
            for agent in self.bots
        ]
        self._say("command", commands)
        everyone = [{"type": "wallet", "id": WALLET}]
        goals: list[Json] = [
            {"goal": "busy", "goal_type": "trade_volume", "target": {"trades": 300}, "assigned": everyone},
            {
                "goal": "darvas-earns",
                "goal_type": "profit_target",
                "target": {"profit": "0.5"},
                "assigned": [{"type": "farm", "id": "darvas_box"}],
                "collect": "profit",
            },
            {
                "goal": "out-of-reach",
                "goal_type": "profit_target",
                "target": {"profit": "1000"},
                "assigned": everyone,
                "deadline": time_ms + 15 * 86_400_000,
            },
        ]
        self._say("goal", [self._event(time_ms, kind="goal_created", **goal) for goal in goals])

    def live(self, moment: Moment, number: int) -> None:
        """Trade at the opening, decide when an hour is over, mark at the close; daily show the account."""
        name, bots, bars = str(moment.time_ms), list(self.bots.values()), moment.candles
        close_ms = moment.time_ms + CANDLE_MS - 1
        fills = [bot.at_open(bars[bot.symbol].open, f"{name}o", moment.time_ms) for bot in bots]
        self._say("trade", [fill for some in fills for fill in some])
        if (hour := self._hour(bars, number)) is not None:
            for bot in bots:
                bot.at_close(hour[bot.symbol])
        marks = [bot.mark(bars[bot.symbol].close, name, close_ms) for bot in bots if bot.held]
        self._say("balance", marks)
        fills = [bot.after_close(bars[bot.symbol].close, f"{name}c", close_ms) for bot in bots]
        self._say("trade", [fill for some in fills for fill in some])
        self.equities.append(self.equity(bars))
        if (number + 1) % _DAY == 0:
            self._say("balance", [bot.account(name, close_ms) for bot in bots])

    def equity(self, bars: dict[str, Bar]) -> Decimal:
        """Worth of the wallet by the bots' books: what was deposited, and what each bot made of its money."""
        held = (
            (bot.held * Decimal(str(bars[bot.symbol].close))).quantize(_UNIT, ROUND_HALF_EVEN)
            for bot in self.bots.values()
        )
        made = (bot.cash - self.given[bot.agent] for bot in self.bots.values())
        return DEPOSIT + sum(held, _ZERO) + sum(made, _ZERO)

    def worst_drawdown(self) -> Decimal:
        """Deepest fall of the wallet below its peak, as a share of the peak."""
        peak, worst = DEPOSIT, _ZERO
        for equity in self.equities:
            peak = max(peak, equity)
            worst = max(worst, (peak - equity) / peak)
        return worst

    def _hour(self, bars: dict[str, Bar], number: int) -> dict[str, Bar] | None:
        """Take in a candle; the bars of the hour if it is over."""
        for symbol, candles in self._hours.items():
            candles.append(bars[symbol])
        if (number + 1) % _HOUR:
            return None
        hour = {
            symbol: Bar(c[0].open, max(b.high for b in c), min(b.low for b in c), c[-1].close)
            for symbol, c in self._hours.items()
        }
        for candles in self._hours.values():
            candles.clear()
        return hour

    def _say(self, stream: str, events: list[Json]) -> None:
        if events:
            for name, data in self._say_raw(stream, events):
                self._obey(name, data)

    def _obey(self, name: str, data: Json) -> None:
        order = self._decode(msgspec.json.encode(data))
        for agent in order.agents or [order.agent]:
            if agent in self.bots:
                self.bots[agent].obey(name, order)
        if name == "fund_allocation":
            self.given[order.agent] += order.amount
            self.turnover += abs(order.amount)
        elif name == "fund_collection":
            self.given[order.agent] -= order.amount
        if name != "fund_allocation":
            self.heard.append((name, data))

    def _event(self, time_ms: int, **members: Any) -> Json:
        self._commands += 1
        return {"id": f"c{self._commands}", "wallet": WALLET, "timestamp": time_ms, "by": "floor", **members}


def in_process(history: list[Moment], method: str) -> tuple[Floor, Driver]:
    """Live through a history without a server, capital given out by a method."""
    driver = Driver(WALLET)

    def say(stream: str, events: list[Json]) -> list[tuple[str, Json]]:
        driver.now = events[-1]["timestamp"]
        step = driver.process([driver.entry(stream, event) for event in events])
        return [(said.name, said.data) for said in step.said if said.stream in ("allocation", "emergency")]

    rules = {**RULES, "rebalance": {**RULES["rebalance"], "method": method}}
    floor = Floor(list(history[0].candles), rules, say)
    floor.open(history[0].time_ms)
    for number, moment in enumerate(history):
        floor.live(moment, number)
    return floor, driver


def row_of(method: str, floor: Floor) -> str:
    """Say in a row of the table how it went."""
    fills = sum(bot.fills for bot in floor.bots.values())
    stops = sum(name == "emergency_stop" for name, _ in floor.heard)
    moved = floor.turnover / DEPOSIT
    return (
        f"| `{method}` | {floor.equities[-1]:.2f} | {floor.worst_drawdown():.2%} | {moved:.1f} "
        f"| {fills} | {stops} |"
    )


def _bots(symbols: list[str]) -> Iterator[Bot]:
    for name, strategy in sorted(STRATEGIES.items()):
        for symbol in symbols:
            agent = f"{name}-{symbol.partition('/')[0].lower()}"
            yield Bot(WALLET, agent, symbol, strategy(), lot=_UNIT, smallest=Decimal("0.01"))


def main() -> None:
    """Print the table."""
    history = moments()
    print("| method | final equity, BTC | worst drawdown | turnover | fills | stops |")  # noqa: T201  # its use
    print("|---|---|---|---|---|---|")  # noqa: T201  # as above
    for method in METHODS:
        print(row_of(method, in_process(history, method)[0]), flush=True)  # noqa: T201  # as above


if __name__ == "__main__":
    main()
