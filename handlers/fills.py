"""
Fills are read, checked and applied.

A fill has happened already, so it is always recorded: rules decide what follows from it, not whether it
counts.
"""

from typing import Final

from domain.money import InvalidNumberError, convert, fine, money_text, value_of
from domain.positions import Position, fill, mark
from handlers.reading import (
    check_id,
    check_time,
    find_agent,
    find_book,
    rate_of,
    read_fine,
    read_money,
    read_positive,
    read_symbol,
)
from handlers.steps.benchmark import note_price
from handlers.steps.reports import conclude, earn
from handlers.steps.sender import check_sender
from handlers.steps.stopping import notice_entry
from handlers.steps.timers import advance
from handlers.steps.valuation import Result
from handlers.trade import Fee, Trade
from handlers.turn import EMERGENCY, Turn
from state.book import Book
from state.entities import Agent
from state.records import State
from state.view import View
from stream.errors import MalformedError
from stream.types import Emit, Entry

_STOPPED: Final = State.STOPPED


class Fill:
    """A trade, read: quantity signed, worth and fee in the wallet's currency."""

    __slots__ = ("believed", "derivative", "fee", "price", "quantity", "rate", "worth")

    # Written out, because what `dataclass` writes is not compiled.
    def __init__(
        self,
        quantity: int,
        worth: int,
        fee: int,
        price: int,
        rate: int | None,
        believed: int | None,  # profit it realised, where the bot says so
        derivative: bool,
    ) -> None:
        self.quantity = quantity
        self.worth = worth
        self.fee = fee
        self.price = price
        self.rate = rate
        self.believed = believed
        self.derivative = derivative


def identity(trade: Trade) -> str:
    """Tell what makes a second trade a repeat."""
    return f"trade/{trade.wallet}/{trade.agent}/{trade.id}"


def handle(view: View, entry: Entry, trade: Trade, emits: list[Emit]) -> bool:
    """Apply a fill. Raises `MalformedError`, having changed nothing."""
    book = view.books.get(trade.wallet) or find_book(view, trade.wallet)
    agent = book.agents.get(trade.agent) or find_agent(book, trade.agent)
    trade_id, timestamp, symbol = trade.id, trade.timestamp, trade.symbol
    check_id(trade_id, "id")
    check_time(timestamp, entry)
    found = read_fill(book, trade)
    if book.guarded:
        check_sender(book, agent, "in:trade", entry, trade)

    view.touch(book)
    turn = Turn(book, trade_id, emits)
    advance(turn, timestamp)
    overdrawn = agent.cash < 0
    result = apply_fill(turn, agent, symbol, found)
    if symbol == book.benchmark:
        note_price(turn, found.price)
    if agent.state is _STOPPED:
        notice_entry(turn, agent, symbol, found.quantity, timestamp)
    earn(turn, agent, result)
    if agent.cash < 0 and not overdrawn:
        _tell_overdrawn(turn, agent)
    conclude(turn, agent)
    return True


def read_fill(book: Book, trade: Trade) -> Fill:
    """Read a trade's numbers. Raises `MalformedError`."""
    base, quote, settle = read_symbol(trade.symbol)
    try:
        price, amount = fine(trade.price), fine(trade.amount)
    except (InvalidNumberError, TypeError):
        price = amount = 0
    if price <= 0 or amount <= 0:
        read_positive(trade.price, "price")  # one of the two raises, and says why
        read_positive(trade.amount, "amount")
    rate = None if quote == book.wallet.currency else rate_of(book, quote)
    worth = value_of(amount, price) if trade.cost is None else read_money(trade.cost, "cost")
    if worth < 0:
        raise MalformedError("out_of_range", "cost is negative.")
    buying = trade.side == "buy"
    fee = 0
    # ccxt gives one or a list, and the list may be empty.
    for one in trade.fees or (trade.fee,):
        if one is None or one.cost is None:
            continue
        if one.currency == base and settle is None:
            # Paid in what was traded: the bot received less, or gave up more, than the amount.
            quantity = read_fine(one.cost, "fee.cost")
            paid = value_of(quantity, price)
            amount += -quantity if buying else quantity
            worth += -paid if buying else paid
            fee += paid if rate is None else convert(paid, rate)
        else:
            fee += _fee_in_money(book, one)
    if amount <= 0 or worth < 0:
        raise MalformedError("out_of_range", "The fee is larger than what was bought.")
    believed = None if trade.realized_pnl is None else read_money(trade.realized_pnl, "realized_pnl")
    if rate is not None:
        worth = convert(worth, rate)
        believed = None if believed is None else convert(believed, rate)
    return Fill(amount if buying else -amount, worth, fee, price, rate, believed, settle is not None)


def _fee_in_money(book: Book, fee: Fee) -> int:
    if fee.currency is None:
        raise MalformedError("invalid_member", "A fee with a cost names its currency.")
    paid = read_money(fee.cost, "fee.cost")
    if fee.currency == book.wallet.currency:
        return paid
    rate = rate_of(book, fee.currency)
    return paid if rate is None else convert(paid, rate)


def apply_fill(turn: Turn, agent: Agent, symbol: str, found: Fill) -> Result:
    """Take a fill into the agent's position and cash; return what it earned."""
    position = agent.positions.get(symbol)
    if position is None:
        position = agent.positions[symbol] = Position()
    closing = position.amount != 0 and (position.amount > 0) != (found.quantity > 0)
    cost = position.cost
    realized = fill(position, found.quantity, found.worth)
    if found.believed is not None:
        # Exchanges report 0 for a fill that opens; that closes nothing.
        realized, closing = found.believed, closing or found.believed != 0
    if not found.derivative:
        moved = position.cost - cost
        agent.cost += moved
        agent.cash -= moved
    # Of a derivative only the profit and the fee reach the account.
    agent.cash += realized - found.fee
    wallet = turn.wallet
    wallet.market -= realized
    wallet.fees_account += found.fee
    unrealized = mark(position, found.price, found.rate)
    if position.amount == 0:
        del agent.positions[symbol]
    return Result(realized, found.fee, unrealized, closing)


def _tell_overdrawn(turn: Turn, agent: Agent) -> None:
    data = {"scope": "agent", "id": agent.id, "kind": "overdrawn", "cash": money_text(agent.cash)}
    turn.emit(EMERGENCY, "risk_alert", agent.id, data)
