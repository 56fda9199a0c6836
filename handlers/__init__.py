"""
One file per input stream: it takes an event and the view, asks the domain, and says what follows.

`HANDLERS` is the whole table, in the order that breaks ties between entries of one id.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from handlers import balance, clock, command, fills, goal, trade
from state.view import View
from stream.types import Emit, Entry


class Handler(NamedTuple):
    """What is done with the entries of one stream."""

    decode: Callable[[bytes], Any]
    identity: Callable[[Any], str | None]
    handle: Callable[[View, Entry, Any, list[Emit]], bool]


HANDLERS: Final[dict[str, Handler]] = {
    "trade": Handler(trade.decode, fills.identity, fills.handle),
    "balance": Handler(balance.decode, balance.identity, balance.handle),
    "goal": Handler(goal.decode, goal.identity, goal.handle),
    "command": Handler(command.decode, command.identity, command.handle),
    "clock": Handler(clock.decode, clock.identity, clock.handle),
}

INPUTS: Final = tuple(HANDLERS)
OUTPUTS: Final = ("allocation", "rebalance", "emergency", "wallet", "reply")
