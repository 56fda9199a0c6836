"""
A partition's state in memory: the books of its wallets.

Loaded whole when the partition is taken, though agents are read only when somebody looks at them
(`state.agents`), and from then on ahead of the stored state by the batches that are not committed yet. It is
never repaired: after any failure it is dropped and loaded again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from state.book import Book, field_of
from state.codec import AGENTS, COMMANDS, FARMS, GOALS, PENDING, WALLETS
from state.entities import Agent, Farm, Wallet
from state.records import Command, Goal, Pending
from state.sketch import sketch_of

KINDS: Final = ("wallets", "farms", "agents", "goals", "pending", "commands", "returns")

_encode_returns: Final = msgspec.json.Encoder().encode
_decode_returns: Final = msgspec.json.Decoder(list[float]).decode

_KINDS: Final[dict[type, tuple[str, Callable[[Any], bytes]]]] = {
    Wallet: ("wallets", WALLETS.encode),
    Farm: ("farms", FARMS.encode),
    Agent: ("agents", AGENTS.encode),
    Goal: ("goals", GOALS.encode),
    Pending: ("pending", PENDING.encode),
    Command: ("commands", COMMANDS.encode),
}

_DECODE: Final[dict[str, Callable[[bytes], Any]]] = {
    "wallets": WALLETS.decode,
    "farms": FARMS.decode,
    "goals": GOALS.decode,
    "pending": PENDING.decode,
    "commands": COMMANDS.decode,
}

Changes = dict[str, tuple[dict[str, bytes], list[str]]]
"""By kind: fields to write, encoded, and fields to remove."""


class View:
    """Books by wallet id."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}
        self._touched: dict[str, Book] = {}

    def add(self, book: Book) -> None:
        """Take in the book of a new wallet."""
        self.books[book.wallet.id] = book
        book.mark(book.wallet)

    def touch(self, book: Book) -> None:
        """Look for changes in a book when the batch ends."""
        self._touched[book.wallet.id] = book

    def changes(self) -> Changes:
        """Return what changed since the last call."""
        changes: Changes = {}
        for book in self._touched.values():
            for entity in book.changed:
                kind, encode = _KINDS[type(entity)]
                changes.setdefault(kind, ({}, []))[0][field_of(entity)] = encode(entity)
            for key, returns in book.changed_returns.items():
                changes.setdefault("returns", ({}, []))[0][key] = _encode_returns(returns)
            for removed, name in book.removed:
                changes.setdefault(_KINDS[removed][0], ({}, []))[1].append(name)
            book.changed, book.changed_returns, book.removed = {}, {}, {}
        self._touched = {}
        return changes

    # -- what was stored -----------------------------------------------------------------------------------

    def restore(self, kind: str, fields: Mapping[bytes, bytes]) -> None:
        """
        Take in a part of the stored entities of a kind, in the order of `KINDS`.

        Raises:
            msgspec.ValidationError: what is stored is not what this version writes.

        """
        if kind == "returns":
            for field, stored in fields.items():
                key = field.decode()
                self.books[key.split("/")[1]].returns[key] = _decode_returns(stored)
            return
        if kind == "agents":
            for stored in fields.values():
                sketch = sketch_of(stored)
                self.books[sketch.wallet].agents.keep(sketch, stored)
            return
        decode = _DECODE[kind]
        for stored in fields.values():
            entity = decode(stored)
            if isinstance(entity, Wallet):
                self.books[entity.id] = Book(entity)
            else:
                self.books[entity.wallet].keep(entity)

    def restored(self) -> None:
        """Put in order what was taken in."""
        for book in self.books.values():
            book.put_in_order()


def copy_of(book: Book) -> Book:
    """
    Copy a book to try something on: it is what would be loaded, were it stored now.

    Commands that were answered and transfers that ended are shared, for they never change.
    """
    copy = Book(WALLETS.decode(WALLETS.encode(book.wallet)))
    copy.farms = {name: FARMS.decode(FARMS.encode(farm)) for name, farm in book.farms.items()}
    copy.agents = book.agents.copied()
    copy.goals = {name: GOALS.decode(GOALS.encode(goal)) for name, goal in book.goals.items()}
    copy.pending = {name: PENDING.decode(PENDING.encode(pending)) for name, pending in book.pending.items()}
    copy.commands, copy.ended = dict(book.commands), dict(book.ended)
    copy.returns = {key: list(returns) for key, returns in book.returns.items()}
    copy.put_in_order()
    return copy


def load_view(state: Mapping[str, Mapping[bytes, bytes]]) -> View:
    """Build a view from the whole stored state, by kind. Raises as `View.restore` does."""
    view = View()
    for kind in KINDS:
        view.restore(kind, state.get(kind, {}))
    view.restored()
    return view
