"""Numbers are read exactly or not at all, rounded once, and split without a rest."""

import sys

import msgspec
import pytest

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

INVALID, OUT_OF_RANGE = NumberFault.INVALID, NumberFault.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("+0", 0),
        ("-.0e5", 0),
        ("0e99", 0),
        ("0e-99", 0),
        ("-0.00e999999", 0),
        ("1", 100_000_000),
        ("-1", -100_000_000),
        ("+1", 100_000_000),
        ("007", 700_000_000),
        ("5.", 500_000_000),
        (".5", 50_000_000),
        ("0.00000001", 1),
        ("-0.00000001", -1),
        ("1e-8", 1),
        ("1E-8", 1),
        ("1.5e3", 150_000_000_000),
        ("12e+1", 12_000_000_000),
        ("0.00000000000000000000000000000000001", 0),
        ("123456789.12345678", 12_345_678_912_345_678),
    ],
)
def test_a_decimal_is_read_from_its_text(text: str, units: int) -> None:
    """What is written is what is kept, in whatever of the usual ways it is written."""
    assert money(text) == units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0.000000005", 0),  # half a unit: to even, which is 0
        ("0.0000000050000000000000000001", 1),
        ("0.000000015", 2),
        ("0.000000025", 2),
        ("0.0000000249999999999", 2),
        ("-0.000000005", 0),
        ("-0.000000015", -2),
        ("-0.000000025", -2),
        ("2.5e-8", 2),
        ("3.5e-8", 4),
        ("9.99999999499", 999_999_999),
        ("9.999999995", 1_000_000_000),
    ],
)
def test_what_is_finer_than_a_unit_is_rounded_half_to_even(text: str, units: int) -> None:
    """On either side of zero alike, so that rounding has no drift."""
    assert money(text) == units


def test_prices_and_quantities_are_kept_finer_than_money() -> None:
    """A coin of 1e-12 of another still has a price."""
    assert fine("0.000000000001") == 1
    assert fine("1") == FINE
    assert fine("0.0000000000005") == 0
    assert fine("0.0000000000015") == 2


@pytest.mark.parametrize("text", ["1000000000000000000", "1e18", "1000000000000000000.00", "0.1e19"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_the_limit_itself_is_within_the_limit(sign: str, text: str) -> None:
    """±1e18 is the largest number there is."""
    expected = -(10**18) if sign else 10**18

    assert money(sign + text) == expected * MONEY
    assert fine(sign + text) == expected * FINE


@pytest.mark.parametrize(
    "text", ["1000000000000000001", "1000000000000000000.00000001", "1.1e18", "1e19", "1e999999999", "-1e19"]
)
def test_a_number_beyond_the_limit_is_out_of_range(text: str) -> None:
    """However far beyond, and told apart from what is no number."""
    with pytest.raises(InvalidNumberError) as caught:
        money(text)

    assert caught.value.fault is OUT_OF_RANGE


@pytest.mark.parametrize(
    "number",
    [
        "",
        " ",
        "nan",
        "NaN",
        "-nan",
        "sNaN",
        "inf",
        "Infinity",
        "-inf",
        "1,000",
        "1_000",
        " 1",
        "1 ",
        "1\n",
        "1.2.3",
        "--1",
        "+-1",
        "1e",
        "e5",
        ".",
        "-",
        "0x10",
        "1e1.5",
        "one",
        "٣",  # ARABIC-INDIC DIGIT THREE, which int() would take
        "１",  # noqa: RUF001  # FULLWIDTH DIGIT ONE
        "½",
        "1" * 39,
        "0." + "0" * 38,
        "1e99999999999999999999999999999999999999",
        True,
        False,
        None,
        (1,),
        float("nan"),
        float("inf"),
        float("-inf"),
    ],
)
def test_what_is_no_finite_decimal_is_invalid(number: object) -> None:
    """Nothing is guessed: not a boolean, not a digit of another script, not a separator."""
    with pytest.raises(InvalidNumberError) as caught:
        money(number)

    assert caught.value.fault is INVALID


def test_thirty_eight_characters_are_read_and_forty_digits_are_not() -> None:
    """The bound is on the text, the sign and the point included."""
    assert money("0." + "1" * 36) == 11_111_111
    assert money("1" * 18 + "." + "1" * 19) == int("1" * 26)
    with pytest.raises(InvalidNumberError):
        money("0." + "1" * 38)
    with pytest.raises(InvalidNumberError):
        money("1" * 40)


def test_a_float_of_messagepack_is_read_from_its_shortest_text() -> None:
    """0.1 is a tenth, not 0.1000000000000000055; and large ones come with an exponent."""
    unpacked = msgspec.msgpack.decode(msgspec.msgpack.encode([0.1, 1e17, 5e-9, -2.675, 1e-7]))

    assert [money(number) for number in unpacked] == [10_000_000, 10**25, 0, -267_500_000, 10]


def test_an_int_and_a_float_and_true_are_not_taken_for_each_other() -> None:
    """They are equal to Python; only two of them are numbers."""
    assert money(1) == money(1.0) == MONEY
    with pytest.raises(InvalidNumberError):
        money(True)
    assert money(10**18) == 10**26
    with pytest.raises(InvalidNumberError):
        money(10**18 + 1)


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"),
    [
        (0, 7, 0),
        (1, 2, 0),
        (3, 2, 2),
        (5, 2, 2),
        (-1, 2, 0),
        (-3, 2, -2),
        (-5, 2, -2),
        (2, 4, 0),
        (6, 4, 2),
        (7, 3, 2),
        (8, 3, 3),
        (-8, 3, -3),
        (10**40 + 1, 2, 5 * 10**39),
        (10**40 + 3, 2, 5 * 10**39 + 2),
    ],
)
def test_a_quotient_is_rounded_half_to_even(numerator: int, denominator: int, quotient: int) -> None:
    """At any size, and symmetrically around zero."""
    assert divide(numerator, denominator) == quotient


def test_worth_is_rounded_once() -> None:
    """0.00000003 of a coin at 0.5: 1.5 units, which is 2. At 0.1 at 0.15: 0.015 exactly."""
    assert value_of(fine("0.00000003"), fine("0.5")) == 2
    assert value_of(fine("0.1"), fine("0.15")) == money("0.015")
    assert value_of(-fine("2"), fine("31999.99")) == money("-63999.98")
    assert value_of(fine("1e18"), fine("1e18")) == 10**36 * MONEY


def test_money_is_converted_at_a_rate() -> None:
    """10 EUR at 1.085 are 10.85 USDT; 3 units at a half are 1.5, so 2."""
    assert convert(money("10"), fine("1.085")) == money("10.85")
    assert convert(3, fine("0.5")) == 2
    assert convert(-1, fine("0.5")) == 0


@pytest.mark.parametrize(
    ("units", "text"),
    [
        (0, "0"),
        (1, "0.00000001"),
        (-1, "-0.00000001"),
        (100_000_000, "1"),
        (-150_000_000, "-1.5"),
        (10**26, "1000000000000000000"),
        (1_000_000_010, "10.0000001"),
    ],
)
def test_money_is_written_as_its_shortest_exact_text(units: int, text: str) -> None:
    """No exponent, no trailing zero, no sign on zero."""
    assert money_text(units) == text
    assert money(text) == units


def test_writing_a_number_leaves_nothing_in_memory() -> None:
    """However large it is: compiled, `str` of an int beyond 2**62 kept that int for ever."""
    before = sys.getallocatedblocks()

    for n in range(1000):
        money_text(2**62 + n)
        money_text(-(2**63) - n)

    assert sys.getallocatedblocks() - before < 100


def test_quantities_are_written_with_up_to_twelve_places() -> None:
    """As money is."""
    assert fine_text(1) == "0.000000000001"
    assert fine_text(-15 * FINE // 10) == "-1.5"


def test_a_hundred_in_three_are_34_33_and_33() -> None:
    """The unit left over goes to the lowest id where the remainders are alike, wherever that one stands."""
    assert split(100, [1, 1, 1], ["a", "b", "c"]) == [34, 33, 33]
    assert split(100, [1, 1, 1], ["c", "b", "a"]) == [33, 33, 34]


def test_leftover_units_go_to_the_largest_remainders() -> None:
    """10 by 1:2:4 is 1.43, 2.86 and 5.71: after 1, 2, 5 the two units left go to .86 and .71."""
    assert split(10, [1, 2, 4], ["a", "b", "c"]) == [1, 3, 6]


def test_a_split_of_less_than_a_unit_each_goes_to_the_first() -> None:
    """Two units among five alike."""
    assert split(2, [0.2] * 5, ["e", "d", "c", "b", "a"]) == [0, 0, 0, 1, 1]


def test_who_has_no_weight_gets_nothing() -> None:
    """Not even a unit that is left over."""
    assert split(100, [0.0, 1.0, 0.0, 2.0], ["a", "b", "c", "d"]) == [0, 33, 0, 67]
    assert split(0, [1.0, 2.0], ["a", "b"]) == [0, 0]
