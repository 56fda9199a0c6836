"""What a strategy is fed, and what it answers."""

from enum import Enum
from typing import Protocol

import msgspec


class Bar(msgspec.Struct, frozen=True):
    """The prices of one day."""

    open: float
    high: float
    low: float
    close: float


class Signal(Enum):
    """What a strategy wants done at the next opening."""

    HOLD = "hold"
    ENTER = "enter"
    EXIT = "exit"


class Strategy(Protocol):
    """
    Decides on one instrument, long or out.

    It is shown every bar exactly once, in order, also while its bot may not trade. Whether the bot holds
    anything is told, not remembered: a stop may have sold what the strategy wanted to keep.
    """

    def signal(self, bar: Bar, *, holding: bool) -> Signal:
        """Take in the bar that has just closed and say what to do."""
        ...
