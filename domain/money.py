"""
Money, prices and quantities as integers.

Rules kept here:

1. Money is an integer of 1e-8 of a currency (``MONEY``); prices, quantities and rates are integers of
   1e-12 (``FINE``), because some coins trade below 1e-8 of another.
2. A number is read from its decimal text, never through a binary float.
3. A product or quotient is rounded once, half to even.
4. A split gives away every unit: the parts sum to the whole.
"""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

MONEY_DIGITS: Final = 8
MONEY: Final = 10**MONEY_DIGITS
PARTS: Final = 10**9  # shares and weights count in steps of 1e-9: a tenth is 100 million parts
FINE_DIGITS: Final = 12
FINE: Final = 10**FINE_DIGITS
FINE_PER_MONEY: Final = FINE // MONEY
NUMBER_CHARACTERS_MAX: Final = 38
NUMBER_MAX: Final = 10**18

_UNCOMMON = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_SMALL_CHARACTERS_MAX: Final = 18  # numerals of a whole number that is below the limit whatever they are
_LIMITS: Final = {digits: NUMBER_MAX * 10**digits for digits in (MONEY_DIGITS, FINE_DIGITS)}
_POWERS: tuple[int, ...] = tuple(10**n for n in range(2 * NUMBER_CHARACTERS_MAX))


class NumberFault(StrEnum):
    """Why a text is no number of ours; the values are dead-letter reasons."""

    INVALID = "invalid_number"
    OUT_OF_RANGE = "out_of_range"


class InvalidNumberError(ValueError):
    """Raised by `parse` with the fault and the text that has it."""

    def __init__(self, fault: NumberFault, text: str) -> None:
        super().__init__(f"{text[:40]!r} is not a decimal within ±1e18 of at most 38 characters")
        self.fault = fault


def parse(number: object, digits: int) -> int:
    """
    Read a decimal as an integer of 10**-digits, rounded half to even.

    Args:
        number: text, an int, or a float (only MessagePack has those; read from its shortest text).
        digits: `MONEY_DIGITS` or `FINE_DIGITS`.

    Raises:
        InvalidNumberError: not a finite decimal, too long, or beyond ±1e18.

    """
    if type(number) is not str:
        if type(number) is not int and type(number) is not float:
            raise InvalidNumberError(NumberFault.INVALID, str(number))
        number = repr(number)
    return _parse_text(number, digits)


def _parse_text(text: str, digits: int) -> int:
    point = text.find(".")
    numerals, places = text, 0
    if point >= 0:
        numerals, places = text[:point] + text[point + 1 :], len(text) - point - 1
    if places <= digits and len(text) <= NUMBER_CHARACTERS_MAX and numerals.isdigit() and numerals.isascii():
        value = int(numerals) * _POWERS[digits - places]
        if len(text) <= _SMALL_CHARACTERS_MAX:
            return value
    else:
        value = _parse_uncommon(text, digits)
    limit = _LIMITS[digits]
    if not -limit <= value <= limit:
        raise InvalidNumberError(NumberFault.OUT_OF_RANGE, text)
    return value


def _parse_uncommon(text: str, digits: int) -> int:
    """Read exponents, signs and more places than are kept; refuse what is not a finite decimal."""
    if len(text) > NUMBER_CHARACTERS_MAX or not _UNCOMMON.fullmatch(text):
        raise InvalidNumberError(NumberFault.INVALID, text)
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvalidNumberError(NumberFault.INVALID, text) from None
    if not value.is_finite():
        raise InvalidNumberError(NumberFault.INVALID, text)
    # A zero may carry any exponent.
    if not value or value.adjusted() < -digits - 1:
        return 0
    if value.adjusted() > 18:
        raise InvalidNumberError(NumberFault.OUT_OF_RANGE, text)
    sign, numerals, exponent = value.as_tuple()
    mantissa = int("".join(map(str, numerals)))
    shift = int(exponent) + digits
    scaled = mantissa * _POWERS[shift] if shift >= 0 else divide(mantissa, _POWERS[-shift])
    return -scaled if sign else scaled


def money(number: object) -> int:
    """Read an amount of money as an integer of 1e-8. Raises `InvalidNumberError`."""
    return _parse_text(number, MONEY_DIGITS) if type(number) is str else parse(number, MONEY_DIGITS)


def fine(number: object) -> int:
    """Read a price, quantity or rate as an integer of 1e-12. Raises `InvalidNumberError`."""
    return _parse_text(number, FINE_DIGITS) if type(number) is str else parse(number, FINE_DIGITS)


def divide(numerator: int, denominator: int) -> int:
    """Quotient rounded half to even; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


_VALUE_DIVISOR: Final = FINE * FINE_PER_MONEY
_VALUE_HALF: Final = _VALUE_DIVISOR // 2


def value_of(quantity: int, price: int) -> int:
    """Money for a quantity at a price (both of 1e-12)."""
    # As `divide` rounds, here without the call: every fill comes by twice.
    quotient, rest = divmod(quantity * price, _VALUE_DIVISOR)
    if rest > _VALUE_HALF or (rest == _VALUE_HALF and quotient & 1):
        quotient += 1
    return quotient


def convert(amount: int, rate: int) -> int:
    """Money of one currency in another, at a rate of 1e-12."""
    return divide(amount * rate, FINE)


def money_text(amount: int) -> str:
    """Money as the shortest exact decimal text."""
    return decimal_text(amount, MONEY_DIGITS)


def fine_text(number: int) -> str:
    """Write a price, quantity or rate as the shortest exact decimal text."""
    return decimal_text(number, FINE_DIGITS)


def decimal_text(number: int, places: int) -> str:
    """Write a number of which so many digits are behind the point as the shortest exact decimal text."""
    if number < 0:
        return "-" + decimal_text(-number, places)
    # Cutting the numerals takes two thirds of the time of dividing the number, once it is compiled a third.
    numerals = _numerals(number)
    if len(numerals) <= places:
        numerals = numerals.rjust(places + 1, "0")
    fraction = numerals[-places:].rstrip("0")
    whole = numerals[:-places]
    return whole + "." + fraction if fraction else whole


# Up to here an int of compiled code is no object.
_UNBOXED_MAX: Final = 2**62 - 1


def _numerals(number: int) -> str:
    if number <= _UNBOXED_MAX:
        return str(number)
    # `str` of a larger int, compiled (mypyc 2.4), holds on to the int for ever: a scope's peak and squared
    # profit are as large, which made 13 MB in a million fills. Of an object it does not.
    boxed: object = number
    return str(boxed)


def split(amount: int, weights: Sequence[float], ids: Sequence[str]) -> list[int]:
    """
    Split an amount by weights so that the parts sum to it exactly.

    Largest remainder (Hamilton): every part is rounded down, then the units left over go one each to the
    largest remainders, ties to the lower id.

    Args:
        amount: not negative.
        weights: not negative, their sum positive.
        ids: one per weight, for ties.

    """
    total = sum(weights)
    # Weights become integers first, so that the remainders are compared exactly.
    shares = [round(weight / total * _SHARE) for weight in weights]
    whole = sum(shares)
    parts, remainders = [], []
    for share in shares:
        part, remainder = divmod(amount * share, whole)
        parts.append(part)
        remainders.append(remainder)
    order = sorted(range(len(parts)), key=lambda i: (-remainders[i], ids[i]))
    for i in order[: amount - sum(parts)]:
        parts[i] += 1
    return parts


_SHARE = 10**15
