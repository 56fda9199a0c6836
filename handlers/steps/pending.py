"""
Two-phase transfers: money is held first, and moves when somebody says so.

Rules kept here:

1. A pending transfer moves no money and changes no standing; what it holds is not available to anything else.
2. It ends once: posted, in whole or in part, voided, or expired at the stream time it is due. What is not
   posted is released.
3. Each of these is a transaction of its own in the ledger's chain.
4. An agent that is stopped gets nothing, so what is pending for it is voided; of one that is retired
   everything is.
"""

from collections.abc import Sequence
from typing import Final

from domain.ledger import Phase, Transaction, Transfer, agent_account, check, check_post
from domain.ledger import hold as hold_amounts
from domain.ledger import release as release_amounts
from domain.refusals import Refusal, Refused
from handlers.steps.capital import tell_moved, tell_phase
from handlers.steps.journal import tell
from handlers.steps.posting import check_open, enter
from handlers.turn import Turn
from state.book import Book
from state.entities import Agent
from state.records import Pending, State

_ENDED: Final = {
    Phase.POSTED: Refusal.PENDING_TRANSFER_ALREADY_POSTED,
    Phase.VOIDED: Refusal.PENDING_TRANSFER_ALREADY_VOIDED,
    Phase.EXPIRED: Refusal.PENDING_TRANSFER_EXPIRED,
}


def hold(
    turn: Turn,
    transaction: Transaction,
    timeout: int = 0,
    *,
    acknowledge: bool = False,
) -> Pending | Refused:
    """
    Make a two-phase transfer that holds what the transaction says, or refuse it and change nothing.

    Args:
        turn: the wallet's.
        transaction: its id, reason and what it holds.
        timeout: of stream time, in milliseconds; 0: it never expires.
        acknowledge: whether it is posted when its agent's account shows the money.

    """
    book, transfers = turn.book, transaction.holds
    known = book.pending.get(transaction.id) or book.ended.get(transaction.id)
    if known is not None:
        return Refused(
            _exists(known.transfers, transfers), f"There is a pending transfer {known.id} already."
        )
    refused = check(book, transfers)
    if refused is not None:
        return refused
    hold_amounts(book, transfers)
    tell(turn, transaction)
    pending = Pending(
        id=transaction.id,
        wallet=turn.wallet.id,
        number=turn.wallet.transactions,
        reason=transaction.reason,
        transfers=list(transfers),
        created=turn.now,
        due=turn.now + timeout if timeout else None,
        acknowledge=acknowledge,
    )
    book.remember_pending(pending)
    tell_phase(turn, pending, Phase.PENDING)
    return pending


def find_pending(book: Book, name: str) -> Pending | Refused:
    """Pending transfer that has not ended, or why there is none."""
    pending = book.pending.get(name)
    if pending is not None:
        return pending
    ended = book.ended.get(name)
    if ended is not None:
        return Refused(_ENDED[ended.state], f"Transfer {name} was pending and is {ended.state}.")
    command = book.commands.get(name)
    if command is not None and command.terms is not None and command.accepted:
        text = f"Command {name} moved its money at once, or ended what another made pending."
        return Refused(Refusal.PENDING_TRANSFER_NOT_PENDING, text)
    text = f"Wallet {book.wallet.id} has no pending transfer {name[:80]}."
    return Refused(Refusal.PENDING_TRANSFER_NOT_FOUND, text)


def post(
    turn: Turn, pending: Pending, transaction: str, transfers: Sequence[Transfer] | None = None
) -> Refused | None:
    """
    Move what is pending, or as much of it as ``transfers`` say, and release the rest; or refuse.

    ``transaction`` is the id that the posting goes by.
    """
    book = turn.book
    moved = pending.transfers if transfers is None else transfers
    refused = check_open(book, moved) or check_post(book, pending.transfers, moved)
    if refused is not None:
        return refused
    release_amounts(book, pending.transfers)
    enter(
        turn,
        Transaction(
            id=transaction,
            reason=pending.reason,
            transfers=moved,
            phase=Phase.POSTED,
            pending=pending.id,
            holds=pending.transfers,
        ),
    )
    book.end_pending(pending, Phase.POSTED)
    tell_moved(turn, moved, pending.reason, pending.id)
    return None


def void(turn: Turn, pending: Pending, transaction: str, state: Phase = Phase.VOIDED) -> None:
    """Release what is pending; nothing moves."""
    release_amounts(turn.book, pending.transfers)
    tell(
        turn,
        Transaction(
            id=transaction,
            reason=pending.reason,
            phase=state,
            pending=pending.id,
            holds=pending.transfers,
        ),
    )
    turn.book.end_pending(pending, state)
    tell_phase(turn, pending, Phase.VOIDED)


def expire_overdue(turn: Turn) -> None:
    """Release what nobody posted in time."""
    for pending in list(turn.book.pending.values()):
        if pending.due is not None and pending.due <= turn.now:
            void(turn, pending, f"{turn.cause}/expired/{pending.number}", Phase.EXPIRED)


def void_of(turn: Turn, agent: Agent) -> None:
    """Void what is pending for an agent that may get nothing; of a retired one also what is to leave it."""
    book, account = turn.book, agent_account(agent.id)
    retired = agent.state is State.RETIRED
    for pending in book.pending_with(account) if retired else book.pending_to(account):
        void(turn, pending, f"{turn.cause}/voided/{pending.number}")


def arriving(book: Book) -> dict[str, int]:
    """Money that pending transfers would bring, by account."""
    found: dict[str, int] = {}
    for pending in book.pending.values():
        for transfer in pending.transfers:
            found[transfer.credit] = found.get(transfer.credit, 0) + transfer.amount
    return found


def _exists(known: Sequence[Transfer], asked: Sequence[Transfer]) -> Refusal:
    """Tell in what a transfer differs from the one that has its id."""
    if len(known) != len(asked):
        return Refusal.EXISTS_WITH_DIFFERENT_BODY
    for refusal, name in _MEMBERS:
        if [getattr(t, name) for t in known] != [getattr(t, name) for t in asked]:
            return refusal
    return Refusal.EXISTS


_MEMBERS: Final = (
    (Refusal.EXISTS_WITH_DIFFERENT_DEBIT, "debit"),
    (Refusal.EXISTS_WITH_DIFFERENT_CREDIT, "credit"),
    (Refusal.EXISTS_WITH_DIFFERENT_AMOUNT, "amount"),
)
