"""Positions against average cost in fractions, which round nothing."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.positions import Position, fill, mark

QUANTITY = st.one_of(st.integers(-3, 3), st.integers(-(10**15), 10**15)).filter(bool)
WORTH = st.one_of(st.integers(0, 3), st.integers(0, 10**16))
FILLS = st.lists(st.tuples(QUANTITY, WORTH), min_size=1, max_size=40)


class Reference:
    """An average-cost position by the book: buys and sells are averaged, the other side realises."""

    def __init__(self) -> None:
        self.amount = 0
        self.price = Fraction(0)  # average price of what is held, or owed
        self.realized = Fraction(0)

    @property
    def cost(self) -> Fraction:
        """Return what was paid, or received for a short, as a negative amount."""
        return self.amount * self.price

    def fill(self, quantity: int, worth: int) -> None:
        """Trade at an average price; close what is there first."""
        price = Fraction(worth, abs(quantity))
        if self.amount * quantity < 0:
            closed = min(abs(quantity), abs(self.amount))
            direction = 1 if self.amount > 0 else -1
            self.realized += closed * direction * (price - self.price)
            self.amount -= closed * direction
            quantity += closed * direction
        if quantity:
            self.price = (self.cost + quantity * price) / (self.amount + quantity)
            self.amount += quantity


@given(fills=FILLS)
def test_amounts_are_those_of_the_reference_and_costs_within_their_rounding(
    fills: list[tuple[int, int]],
) -> None:
    """Each fill rounds twice at most, by half a unit; profit and cost err by the same, against each other."""
    position, reference, realized = Position(), Reference(), 0

    for number, (quantity, worth) in enumerate(fills, 1):
        realized += fill(position, quantity, worth)
        reference.fill(quantity, worth)

        assert position.amount == reference.amount
        assert abs(position.cost - reference.cost) <= number
        assert abs(realized - reference.realized) <= number
        assert position.cost - realized == sum(w if q > 0 else -w for q, w in fills[:number])


@given(fills=FILLS)
def test_a_cost_has_the_sign_of_its_amount_and_nothing_is_left_of_nothing(
    fills: list[tuple[int, int]],
) -> None:
    """However the rounding falls."""
    position = Position()

    for quantity, worth in fills:
        fill(position, quantity, worth)
        assert position.cost >= 0 if position.amount > 0 else position.cost <= 0
        if position.amount == 0:
            assert position.cost == 0


@given(fills=FILLS, last=WORTH)
def test_closing_realises_all_that_was_paid_and_received(fills: list[tuple[int, int]], last: int) -> None:
    """To the unit: what is left when everything is sold is the difference of the cash."""
    position = Position()
    realized = sum(fill(position, quantity, worth) for quantity, worth in fills)
    cash = sum(-worth if quantity > 0 else worth for quantity, worth in fills)
    if position.amount:
        cash += last if position.amount > 0 else -last
        realized += fill(position, -position.amount, last)

    assert (position.amount, position.cost) == (0, 0)
    assert realized == cash


@settings(max_examples=200)
@given(
    amount=QUANTITY,
    cost=st.integers(-(10**20), 10**20),
    price=st.one_of(st.integers(1, 3), st.integers(1, 10**30)),
    rate=st.one_of(st.none(), st.integers(1, 3), st.integers(1, 10**30)),
)
def test_a_mark_is_the_value_less_the_cost(amount: int, cost: int, price: int, rate: int | None) -> None:
    """The value is rounded half to even, once for the price and once for the rate."""
    position = Position(amount, cost, 0, 5)

    change = mark(position, price, rate)

    # Both of 1e-12, money of 1e-8: a product is 1e16 times too large.
    value = round(Fraction(amount * price, 10**16))
    if rate is not None:
        value = round(Fraction(value * rate, 10**12))
    assert position.unrealized_pnl == value - cost
    assert change == value - cost - 5
