"""
Double entry over a wallet's accounts.

Rules kept here:

1. Every change of a balance moves an amount from one account to another, so the balances of a wallet always
   sum to zero.
2. Transfers posted together are linked: all of them happen or none does.
3. What we initiate is checked first and never overdraws. What a bot reports has happened already and is
   recorded as it is.
4. A pending transfer moves nothing: it holds its amount, which then is not available to anything else, until
   it is posted, in whole or in part, voided, or expired. It ends once.
5. Every transaction is chained to the one before it by SHA-256, so a changed, missing or reordered one shows.

The model is TigerBeetle's: a transfer debits one account and credits another, and a balance is credits less
debits.
"""

from collections.abc import Sequence
from enum import StrEnum
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


class Phase(StrEnum):
    """How far a two-phase transfer is."""

    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """
    Linked transfers under one id, or a step of a two-phase transfer.

    ``holds`` is what the phase `pending` holds, and what the other phases release; ``pending`` is the id of
    the transfer that they end. ``corrects`` is the id of the transaction whose mistake this one makes good.
    """

    id: str
    reason: str
    transfers: Sequence[Transfer] = ()
    phase: Phase | None = None
    pending: str | None = None
    holds: Sequence[Transfer] = ()
    corrects: str | None = None


class Accounts(Protocol):
    """The balances of one wallet, by account name."""

    def available(self, account: str) -> int:
        """Return what can leave an account now, what is held left out. The account exists."""

    def add(self, account: str, amount: int) -> None:
        """Change a balance."""

    def hold(self, account: str, amount: int) -> None:
        """Hold more of an account, or release it if the amount is negative."""


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


def hold(accounts: Accounts, transfers: Sequence[Transfer]) -> None:
    """Hold what pending transfers are to take."""
    for transfer in transfers:
        if transfer.debit not in _MAY_OVERDRAW:
            accounts.hold(transfer.debit, transfer.amount)


def release(accounts: Accounts, transfers: Sequence[Transfer]) -> None:
    """Release what pending transfers hold."""
    for transfer in transfers:
        if transfer.debit not in _MAY_OVERDRAW:
            accounts.hold(transfer.debit, -transfer.amount)


def check_post(
    accounts: Accounts, pending: Sequence[Transfer], transfers: Sequence[Transfer]
) -> Refused | None:
    """
    Tell whether pending transfers may be posted as the given ones; changes nothing.

    What a bot reports is recorded even if the money was held, so what was there need not be there any more.

    Refusals: those of `check`, after ``exceeds_pending_transfer_amount``.
    """
    for asked, most in zip(transfers, pending, strict=True):
        if asked.amount > most.amount:
            text = f"{money_text(most.amount)} is pending, which is less than {money_text(asked.amount)}."
            return Refused(Refusal.EXCEEDS_PENDING_TRANSFER_AMOUNT, text)
    release(accounts, pending)
    refused = check(accounts, transfers)
    hold(accounts, pending)
    return refused


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


def chain(previous: str, number: int, transaction: Transaction) -> str:
    """
    Hash of a transaction.

    SHA-256, in hexadecimal, of these lines joined by a line feed: the previous hash, the transaction's
    number, id and reason; where it has a phase that, and after a space the id of the pending transfer it
    ends; where it corrects another the word ``corrects`` and that id; for each hold the word ``hold`` and its
    debit, credit and amount with a space between; for each transfer its debit, credit and amount likewise.
    """
    lines = [previous, str(number), transaction.id, transaction.reason]
    if transaction.phase is not None:
        lines.append(
            f"{transaction.phase} {transaction.pending}" if transaction.pending else transaction.phase
        )
    if transaction.corrects is not None:
        lines.append(f"corrects {transaction.corrects}")
    lines += [f"hold {t.debit} {t.credit} {money_text(t.amount)}" for t in transaction.holds]
    lines += [f"{t.debit} {t.credit} {money_text(t.amount)}" for t in transaction.transfers]
    return sha256("\n".join(lines).encode()).hexdigest()
