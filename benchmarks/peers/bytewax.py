"""
Bytewax: a stateful map that keeps each agent's cash and positions in memory.

It reads nothing while it is timed, and nothing survives it: the entries are in a list before it begins. The
last word of the command is how many of them its source gives at once: 1 is the default of Bytewax's sources
for tests and files, 1,000 that of its source for Kafka.
"""

import time
from decimal import Decimal
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import TestingSource, run_main

from benchmarks.fleet import Books, decode
from benchmarks.peers.account import Job, Result, effect, job, tell
from benchmarks.server import connect
from handlers.trade import Trade


class Account:
    """What an agent has."""

    __slots__ = ("cash", "positions")

    def __init__(self) -> None:
        self.cash = Decimal()
        self.positions: dict[str, Decimal] = {}


def apply(account: Account | None, trade: Trade) -> tuple[Account, Account]:
    """Take a fill into its agent's account."""
    account = account or Account()
    cash, amount = effect(trade)
    account.cash += cash
    account.positions[trade.symbol] = account.positions.get(trade.symbol, Decimal()) + amount
    return account, account


class Sink(StatelessSinkPartition[Any]):
    """Keeps the last of each agent."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self._accounts = accounts

    def write_batch(self, items: list[Any]) -> None:
        """Take what the map says."""
        self._accounts.update(items)


class Sinks(DynamicSink[Any]):
    """The one sink there is."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self._accounts = accounts

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Sink:  # noqa: ARG002  # Bytewax asks
        """Give it."""
        return Sink(self._accounts)


def work(asked: Job, batch: int) -> Result:
    """Apply the fills."""
    client = connect(asked.port)
    events = [fields[b"event"] for _, fields in client.xrange(asked.stream, count=asked.wanted)]
    accounts: dict[str, Account] = {}
    flow = Dataflow("fills")
    raw = op.input("fills", flow, TestingSource(events, batch_size=batch))
    trades = op.map("decode", raw, decode)
    keyed = op.key_on("agent", trades, lambda trade: f"{trade.wallet}/{trade.agent}")
    op.output("accounts", op.stateful_map("apply", keyed, apply), Sinks(accounts))
    start = time.perf_counter()
    run_main(flow)
    seconds = time.perf_counter() - start
    found: Books = {
        agent: (account.cash, {symbol: amount for symbol, amount in account.positions.items() if amount})
        for agent, account in accounts.items()
    }
    return Result(seconds, len(events), books=found)


if __name__ == "__main__":
    _asked, _rest = job()
    tell(work(_asked, int(_rest[0])))
