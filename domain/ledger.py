"""
Double entry over a wallet's accounts.

Rules kept here:

1. Every change of a balance moves an amount from one account to another, so the balances of a wallet always
   sum to zero.
2. Transfers posted together are linked: all of them happen or none does.
3. What we initiate is checked first and never overdraws. What a bot reports has happened already and is
   recorded as it is.
4. Every transaction is chained to the one before it by SHA-256, so a changed, missing or reordered one shows.

The model is TigerBeetle's: a transfer debits one account and credits another, and a balance is credits less
debits.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Protocol

import msgspec

from domain.money import money_text
from domain.refusals import Refusal, Refused

WORLD: Final = "world"  # everything outside the wallet
MARKET: Final = "market"  # the other side of profit and loss
FEES: Final = "fees"
SUSPENSE: Final = "suspense"  # differences nobody has explained yet
MASTER: Final = "wallet"
_MAY_OVERDRAW: Final = frozenset({WORLD, MARKET, FEES, SUSPENSE})

CHAIN_START: Final = "0" * 64


def farm_account(farm: str) -> str:
    """Cash of a farm that no agent has."""
    return f"farm/{farm}"


def agent_account(agent: str) -> str:
    """Cash of an agent."""
    return f"agent/{agent}"


def positions_account(agent: str) -> str:
    """Spot positions of an agent, at cost."""
    return f"positions/{agent}"


class Transfer(msgspec.Struct, frozen=True):
    """An amount of money above zero that moves from ``debit`` to ``credit``."""

    debit: str
    credit: str
    amount: int


class Accounts(Protocol):
    """The balances of one wallet, by account name."""

    def available(self, account: str) -> int:
        """Return what can leave an account now. The account exists."""

    def add(self, account: str, amount: int) -> None:
        """Change a balance."""


def check(accounts: Accounts, transfers: Sequence[Transfer]) -> Refused | None:
    """
    Tell whether linked transfers may be recorded.

    Refusals, in this order: ``amount_not_positive``, ``accounts_must_be_different``, ``exceeds_available``.
    """
    leaving: dict[str, int] = {}
    for transfer in transfers:
        if transfer.amount <= 0:
            return Refused(Refusal.AMOUNT_NOT_POSITIVE, "An amount to move is above zero.")
        if transfer.debit == transfer.credit:
            return Refused(Refusal.ACCOUNTS_MUST_BE_DIFFERENT, "Money moves between two different accounts.")
        leaving[transfer.debit] = leaving.get(transfer.debit, 0) + transfer.amount
    for account, amount in leaving.items():
        if account in _MAY_OVERDRAW:
            continue
        available = accounts.available(account)
        if amount > available:
            text = f"{account} has {money_text(available)} available, not {money_text(amount)}."
            return Refused(Refusal.EXCEEDS_AVAILABLE, text)
    return None


def record(accounts: Accounts, transfers: Sequence[Transfer]) -> None:
    """Post transfers, whatever the balances."""
    for transfer in transfers:
        accounts.add(transfer.debit, -transfer.amount)
        accounts.add(transfer.credit, transfer.amount)


def between(debit: str, credit: str, amount: int) -> list[Transfer]:
    """One transfer for a signed amount; none for zero."""
    if amount > 0:
        return [Transfer(debit, credit, amount)]
    if amount < 0:
        return [Transfer(credit, debit, -amount)]
    return []


def trading(agent: str, cost: int, realized: int, fees: int) -> list[Transfer]:
    """
    Transfers of an agent's fills.

    Args:
        agent: its id.
        cost: change of the cost of its spot positions.
        realized: profit realised.
        fees: fees paid; negative for rebates.

    """
    cash = agent_account(agent)
    return [
        *between(cash, positions_account(agent), cost),
        *between(MARKET, cash, realized),
        *between(cash, FEES, fees),
    ]


def chain(previous: str, number: int, transaction: str, reason: str, transfers: Sequence[Transfer]) -> str:
    """
    Hash of a transaction.

    SHA-256, in hexadecimal, of these lines joined by a line feed: the previous hash, the transaction's
    number, id and reason, and for each transfer its debit, credit and amount with a space between.
    """
    lines = [previous, str(number), transaction, reason]
    lines += [f"{t.debit} {t.credit} {money_text(t.amount)}" for t in transfers]
    return sha256("\n".join(lines).encode()).hexdigest()
