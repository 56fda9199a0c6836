"""
The journal: every transaction of a wallet's ledger, told in order and chained.

Fills are in the balances as soon as they are applied. They are told as one transaction per agent, with its
balance update or before any other transaction that touches the agent.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from domain.ledger import FEES, MARKET, Transaction, Transfer, chain, trading
from domain.money import money_text
from handlers.turn import WALLET, Turn
from state.entities import Agent


def settle(turn: Turn, agent: Agent) -> None:
    """Tell the agent's fills since the last time as one transaction. They are in the balances already."""
    booked = agent.booked
    transfers = trading(
        agent.id,
        agent.cost - booked.cost,
        agent.realized_pnl - booked.realized_pnl,
        agent.fees - booked.fees,
    )
    if not transfers:
        return  # fills that moved no money are told with the next that does
    fills = agent.trades - booked.trades
    booked.cost, booked.realized_pnl = agent.cost, agent.realized_pnl
    booked.fees, booked.trades = agent.fees, agent.trades
    name = f"{agent.id}/{agent.trades}"
    if not fills:  # of a bot that only knows its equity: there may be one by that name already
        name = f"{name}/{turn.wallet.transactions + 1}"
    tell(turn, Transaction(id=name, reason="trading", transfers=transfers), fills)


def tell(turn: Turn, transaction: Transaction, fills: int = 0) -> None:
    """Tell a transaction that is recorded, and chain it."""
    wallet, transfers = turn.wallet, transaction.transfers
    name = turn.name(transaction.id)
    if name != transaction.id:
        transaction = replace(transaction, id=name)
    previous = wallet.hash
    wallet.transactions += 1
    wallet.hash = chain(previous, wallet.transactions, transaction)
    for t in transfers:
        wallet.booked_market += t.amount * ((t.credit == MARKET) - (t.debit == MARKET))
        wallet.booked_fees += t.amount * ((t.credit == FEES) - (t.debit == FEES))
    turn.book.mark(wallet)
    accounts = dict.fromkeys(account for t in transfers for account in (t.debit, t.credit))
    data: dict[str, Any] = {
        "n": wallet.transactions,
        "id": transaction.id,
        "reason": transaction.reason,
        # What a bot did is nobody else's doing, whoever asked for what comes after it.
        "by": None if transaction.reason == "trading" else turn.by,
        "transfers": transfers_told(transfers),
        "balances": {account: money_text(_told_balance(turn, account)) for account in accounts},
        "previous": previous,
        "hash": wallet.hash,
    }
    if fills:
        data["fills"] = fills
    if transaction.phase is not None:
        data |= _told_phase(turn, transaction)
    if transaction.corrects is not None:
        data["corrects"] = transaction.corrects
    turn.emit(WALLET, "wallet_transaction", transaction.id, data)


def transfers_told(transfers: Sequence[Transfer]) -> list[dict[str, str]]:
    """Transfers as the wire has them."""
    return [{"debit": t.debit, "credit": t.credit, "amount": money_text(t.amount)} for t in transfers]


def _told_phase(turn: Turn, transaction: Transaction) -> dict[str, Any]:
    held = {t.debit: money_text(turn.book.held(t.debit)) for t in transaction.holds}
    return {
        "phase": transaction.phase,
        "pending": transaction.pending,
        "holds": transfers_told(transaction.holds),
        "held": held,
    }


def _told_balance(turn: Turn, account: str) -> int:
    """Balance after the transactions told so far: fills of other agents may not be among them yet."""
    if account == MARKET:
        return turn.wallet.booked_market
    return turn.wallet.booked_fees if account == FEES else turn.book.balance(account)
