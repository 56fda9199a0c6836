"""Parts of a scope as they are stored, decimals as text. Members have the names that they have in memory."""

import msgspec


class StoredPosition(msgspec.Struct, gc=False):
    """A position of an agent."""

    amount: str
    cost: str
    mark: str
    unrealized_pnl: str


class StoredBooked(msgspec.Struct, gc=False):
    """What of its trading has come out as transactions."""

    cost: str = "0"
    realized_pnl: str = "0"
    fees: str = "0"
    trades: int = 0
