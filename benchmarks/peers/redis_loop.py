"""
A loop by hand: read with redis-py, and apply each fill by one MULTI: cash, position, and how far it got.

So it, too, counts every fill exactly once across crashes. It keeps no ledger, no breaker and no performance.
"""

import time
from decimal import Decimal
from typing import Any

from benchmarks.fleet import Books, decode
from benchmarks.peers.account import Job, Result, effect, job, tell
from benchmarks.server import connect

_STEPS = 10**8  # integers of 1e-8, so that Redis adds them exactly
_LOOK = 1000  # entries to a read
_CASH, _POSITIONS, _AT = "peer:cash", "peer:positions", "peer:at"


def work(asked: Job) -> Result:
    """Apply the fills."""
    client = connect(asked.port)
    last, count = b"0-0", 0
    start = time.perf_counter()
    while count < asked.wanted:
        [(_, entries)] = client.xread({asked.stream: last}, count=min(_LOOK, asked.wanted - count))
        for last, fields in entries:
            trade = decode(fields[b"event"])
            cash, amount = effect(trade)
            agent = f"{trade.wallet}/{trade.agent}"
            with client.pipeline(transaction=True) as pipeline:
                pipeline.hincrby(_CASH, agent, int(cash * _STEPS))
                pipeline.hincrby(_POSITIONS, f"{agent}/{trade.symbol}", int(amount * _STEPS))
                pipeline.hset(_AT, "in:trade", last)
                pipeline.execute()
            count += 1
    seconds = time.perf_counter() - start
    return Result(seconds, count, books=stored(client))


def stored(client: Any) -> Books:  # noqa: ANN401  # redis-py: replies as bytes
    """Read back what was written."""
    found: Books = {
        agent.decode(): (Decimal(int(cash)) / _STEPS, {}) for agent, cash in client.hgetall(_CASH).items()
    }
    for key, amount in client.hgetall(_POSITIONS).items():
        wallet, agent, symbol = key.decode().split("/", 2)
        if int(amount):
            found[f"{wallet}/{agent}"][1][symbol] = Decimal(int(amount)) / _STEPS
    return found


if __name__ == "__main__":
    tell(work(job()[0]))
