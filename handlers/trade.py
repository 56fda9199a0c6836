"""``in:trade``: one fill, as its bot reports it; `handlers.fills` applies it."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec

from stream.decode import Decoder

FEES_MAX: Final = 100


class Fee(msgspec.Struct, gc=False):
    """A fee as ccxt gives it; either member may be missing, and then there was none."""

    currency: str | None = None
    cost: Any = None


class Trade(msgspec.Struct, gc=False):
    """A fill in ccxt's unified shape, plus who made it. Numbers are text or ints, to be read exactly."""

    id: str
    wallet: str
    agent: str
    timestamp: int
    symbol: str
    side: Literal["buy", "sell"]
    price: Any
    amount: Any
    cost: Any = None
    fee: Fee | None = None
    fees: Annotated[list[Fee], msgspec.Meta(max_length=FEES_MAX)] | None = None
    realized_pnl: Any = None
    sent: int | None = None  # when it was signed, where that is not when it happened


decode: Final[Callable[[bytes], Trade]] = Decoder(Trade).decode
