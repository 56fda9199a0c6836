"""One input's turn at a wallet: what it may change, when it happens, and what it says."""

from typing import Any, Final

from state.book import Book
from state.entities import Scope
from stream.types import Emit

ALLOCATION: Final = "allocation"
REBALANCE: Final = "rebalance"
EMERGENCY: Final = "emergency"
WALLET: Final = "wallet"
REPLY: Final = "reply"


class Turn:
    """What the steps of a handler share."""

    __slots__ = ("_named", "book", "by", "cause", "emits", "touched", "wallet")

    def __init__(self, book: Book, cause: str, emits: list[Emit], by: str | None = None) -> None:
        """``cause`` names the input in transfers it makes; ``by`` is who asked, for commands."""
        self.book = book
        self.wallet = book.wallet
        self.cause = cause
        self.emits = emits
        self.by = by
        self.touched: list[Scope] = []  # scopes whose figures changed, for their balance updates
        self._named: dict[str, int] | None = (
            None  # ids of the transactions told, with how often; most have none
        )

    @property
    def now(self) -> int:
        """Stream time of the wallet."""
        return self.wallet.time

    def name(self, transaction: str) -> str:
        """Return an id for a transaction: the one that is asked for, numbered where this turn has used it."""
        if self._named is None:
            self._named = {}
        count = self._named[transaction] = self._named.get(transaction, 0) + 1
        return transaction if count == 1 else f"{transaction}/{count}"

    def emit(self, stream: str, name: str, subject: str, data: Any) -> None:  # noqa: ANN401  # JSON
        """Say something on an output stream."""
        self.emits.append(
            Emit(stream, name, f"/sluicegate/{self.wallet.id}", subject, self.wallet.time, data)
        )
