"""
Walks the transactions of a wallet as an auditor would: nothing is believed that can be computed.

Rules kept here:

1. Numbers go up by one, each transaction names the hash of the one before it, and its own hash is that of
   what it says.
2. Balances, and what is held, follow from the transfers and holds told so far.
3. At the end, number, hash, balances and holds are those of the stored state.
4. A chain whose beginning is not there any more is verified from where it begins; what balances were before
   is taken from the first transaction that tells them.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from app.statement import units
from domain.ledger import CHAIN_START, Phase, Transaction, Transfer, chain
from domain.money import money_text
from state.book import Book

_PROBLEMS_MAX: Final = 20
_OUTSIDE: Final = ("world", "market", "fees", "suspense")  # nothing of these is ever held


class Told(msgspec.Struct):
    """A transaction as it was told."""

    n: int
    id: str
    reason: str
    transfers: list[dict[str, str]]
    balances: dict[str, str]
    previous: str
    hash: str
    by: str | None = None
    fills: int = 0
    phase: Phase | None = None
    pending: str | None = None
    holds: list[dict[str, str]] = []
    held: dict[str, str] = {}
    corrects: str | None = None


class Audit:
    """What is known of one wallet's ledger after the transactions read so far."""

    def __init__(self, wallet: str) -> None:
        self.wallet = wallet
        self.first = 0  # number of the first transaction there is
        self.last = 0
        self.count = 0
        self.problems: list[str] = []
        self.balances: dict[str, int] = {}
        self.held: dict[str, int] = {}
        self._hashes: dict[int, str] = {0: CHAIN_START}  # of transactions whose successor is still to come
        self._gaps: list[tuple[int, int]] = []  # first and last number of transactions that did not come yet
        self._whole = True  # whether balances can still be followed

    def read(self, data: Mapping[str, Any]) -> None:
        """Take in the next transaction of the stream."""
        try:
            told = msgspec.convert(data, Told)
            transaction = transaction_of(told)
        except (ValueError, KeyError) as error:
            self._break(f"after transaction {self.last} comes one that cannot be read: {error}")
            return
        self.count += 1
        self._place(told)
        if chain(told.previous, told.n, transaction) != told.hash:
            self._break(f"transaction {told.n} was changed: it is not what its hash says")
        self._follow(told, transaction)

    def end(self, book: Book, *, trimmed: bool) -> None:
        """Hold what was read against the stored state; ``trimmed``: the beginning of the stream is gone."""
        if not self.count and trimmed:
            return
        if self.first > 1 and not trimmed:
            self._break(f"{_named(1, self.first - 1)} missing")
        wallet = book.wallet
        for first, last in self._gaps:
            self._break(f"{_named(first, last)} missing")
        if self.last < wallet.transactions:
            self._break(f"{_named(self.last + 1, wallet.transactions)} missing")
        elif self.last > wallet.transactions:
            self._break(f"the state ends with transaction {wallet.transactions}, the stream with {self.last}")
        elif self._hashes.get(self.last) != wallet.hash:
            self._break(f"the state's hash is not that of the last transaction, {self.last}")
        if self._whole:
            self._compare(book)

    def _place(self, told: Told) -> None:
        """Check that a transaction stands where it belongs, and after the one it names."""
        if not self.first:
            self.first = told.n
            if told.n > 1:
                self._hashes = {told.n - 1: told.previous}
        elif self._fills_gap(told.n):
            self._break(f"transaction {told.n} is out of order: it comes after {self.last}")
        elif told.n <= self.last:
            self._break(f"transaction {told.n} is there again after {self.last}")
        elif told.n > self.last + 1:
            self._gaps.append((self.last + 1, told.n - 1))
            self._whole = False  # said at the end, for it may still come
        before = self._hashes.pop(told.n - 1, None)
        if before is not None and before != told.previous:
            self._break(f"transaction {told.n} does not follow from {told.n - 1}: the hashes differ")
        self._hashes[told.n] = told.hash
        self.last = max(self.last, told.n)

    def _fills_gap(self, number: int) -> bool:
        for i, (first, last) in enumerate(self._gaps):
            if first <= number <= last:
                parts = [(first, number - 1), (number + 1, last)]
                self._gaps[i : i + 1] = [part for part in parts if part[0] <= part[1]]
                return True
        return False

    def _follow(self, told: Told, transaction: Transaction) -> None:
        """Check balances and holds against what follows from all before."""
        changes: dict[str, int] = {}
        for transfer in transaction.transfers:
            changes[transfer.debit] = changes.get(transfer.debit, 0) - transfer.amount
            changes[transfer.credit] = changes.get(transfer.credit, 0) + transfer.amount
        sign = 1 if transaction.phase is Phase.PENDING else -1
        holds: dict[str, int] = {}
        for transfer in transaction.holds:
            if transfer.debit not in _OUTSIDE:
                holds[transfer.debit] = holds.get(transfer.debit, 0) + sign * transfer.amount
        for kept, moved, said in ((self.balances, changes, told.balances), (self.held, holds, told.held)):
            for account, change in moved.items():
                self._follow_one(kept, account, change, said.get(account), told.n)

    def _follow_one(
        self, kept: dict[str, int], account: str, change: int, said: str | None, number: int
    ) -> None:
        what = "balance" if kept is self.balances else "held amount"
        if said is None:
            if self._whole:
                self._break(f"transaction {number} does not tell the {what} of {account}")
            return
        found = units(said)
        # Where the beginning is not there, an account's first balance is taken as told.
        expected = kept.get(account, 0 if self.first == 1 else found - change) + change
        if expected != found and self._whole:
            text = f"{said}, and {money_text(expected)} follows from those before"
            self._break(f"transaction {number} tells a {what} of {account} of {text}")
        kept[account] = found

    def _compare(self, book: Book) -> None:
        for what, told, stored in (
            ("balance", self.balances, told_balances(book)),
            ("held amount", self.held, {account: book.held(account) for account in book.accounts()}),
            ("held amount", self.held, pending_holds(book)),
        ):
            for account in told.keys() | stored.keys() if self.first == 1 else told.keys():
                ours, theirs = told.get(account, 0), stored.get(account, 0)
                if ours != theirs:
                    text = f"{money_text(theirs)} in the state and {money_text(ours)} by the transactions"
                    self._say(f"the {what} of {account} is {text}")
        if sum(map(book.balance, book.accounts())):
            self._say("the balances in the state do not sum to zero")

    def _break(self, text: str) -> None:
        """Say what is wrong; balances are only followed up to the first such thing."""
        self._say(text)
        self._whole = False

    def _say(self, text: str) -> None:
        if len(self.problems) < _PROBLEMS_MAX:
            self.problems.append(text)


def _named(first: int, last: int) -> str:
    return f"transaction {first} is" if first == last else f"transactions {first} to {last} are"


def transaction_of(told: Told) -> Transaction:
    """Transaction as the ledger has it. Raises `ValueError` and `KeyError`."""
    return Transaction(
        id=told.id,
        reason=told.reason,
        transfers=[_transfer(one) for one in told.transfers],
        phase=told.phase,
        pending=told.pending,
        holds=[_transfer(one) for one in told.holds],
        corrects=told.corrects,
    )


def told_balances(book: Book) -> dict[str, int]:
    """Balances by account, less what fills moved that are not told yet."""
    found = {account: book.balance(account) for account in book.accounts()}
    found["market"], found["fees"] = book.wallet.booked_market, book.wallet.booked_fees
    for agent in book.agents.values():
        booked = agent.booked
        cost = agent.cost - booked.cost
        earned = agent.realized_pnl - booked.realized_pnl - (agent.fees - booked.fees)
        found[f"agent/{agent.id}"] += cost - earned
        found[f"positions/{agent.id}"] -= cost
    return found


def pending_holds(book: Book) -> dict[str, int]:
    """Amounts held by account, added up from the transfers that are pending."""
    found: dict[str, int] = {}
    for pending in book.pending.values():
        for transfer in pending.transfers:
            if transfer.debit not in _OUTSIDE:
                found[transfer.debit] = found.get(transfer.debit, 0) + transfer.amount
    return found


def _transfer(one: Mapping[str, str]) -> Transfer:
    return Transfer(one["debit"], one["credit"], units(one["amount"]))
