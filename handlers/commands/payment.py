"""
What commands that move money have in common.

Rules kept here:

1. A command that moves money is one transaction, whose id is the command's: all of it happens or nothing.
2. With ``pending`` its money is only held, until ``post`` moves it, ``void`` gives it up, or ``timeout`` has
   passed.
3. What was a mistake is made good by another transaction that says which one it ``corrects``.
"""

import re
from abc import abstractmethod
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from domain.ledger import Phase, Transaction, Transfer
from domain.money import convert, fine_text, money_text
from domain.refusals import Refusal, Refused
from domain.rules import duration_ms
from handlers.commands.types import Answer, Body, Done
from handlers.reading import check_currency, rate_of, read_fine, read_money
from handlers.steps.capital import tell_moved
from handlers.steps.journal import transfers_told
from handlers.steps.pending import hold
from handlers.steps.posting import check_open, transact
from handlers.turn import Turn
from state.book import Book
from state.records import Pending
from stream.errors import MalformedError

_is_transaction: Final = re.compile(r"[A-Za-z0-9._:/\-]{1,200}", re.ASCII).fullmatch


class Leg(NamedTuple):
    """One transfer that is asked for; ``at_most`` takes what is there."""

    debit: str
    credit: str
    amount: object
    at_most: bool


class Payment(Body, kw_only=True):
    """What commands that move money have in common."""

    amount: Any = msgspec.UNSET
    currency: str | None = None  # of the amounts; the wallet's unless given
    at_most: bool = False
    pending: bool = False
    timeout: Any = None  # of stream time, after which what is pending expires
    corrects: str | None = None

    def check(self, book: Book) -> None:
        """Check amount, currency, time-out and the id of what is corrected."""
        if self.currency is not None:
            check_currency(self.currency)
            rate_of(book, self.currency)
        for leg in self.legs():
            if leg.amount is msgspec.UNSET:
                raise MalformedError("invalid_member", "What moves money has an amount.")
            read_amount(leg.amount)
        read_timeout(self.timeout)
        if self.corrects is not None and not _is_transaction(self.corrects):
            raise MalformedError("invalid_id", f"corrects {self.corrects[:80]!r} is no id of a transaction.")

    @abstractmethod
    def legs(self) -> list[Leg]:
        """Return the transfers it asks for."""

    def terms(self) -> dict[str, str]:
        """Tell what it asks for, to say in which another command differs."""
        legs = self.legs()
        flags = {
            "at_most": any(leg.at_most for leg in legs),
            "pending": self.pending,
            "corrects": self.corrects,
        }
        return {
            "kind": self.kind,
            "debit": " ".join(leg.debit for leg in legs),
            "credit": " ".join(leg.credit for leg in legs),
            "amount": " ".join(fine_text(read_fine(leg.amount, "amount")) for leg in legs),
            "flags": " ".join(name for name, set_ in flags.items() if set_),
            "timeout": str(read_timeout(self.timeout)),
        }


def pay(turn: Turn, body: Payment, reason: str, *, acknowledge: int = 0) -> Answer:
    """Move, or hold, what a command asks for; with ``acknowledge`` hold it for so long to be confirmed."""
    timeout = read_timeout(body.timeout)
    transfers = read_legs(turn.book, body.legs(), body.currency)
    if isinstance(transfers, Refused):
        return transfers
    reason = reason if body.corrects is None else "correction"
    if body.pending or acknowledge:
        return _pay_later(turn, body, transfers, reason, acknowledge)
    if timeout:
        text = "Only a pending transfer has a time-out."
        return Refused(Refusal.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, text)
    refused = transact(turn, transfers, reason, body.id, corrects=body.corrects)
    if refused is not None:
        return refused
    tell_moved(turn, transfers, reason)
    return Done(moved(turn, transfers))


def _pay_later(turn: Turn, body: Payment, transfers: list[Transfer], reason: str, acknowledge: int) -> Answer:
    transaction = Transaction(
        id=body.id, reason=reason, phase=Phase.PENDING, holds=transfers, corrects=body.corrects
    )
    timeout = read_timeout(body.timeout) or acknowledge
    pending = hold(turn, transaction, timeout, acknowledge=bool(acknowledge))
    if isinstance(pending, Refused):
        return pending
    return Done(described(pending))


def read_legs(book: Book, legs: list[Leg], currency: str | None) -> list[Transfer] | Refused:
    """Transfers with their amounts in the wallet's currency, or the first rule that is broken."""
    transfers: list[Transfer] = []
    leaving: dict[str, int] = {}
    for leg in legs:
        refused = check_open(book, [Transfer(leg.debit, leg.credit, 0)])
        if refused is not None:
            return refused
        amount = _in_wallets(book, read_amount(leg.amount), currency)
        if isinstance(amount, Refused):
            return amount
        before = leaving.get(leg.debit, 0)
        if leg.at_most:
            amount = min(amount, book.available(leg.debit) - before)
            if amount <= 0:
                return Refused(Refusal.EXCEEDS_AVAILABLE, f"{leg.debit} has nothing available.")
        leaving[leg.debit] = before + amount
        transfers.append(Transfer(leg.debit, leg.credit, amount))
    return transfers


def _in_wallets(book: Book, amount: int | Refused, currency: str | None) -> int | Refused:
    """Amount of another currency in the wallet's, at the rate that `check` found."""
    rate = None if currency is None else rate_of(book, currency)
    if rate is None or isinstance(amount, Refused):
        return amount
    converted = convert(amount, rate)
    if not converted:
        text = f"{money_text(amount)} {currency} are less than a unit of {book.wallet.currency}."
        return Refused(Refusal.AMOUNT_NOT_POSITIVE, text)
    return converted


def moved(turn: Turn, transfers: list[Transfer]) -> dict[str, Any]:
    """Tell what moved, and the balances after it."""
    accounts = dict.fromkeys(account for t in transfers for account in (t.debit, t.credit))
    balances = {account: money_text(turn.book.balance(account)) for account in accounts}
    return amount_or_transfers(transfers) | {"balances": balances}


def described(pending: Pending) -> dict[str, Any]:
    """Tell what is pending."""
    return {
        "transfer": pending.id,
        "state": pending.state,
        **amount_or_transfers(pending.transfers),
        "due": pending.due,
    }


def amount_or_transfers(transfers: list[Transfer]) -> dict[str, Any]:
    """Tell the amount of one transfer; of several all."""
    if len(transfers) == 1:
        return {"amount": money_text(transfers[0].amount)}
    return {"transfers": transfers_told(transfers)}


def read_amount(number: object) -> int | Refused:
    """Read an amount of money above zero, exactly. Raises `MalformedError` for what is no number."""
    amount = read_money(number, "amount")
    exact = Decimal(str(number))  # it is one, of no more than 38 characters
    if exact <= 0:
        return Refused(Refusal.AMOUNT_NOT_POSITIVE, "An amount to move is above zero.")
    if Decimal(money_text(amount)) != exact:
        return Refused(Refusal.AMOUNT_TOO_FINE, "An amount has at most eight decimals.")
    return amount


def read_timeout(timeout: object) -> int:
    """Read a duration in milliseconds; none is 0. Raises `MalformedError`."""
    if timeout is None:
        return 0
    try:
        return duration_ms(timeout)
    except ValueError as error:
        raise MalformedError("invalid_member", f"timeout: {error}.") from None
