"""
``in:balance``: what a bot's account holds, and the prices it sees.

Prices value its positions. Its cash is compared with the ledger: where they differ by more than the tolerance
the difference goes to `suspense` and somebody is told. A bot that only knows its equity earns its changes,
net of what was moved.

Money that an agent was given and has to confirm (the rule `acknowledge`) is posted when its account shows it.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from domain.ledger import SUSPENSE, agent_account, between
from domain.money import PARTS, money_text
from domain.positions import mark
from handlers.reading import (
    MEMBERS_MAX,
    Amounts,
    check_id,
    check_time,
    find_agent,
    find_book,
    rate_of,
    read_money,
    read_positive,
    read_symbol,
)
from handlers.steps.benchmark import note_price
from handlers.steps.pending import post
from handlers.steps.posting import correct
from handlers.steps.reports import conclude, earn
from handlers.steps.sender import check_sender
from handlers.steps.timers import advance
from handlers.steps.valuation import Result
from handlers.turn import EMERGENCY, Turn
from state.book import Book
from state.entities import Agent
from state.view import View
from stream.decode import Decoder
from stream.errors import MalformedError
from stream.types import Emit, Entry


class Balance(msgspec.Struct, gc=False):
    """An account snapshot in ccxt's balance shape, with marks."""

    id: str
    wallet: str
    agent: str
    timestamp: int
    total: Amounts | None = None
    free: Amounts | None = None
    used: Amounts | None = None
    prices: Amounts | None = None
    equity: Any = None
    sent: int | None = None  # when it was signed, where that is not when it was taken


class Report(NamedTuple):
    """A balance event, read. Prices and rates in 1e-12, the rest is money."""

    prices: dict[str, int]
    rates: dict[str, int]
    cash: int | None
    used: int | None
    equity: int | None


decode: Final[Callable[[bytes], Balance]] = Decoder(Balance).decode


def identity(balance: Balance) -> str:
    """Tell what makes a second balance event a repeat."""
    return f"balance/{balance.wallet}/{balance.agent}/{balance.id}"


def handle(view: View, entry: Entry, balance: Balance, emits: list[Emit]) -> bool:
    """Apply an account snapshot. Raises `MalformedError`, having changed nothing."""
    book = find_book(view, balance.wallet)
    agent = find_agent(book, balance.agent)
    check_id(balance.id, "id")
    check_time(balance.timestamp, entry)
    report = read_report(book, balance)
    if book.guarded:
        check_sender(book, agent, "in:balance", entry, balance)

    view.touch(book)
    turn = Turn(book, balance.id, emits)
    advance(turn, balance.timestamp)
    if report.rates:
        book.wallet.rates |= report.rates
        book.mark(book.wallet)
    if book.benchmark in report.prices:
        note_price(turn, report.prices[book.benchmark])
    if book.pending:
        _acknowledge(turn, agent, report, balance.timestamp)
    unrealized = _revalue(turn, agent, report.prices)
    if report.used is not None:
        agent.reported_used = max(report.used, 0)
    realized = 0
    if report.equity is not None:
        realized = _believe_equity(turn, agent, report.equity, balance.timestamp)
    elif report.cash is not None:
        _compare(turn, agent, report.cash, balance.timestamp)
    book.mark(agent)
    if unrealized or realized:
        earn(turn, agent, Result(realized, 0, unrealized, bool(realized), 0))
    conclude(turn, agent)
    return True


def read_report(book: Book, balance: Balance) -> Report:
    """Read a balance event's numbers. Raises `MalformedError`."""
    currency = book.wallet.currency
    prices, rates = {}, {}
    for symbol, price in (balance.prices or {}).items():
        parts = read_symbol(symbol)
        prices[symbol] = read_positive(price, f"prices[{symbol}]")
        if parts.quote == currency and parts.settle is None:
            rates[parts.base] = prices[symbol]
    for symbol in prices:
        # A mark in a currency without a rate is no use to anyone; better said now than valued wrong.
        quote = read_symbol(symbol).quote
        if quote not in rates:
            rate_of(book, quote)
    known = book.wallet.rates
    if len(known) + len(rates) > MEMBERS_MAX and len(known | rates) > MEMBERS_MAX:
        raise MalformedError("too_many", f"The wallet would know more than {MEMBERS_MAX} rates.")
    holdings = {
        name: None if not amounts or amounts.get(currency) is None else read_money(amounts[currency], name)
        for name, amounts in (("total", balance.total), ("free", balance.free), ("used", balance.used))
    }
    total, free, used = holdings["total"], holdings["free"], holdings["used"]
    if total is None and free is not None and used is not None:
        total = free + used
    if used is None and free is not None and total is not None:
        used = total - free
    equity = None if balance.equity is None else read_money(balance.equity, "equity")
    return Report(prices, rates, total, used, equity)


def _acknowledge(turn: Turn, agent: Agent, report: Report, timestamp: int) -> None:
    """Post what is pending for an agent until it confirms it, and shows in its account."""
    for pending in turn.book.pending_to(agent_account(agent.id)):
        transfer = pending.transfers[0]
        # A snapshot from before cannot show it.
        if not pending.acknowledge or timestamp <= pending.created:
            continue
        if _shows(turn, agent, report, transfer.amount):
            moved = agent.moved
            refused = post(turn, pending, f"{turn.cause}/posted/{pending.number}")
            assert refused is None, refused  # noqa: S101  # it was held for this, and who is stopped has none
            # To the account it moved before this snapshot, which is compared with the ledger as any other.
            agent.moved = max(moved, timestamp - 1)


def _shows(turn: Turn, agent: Agent, report: Report, amount: int) -> bool:
    """
    Whether an account holds so much more than the ledger says.

    Money may be short by the tolerance, but not by more than half of the amount. Equity moves with the
    market, so there half of the amount is enough.
    """
    slack = amount // 2
    if report.cash is not None:
        reference = max(abs(agent.equity + amount), abs(report.cash))
        slack = min(reference * round(turn.wallet.rules.tolerance * PARTS) // PARTS, slack)
        return report.cash - agent.cash >= amount - slack
    if report.equity is None:
        return False
    known = agent.equity
    if agent.reported_equity is not None and not agent.trades:
        known = agent.reported_equity + agent.flows_since
    return report.equity - known >= amount - slack


def _revalue(turn: Turn, agent: Agent, prices: dict[str, int]) -> int:
    """Value an agent's positions at new prices; return the change of unrealised profit."""
    changed = 0
    for symbol in sorted(prices.keys() & agent.positions.keys()):
        rate = rate_of(turn.book, read_symbol(symbol).quote)
        changed += mark(agent.positions[symbol], prices[symbol], rate)
    return changed


def _believe_equity(turn: Turn, agent: Agent, equity: int, timestamp: int) -> int:
    """Profit of a bot that only knows its equity: the change since its last report, net of flows."""
    if agent.trades or agent.positions:
        return 0  # its fills are known, so its profit is too
    if agent.moved and timestamp <= agent.moved:
        return 0  # the report may be older than the last transfer, which would then look like profit or loss
    before = agent.reported_equity
    agent.reported_equity = equity
    moved, agent.flows_since = agent.flows_since, 0
    if before is None:
        _compare(turn, agent, equity, timestamp)
        agent.flows_since = 0
        return 0
    profit = equity - before - moved
    agent.cash += profit
    turn.wallet.market -= profit
    return profit


def _compare(turn: Turn, agent: Agent, reported: int, timestamp: int) -> None:
    """Put what the ledger cannot explain into suspense, and tell."""
    if agent.moved and timestamp <= agent.moved:
        return  # the snapshot may be older than the last transfer
    difference = reported - agent.cash
    reference = max(abs(agent.equity), abs(reported))
    if abs(difference) * PARTS <= reference * round(turn.wallet.rules.tolerance * PARTS):
        return
    ledger = agent.cash
    transfers = between(SUSPENSE, agent_account(agent.id), difference)
    correct(turn, transfers, "balance_mismatch", f"{turn.cause}/{agent.id}")
    data = {
        "scope": "agent",
        "id": agent.id,
        "kind": "balance_mismatch",
        "currency": turn.wallet.currency,
        "ledger": money_text(ledger),
        "reported": money_text(reported),
        "difference": money_text(difference),
    }
    turn.emit(EMERGENCY, "risk_alert", agent.id, data)
