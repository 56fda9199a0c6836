"""Money against fractions: what is read, what is rounded, what is split."""

import re
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from domain.money import (
    FINE,
    MONEY,
    InvalidNumberError,
    NumberFault,
    convert,
    divide,
    fine,
    fine_text,
    money,
    money_text,
    split,
    value_of,
)

NUMBERS = st.from_regex(
    r"[-+]?(?:[0-9]{1,21}(?:\.[0-9]{0,21})?|\.[0-9]{1,21})(?:[eE][-+]?[0-9]{1,3})?", fullmatch=True
)
UNITS = st.one_of(st.integers(-3, 3), st.integers(-(10**26), 10**26))


@given(text=NUMBERS)
@example("1000000000000000000.000000004")
@example("1000000000000000000.000000006")
@example("9999999999999999999")
@example("0.000000005")
@example("-0.000000015")
@example("0e999")
@example("0.0000000000000000000000000000000000000")
def test_a_decimal_is_rounded_half_to_even_or_refused_by_its_fault(text: str) -> None:
    """As `Fraction` reads and `round` rounds it; too long is no number, too large is out of range."""
    exact = Fraction(text)
    for read, unit in ((money, MONEY), (fine, FINE)):
        expected: int | NumberFault = round(exact * unit)
        if len(text) > 38:
            expected = NumberFault.INVALID
        elif abs(round(exact * unit)) > 10**18 * unit:
            expected = NumberFault.OUT_OF_RANGE
        try:
            found: int | NumberFault = read(text)
        except InvalidNumberError as error:
            found = error.fault
        assert found == expected


@given(text=st.text(max_size=12))
@example("1e")
@example("1\n")
@example("²")
@example("Ⅷ")
@example("1_0")
def test_what_does_not_look_like_a_decimal_is_none(text: str) -> None:
    """Whatever else Python's own conversions would take."""
    assume(not re.fullmatch(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", text))

    with pytest.raises(InvalidNumberError) as caught:
        money(text)

    assert caught.value.fault is NumberFault.INVALID


@given(units=UNITS)
def test_what_is_written_is_read_as_it_was(units: int) -> None:
    """And is the exact number, without an exponent or a needless zero."""
    text = money_text(units)

    assert money(text) == units
    assert Fraction(text) == Fraction(units, MONEY)
    assert re.fullmatch(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?", text)
    assert text != "-0"
    assert fine(fine_text(units)) == units


@given(number=st.floats(-1e17, 1e17))
def test_a_float_is_its_shortest_text(number: float) -> None:
    """Which is what its sender saw."""
    assert money(number) == round(Fraction(repr(number)) * MONEY)


@given(numerator=st.integers(-(10**40), 10**40), denominator=st.integers(1, 10**20) | st.integers(1, 4))
def test_quotients_products_and_conversions_are_rounded_half_to_even(
    numerator: int, denominator: int
) -> None:
    """Once."""
    assert divide(numerator, denominator) == round(Fraction(numerator, denominator))
    assert value_of(numerator, denominator) == round(Fraction(numerator * denominator, 10**16))
    assert convert(numerator, denominator) == round(Fraction(numerator * denominator, 10**12))


WEIGHTS = st.lists(
    st.sampled_from([0.0, 1.0, 1 / 3, 1e-9]) | st.floats(0, 1000, allow_subnormal=False),
    min_size=1,
    max_size=12,
).filter(lambda weights: sum(weights) > 1e-6)


@given(amount=st.integers(0, 5) | st.integers(0, 10**15), weights=WEIGHTS)
def test_a_split_gives_away_all_of_it_each_within_a_unit_of_its_share(
    amount: int, weights: list[float]
) -> None:
    """No part is negative, none of no weight gets any, none is a unit from what is its due."""
    ids = [f"id-{number:02}" for number in range(len(weights))]

    parts = split(amount, weights, ids)

    assert sum(parts) == amount
    total = sum(map(Fraction, weights))
    for part, weight in zip(parts, weights, strict=True):
        due = amount * Fraction(weight) / total
        # Weights are compared in steps of 1e-15 of the whole, of which each may lack a half.
        assert abs(part - due) < 1 + Fraction(amount * len(weights), 10**15)
        assert part >= 0
        assert part == 0 or weight > 0


@given(amount=st.integers(0, 10**12), weights=WEIGHTS, data=st.data())
def test_a_split_does_not_depend_on_the_order(amount: int, weights: list[float], data: st.DataObject) -> None:
    """Ties go by id, not by place."""
    ids = [f"id-{number:02}" for number in range(len(weights))]
    order = data.draw(st.permutations(range(len(weights))))

    parts = split(amount, weights, ids)
    permuted = split(amount, [weights[i] for i in order], [ids[i] for i in order])

    # A sum of floats may depend on the order by an ulp, which may move one unit.
    assert sum(permuted) == sum(parts)
    assert max(abs(permuted[place] - parts[i]) for place, i in enumerate(order)) <= 1


@given(amount=st.integers(0, 1000), count=st.integers(1, 30))
def test_equal_weights_differ_by_a_unit_at_most_and_the_first_ids_get_it(amount: int, count: int) -> None:
    """100 in three is 34, 33, 33, and so on."""
    ids = [f"id-{number:02}" for number in range(count)]
    each, left = divmod(amount, count)

    assert split(amount, [0.1] * count, ids) == [each + 1] * left + [each] * (count - left)
