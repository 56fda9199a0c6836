"""What every kind of event is held to before it may change anything."""

import re
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple, TypeVar

from msgspec import Meta, UnsetType

from domain.money import InvalidNumberError, NumberFault, fine, money
from state.book import Book
from state.entities import Agent
from state.view import View
from stream.decode import time_of
from stream.errors import MalformedError
from stream.types import Entry

T = TypeVar("T")

YEAR_2000_MS: Final = 946_684_800_000
FUTURE_MS: Final = 5 * 60_000
LATEST_MS: Final = 253_402_300_799_999  # the last that RFC 3339 can write, in the year 9999

_BY_MAX: Final = 64
MEMBERS_MAX: Final = 10_000  # of a map or list in an event, and of the rates that a wallet knows

Amounts = Annotated[dict[str, Any], Meta(max_length=MEMBERS_MAX)]

_ID_MAX: Final = 64
_is_id = re.compile(r"[A-Za-z0-9._:\-]{1,64}", re.ASCII).fullmatch
_is_currency = re.compile(r"[A-Za-z0-9._\-]{1,20}", re.ASCII).fullmatch
_symbol = re.compile(
    r"([A-Za-z0-9._\-]{1,20})/([A-Za-z0-9._\-]{1,20})(?::([A-Za-z0-9._\-]{1,40}))?", re.ASCII
).fullmatch


class Symbol(NamedTuple):
    """What is traded: BASE against QUOTE; with a settlement currency it is a derivative."""

    base: str
    quote: str
    settle: str | None


def given(member: T | UnsetType | None, before: T, never: T) -> T:
    """Return what a member is to be that may be left out (it stays) or null (as if it was never given)."""
    if isinstance(member, UnsetType):
        return before
    return never if member is None else member


def check_id(name: str, what: str) -> None:
    """Raise `MalformedError` unless it is an id."""
    # Most are letters and digits only, of which the expression takes five times as long to tell.
    if not (name.isalnum() and len(name) <= _ID_MAX and name.isascii()) and not _is_id(name):
        text = f"{what} {name[:80]!r} is no id: 1 to 64 of A-Z a-z 0-9 . _ : - make one."
        raise MalformedError("invalid_id", text)


def check_by(by: str | None) -> None:
    """Raise `MalformedError` unless it can be the name of who asked for something."""
    if by is not None and len(by) > _BY_MAX:
        raise MalformedError("invalid_member", f"by has at most {_BY_MAX} characters.")


def check_currency(currency: str) -> None:
    """Raise `MalformedError` unless it can be a currency."""
    if not _is_currency(currency):
        raise MalformedError(
            "invalid_member", f"currency {currency[:40]!r} is no currency code, such as USDT."
        )


def check_time(timestamp: int, entry: Entry) -> None:
    """Raise `MalformedError` unless a timestamp is plausible for the entry that carries it."""
    # A publisher may choose its entry ids, and with them any time.
    if not YEAR_2000_MS <= timestamp <= LATEST_MS or timestamp - FUTURE_MS > time_of(entry):
        text = f"timestamp {timestamp} is before the year 2000 or over five minutes ahead of its entry."
        raise MalformedError("invalid_timestamp", text)


def find_book(view: View, wallet: str) -> Book:
    """Book of a wallet. Raises `MalformedError`."""
    book = view.books.get(wallet)
    if book is None:
        check_id(wallet, "wallet")
        raise MalformedError("unknown_wallet", f"There is no wallet {wallet}; create it, then retry this.")
    return book


def find_agent(book: Book, agent: str) -> Agent:
    """Agent of a wallet. Raises `MalformedError`."""
    found = book.agents.get(agent)
    if found is None:
        check_id(agent, "agent")
        text = f"Wallet {book.wallet.id} has no agent {agent}; register it, then retry this."
        raise MalformedError("unknown_agent", text)
    return found


@lru_cache(maxsize=4096)
def read_symbol(symbol: str) -> Symbol:
    """Parts of a symbol. Raises `MalformedError`."""
    match = _symbol(symbol)
    if match is None:
        text = f"symbol {symbol[:80]!r} is not BASE/QUOTE or BASE/QUOTE:SETTLE."
        raise MalformedError("invalid_symbol", text)
    return Symbol(match[1], match[2], match[3])


def read_money(number: Any, what: str) -> int:  # noqa: ANN401  # whatever a sender put there
    """Money of a member. Raises `MalformedError`."""
    try:
        return money(number)
    except (InvalidNumberError, TypeError) as error:
        raise _bad_number(error, what) from None


def read_fine(number: Any, what: str) -> int:  # noqa: ANN401  # as above
    """Price or quantity of a member, of any sign. Raises `MalformedError`."""
    try:
        return fine(number)
    except (InvalidNumberError, TypeError) as error:
        raise _bad_number(error, what) from None


def read_positive(number: Any, what: str) -> int:  # noqa: ANN401  # as above
    """Price or quantity of a member, above zero. Raises `MalformedError`."""
    try:
        value = fine(number)
    except (InvalidNumberError, TypeError) as error:
        raise _bad_number(error, what) from None
    if value <= 0:
        raise MalformedError(
            NumberFault.OUT_OF_RANGE, f"{what} is {str(number)[:40]}; it must be above zero."
        )
    return value


def rate_of(book: Book, currency: str) -> int | None:
    """
    Rate of a currency in the wallet's; None for the wallet's own.

    Raises:
        MalformedError: no rate is known. It is never guessed.

    """
    if currency == book.wallet.currency:
        return None
    rate = book.fixed_rates.get(currency) or book.wallet.rates.get(currency)
    if rate is None:
        text = (
            f"No rate of {currency} in {book.wallet.currency} is known: set it in the wallet's rules.rates, "
            f"or publish a price of {currency}/{book.wallet.currency} in a balance event."
        )
        raise MalformedError("unknown_currency", text)
    return rate


def _bad_number(error: InvalidNumberError | TypeError, what: str) -> MalformedError:
    if isinstance(error, InvalidNumberError):
        return MalformedError(error.fault, f"{what}: {error}.")
    return MalformedError(NumberFault.INVALID, f"{what} is no number.")  # a list or an object
