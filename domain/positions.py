"""
Positions at average cost.

Rules kept here:

1. A position's cost has the sign of its amount: money put in when long, money received when short.
2. Reducing a position removes cost in proportion; the last unit removes all that is left, so nothing stays
   behind. What was received above the cost removed is the realised profit.
3. A fill that crosses zero closes the position and opens the other side with the rest.
4. A position is changed by `fill` and `mark` alone, and forgets with it how it was written.
"""

from dataclasses import dataclass, field

from domain.money import convert, divide, value_of


@dataclass(slots=True)
class Position:
    """One agent's holding of one symbol. Amount and mark in 1e-12; cost and unrealised profit in money."""

    amount: int = 0
    cost: int = 0
    mark: int = 0  # last price seen
    unrealized_pnl: int = 0
    written: str | None = field(
        default=None, compare=False, repr=False
    )  # as it was stored, if it is so still


def fill(position: Position, quantity: int, worth: int) -> int:
    """
    Add a fill and return the profit it realised.

    Args:
        position: changed in place; its mark is not.
        quantity: in 1e-12, positive when bought, negative when sold, never 0.
        worth: money paid or received for it, not negative.

    """
    position.written = None
    held = position.amount
    if held == 0 or (held > 0) == (quantity > 0):
        position.amount += quantity
        position.cost += worth if quantity > 0 else -worth
        return 0
    size, reduction = abs(held), abs(quantity)
    if reduction <= size:
        return _reduce(position, quantity, worth)
    closing = divide(worth * size, reduction)
    realized = _reduce(position, -held, closing)
    position.amount = held + quantity
    position.cost = (worth - closing) if quantity > 0 else closing - worth
    return realized


def _reduce(position: Position, quantity: int, worth: int) -> int:
    held, cost = position.amount, position.cost
    removed = cost if quantity == -held else divide(cost * abs(quantity), abs(held))
    position.amount += quantity
    position.cost -= removed
    return worth - removed if held > 0 else -removed - worth


def mark(position: Position, price: int, rate: int | None) -> int:
    """
    Value a position at a price and return the change of its unrealised profit.

    Args:
        position: changed in place.
        price: in the symbol's quote currency, 1e-12.
        rate: of the quote currency in the wallet's, 1e-12; None where they are the same.

    """
    position.written = None
    position.mark = price
    value = value_of(position.amount, price)
    if rate is not None:
        value = convert(value, rate)
    before = position.unrealized_pnl
    position.unrealized_pnl = value - position.cost
    return position.unrealized_pnl - before
