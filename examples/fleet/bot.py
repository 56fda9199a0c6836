"""
One bot: a strategy, an instrument, and books of its own.

It decides on the close of a day and trades at the opening of the next, so it never knows a price before it
could have traded at it. How much it may use is what sluicegate last told it; what it has is what its own
books say: money given and taken, and its own fills.
"""

from decimal import ROUND_DOWN, ROUND_UP, Decimal
from enum import StrEnum
from typing import Any, Final

import msgspec

from examples.fleet.strategies import Bar, Signal, Strategy

FEE: Final = Decimal("0.001")
INVESTED: Final = Decimal("0.90")  # share of its budget it puts to work; the rest pays fees and gaps
TOP_UP_BELOW: Final = Decimal("0.75")  # of what it should hold: no trade for every small allocation
SMALLEST_ORDER: Final = Decimal(10)
LOT: Final = Decimal("0.0001")
_UNIT: Final = Decimal("0.00000001")  # the finest money there is
_ZERO: Final = Decimal(0)


class Mode(StrEnum):
    """What an emergency leaves a bot free to do; all but the first are the wire's own words."""

    TRADE = "trade"
    BLOCK_ENTRIES = "block_entries"
    STOP = "stop"
    LIQUIDATE = "liquidate"


class Order(msgspec.Struct):
    """The data of an event a bot obeys; members of other events are left out."""

    agent: str = ""
    agents: list[str] = []
    amount: Decimal = _ZERO
    budget: Decimal = _ZERO
    pending_return: Decimal | None = None
    state: str = "posted"  # else the money has not moved yet, or is not to move after all
    action: Mode = Mode.STOP


class Bot:
    """
    Trades one symbol in one wallet.

    Quantities and fees are whole multiples of ``lot``; ``smallest`` is the least money an order is worth.
    """

    def __init__(
        self,
        wallet: str,
        agent: str,
        symbol: str,
        strategy: Strategy,
        *,
        lot: Decimal = LOT,
        smallest: Decimal = SMALLEST_ORDER,
    ) -> None:
        self.agent = agent
        self.symbol = symbol
        self.mode = Mode.TRADE
        self.cash = _ZERO
        self.budget = _ZERO
        self.held = _ZERO
        self.owed = _ZERO  # asked back, but tied up in the position
        self.fills = 0
        self._wallet = wallet
        self._strategy = strategy
        self._lot = lot
        self._smallest = smallest
        self._wants = Signal.HOLD

    def obey(self, event: str, order: Order) -> None:
        """Take in what sluicegate says about this bot's money or freedom."""
        if event == "fund_allocation":
            if order.state != "posted":
                return
            self.cash += order.amount
            self._take_budget(order)
        elif event == "fund_collection":
            self.cash -= order.amount
            self._take_budget(order)
        elif event == "emergency_stop":
            self.mode = order.action
        elif event == "emergency_resume":
            self.mode = Mode.TRADE

    def _take_budget(self, order: Order) -> None:
        self.budget = order.budget
        if order.pending_return is not None:
            self.owed = order.pending_return

    def at_open(self, price: float, day: str, timestamp: int) -> list[dict[str, Any]]:
        """Trade at the opening what was decided at the last close, or what was asked since."""
        quote = Decimal(str(price))
        sell, buy = self._sell_amount(quote), self._buy_amount(quote)
        if sell:
            return [self._fill("sell", sell, quote, day, timestamp)]
        return [self._fill("buy", buy, quote, day, timestamp)] if buy else []

    def at_close(self, bar: Bar) -> None:
        """Let the strategy see the day and decide; it sees every day, also while the bot is stopped."""
        self._wants = self._strategy.signal(bar, holding=self.held > 0)

    def after_close(self, price: float, day: str, timestamp: int) -> list[dict[str, Any]]:
        """Sell at once if told to liquidate: here at the price of the close; a stop waits for the opening."""
        if self.mode is not Mode.LIQUIDATE or not self.held:
            return []
        return [self._fill("sell", self.held, Decimal(str(price)), day, timestamp)]

    def mark(self, price: float, day: str, timestamp: int) -> dict[str, Any]:
        """Build the balance event that values the position at the close."""
        return {**self._event(f"{day}:close", timestamp), "prices": {self.symbol: str(price)}}

    def account(self, day: str, timestamp: int) -> dict[str, Any]:
        """Build the balance event that says what the account holds, by this bot's own books."""
        money = {self.symbol.partition("/")[2]: f"{self.cash:f}"}
        return {**self._event(f"{day}:account", timestamp), "total": money, "free": money}

    def _sell_amount(self, price: Decimal) -> Decimal:
        if not self.held:
            return _ZERO
        if self.mode in (Mode.STOP, Mode.LIQUIDATE) or self._wants is Signal.EXIT:
            return self.held
        missing = self.owed - self.cash
        if missing < self._smallest:
            return _ZERO
        # Enough that the return is covered after the fee.
        return min(self.held, (missing / (price * (1 - FEE))).quantize(self._lot, ROUND_UP))

    def _buy_amount(self, price: Decimal) -> Decimal:
        if self.mode is not Mode.TRADE:
            return _ZERO
        value = self.held * price
        target = min(self.budget, self.cash + value - self.owed) * INVESTED
        wanted = value < target * TOP_UP_BELOW if self.held else self._wants is Signal.ENTER
        spend = min(target - value, self.cash / (1 + FEE))
        if not wanted or spend < self._smallest:
            return _ZERO
        return (spend / price).quantize(self._lot, ROUND_DOWN)

    def _fill(self, side: str, amount: Decimal, price: Decimal, day: str, timestamp: int) -> dict[str, Any]:
        cost = (amount * price).quantize(_UNIT)
        fee = (cost * FEE).quantize(self._lot)
        sign = 1 if side == "buy" else -1
        self.held += sign * amount
        self.cash -= sign * cost + fee
        self.fills += 1
        self._wants = Signal.HOLD
        # The id is the same each time history is traded, so publishing it again changes nothing.
        return {
            **self._event(f"{day}:{self.fills}", timestamp),
            "symbol": self.symbol,
            "side": side,
            "price": f"{price:f}",
            "amount": f"{amount:f}",
            "cost": f"{cost:f}",
            "fee": {"currency": self.symbol.partition("/")[2], "cost": f"{fee:f}"},
            "takerOrMaker": "taker",
        }

    def _event(self, name: str, timestamp: int) -> dict[str, Any]:
        return {
            "id": f"{self.agent}:{name}",
            "wallet": self._wallet,
            "agent": self.agent,
            "timestamp": timestamp,
        }
