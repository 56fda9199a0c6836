"""How a peer reports."""

import argparse
import sys
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from benchmarks.fleet import Books
from handlers.trade import Trade


class Job(NamedTuple):
    """What a peer is to do: so many fills of a stream."""

    port: int
    stream: str
    wanted: int


class Result(msgspec.Struct):
    """What it did. Of one that keeps no state there are no books."""

    seconds: float
    count: int
    times: int = 0  # sum of the fills' times, of one that keeps no state
    books: Books | None = None


def job() -> tuple[Job, list[str]]:
    """Read the job from the command line, and what else stands there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("stream")
    parser.add_argument("wanted", type=int)
    known, rest = parser.parse_known_args()
    return Job(**vars(known)), rest


def tell(result: Result) -> None:
    """Report to the benchmark."""
    sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")


def effect(trade: Trade) -> tuple[Decimal, Decimal]:
    """Tell what a fill does to its agent's cash and to its position; exact, as one would write it by hand."""
    amount = Decimal(trade.amount)
    if trade.side == "sell":
        amount = -amount
    fee: Any = trade.fee
    return -amount * Decimal(trade.price) - Decimal(fee.cost), amount
