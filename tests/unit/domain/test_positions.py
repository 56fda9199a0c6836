"""Average cost, both ways, across zero, and without a rest."""

import pytest

from domain.money import fine, money
from domain.positions import Position, fill, mark


def trade(position: Position, quantity: str, price: str) -> int:
    """Fill at a price and mark there; return the profit realised."""
    worth = abs(fine(quantity)) * fine(price) // 10**16
    realized = fill(position, fine(quantity), worth)
    mark(position, fine(price), None)
    return realized


def test_buying_more_averages_the_cost() -> None:
    """1 at 100 and 3 at 200 are 4 at 175."""
    position = Position()

    assert trade(position, "1", "100") == trade(position, "3", "200") == 0
    assert (position.amount, position.cost) == (fine("4"), money("700"))
    assert position.unrealized_pnl == money("100")  # 800 - 700


def test_selling_part_of_a_long_realises_its_share() -> None:
    """Of 4 at 175, one at 200 earns 25; three at 175 are left."""
    position = Position(fine("4"), money("700"))

    assert trade(position, "-1", "200") == money("25")
    assert (position.amount, position.cost) == (fine("3"), money("525"))


def test_a_short_earns_when_the_price_falls() -> None:
    """Sold 2 at 100, bought one back at 90: 10 earned, one left that 100 was received for."""
    position = Position()

    assert trade(position, "-2", "100") == 0
    assert (position.amount, position.cost) == (fine("-2"), money("-200"))
    assert trade(position, "1", "90") == money("10")
    assert (position.amount, position.cost, position.unrealized_pnl) == (
        fine("-1"),
        money("-100"),
        money("10"),
    )


def test_a_short_loses_when_the_price_rises() -> None:
    """Sold at 100, bought back at 130."""
    position = Position()
    trade(position, "-1", "100")

    assert trade(position, "1", "130") == money("-30")
    assert (position.amount, position.cost, position.unrealized_pnl) == (0, 0, 0)


def test_selling_more_than_is_held_turns_a_long_into_a_short() -> None:
    """2 at 100; 5 sold at 110: 20 earned on the two, three short for 330."""
    position = Position(fine("2"), money("200"))

    assert trade(position, "-5", "110") == money("20")
    assert (position.amount, position.cost) == (fine("-3"), money("-330"))
    assert position.unrealized_pnl == 0


def test_buying_more_than_is_owed_turns_a_short_into_a_long() -> None:
    """3 short for 330; 4 bought at 100: 30 earned, one long for 100."""
    position = Position(fine("-3"), money("-330"))

    assert trade(position, "4", "100") == money("30")
    assert (position.amount, position.cost) == (fine("1"), money("100"))


def test_crossing_zero_splits_the_worth_without_losing_a_unit() -> None:
    """3 bought for 1 unit close a short of 1: a third of a unit is none, so the long costs the whole unit."""
    position = Position(-1, -5)

    assert fill(position, 3, 1) == 5
    assert (position.amount, position.cost) == (2, 1)


def test_partial_closes_leave_no_residue() -> None:
    """3 for 100 units sold one by one: 33, 34 and 33 of cost go (half to even twice), and nothing stays."""
    position = Position(3, 100)

    removed = [-fill(position, -1, 0) for _ in range(3)]

    assert removed == [33, 34, 33]  # 100/3 = 33.3; 67/2 = 33.5, to even; and the rest
    assert (position.amount, position.cost) == (0, 0)


def test_a_tenth_sold_ten_times_is_all_of_it() -> None:
    """Whatever the rounding on the way, profit and cost add up to what was received."""
    position = Position(fine("1"), money("0.00000007"))

    realized = sum(fill(position, -fine("0.1"), 1) for _ in range(10))

    assert realized == 10 - 7
    assert position == Position()


def test_closing_at_nothing_loses_the_cost() -> None:
    """A coin that went to zero."""
    position = Position(fine("5"), money("50"))

    assert fill(position, -fine("5"), 0) == money("-50")


@pytest.mark.parametrize(
    ("price", "rate", "unrealized"),
    [
        ("150", None, "100"),  # 2 x 150 - 200
        ("50", None, "-100"),
        ("150", "1.1", "130"),  # 330 - 200: the cost is in the wallet's currency already
        ("100", "0.5", "-100"),
    ],
)
def test_a_mark_values_a_position_in_the_wallets_currency(
    price: str, rate: str | None, unrealized: str
) -> None:
    """And says by how much its unrealised profit changed."""
    position = Position(fine("2"), money("200"), fine("100"), money("7"))

    change = mark(position, fine(price), None if rate is None else fine(rate))

    assert position.unrealized_pnl == money(unrealized)
    assert change == money(unrealized) - money("7")
    assert position.mark == fine(price)
    assert (position.amount, position.cost) == (fine("2"), money("200"))
