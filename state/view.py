"""
A partition's state in memory: the books of its wallets.

Loaded whole when the partition is taken, and from then on ahead of the stored state by the batches that are
not committed yet. It is never repaired: after any failure it is dropped and loaded again.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from domain.ledger import Phase
from state.book import Book, field_of, scope_key
from state.codec import AGENTS, COMMANDS, FARMS, GOALS, PENDING, WALLETS
from state.entities import Agent, Command, Farm, Goal, Pending, Scope, Wallet

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


def load_view(state: Mapping[str, Mapping[bytes, bytes]]) -> View:
    """
    Build a view from stored state, by kind.

    Raises:
        msgspec.ValidationError: what is stored is not what this version writes.

    """
    view = View()
    for wallet in map(WALLETS.decode, state["wallets"].values()):
        view.books[wallet.id] = Book(wallet)
    for farm in map(FARMS.decode, state["farms"].values()):
        view.books[farm.wallet].farms[farm.id] = farm
    for agent in map(AGENTS.decode, state["agents"].values()):
        view.books[agent.wallet].agents[agent.id] = agent
    for goal in map(GOALS.decode, state["goals"].values()):
        view.books[goal.wallet].goals[goal.id] = goal
    transfers = map(PENDING.decode, state["pending"].values())
    for pending in sorted(transfers, key=lambda pending: (pending.ended, pending.number)):
        book = view.books[pending.wallet]
        (book.pending if pending.state is Phase.PENDING else book.ended)[pending.id] = pending
    commands = map(COMMANDS.decode, state["commands"].values())
    for command in sorted(commands, key=lambda command: command.number):
        view.books[command.wallet].commands[command.id] = command
    for key, returns in state["returns"].items():
        name = key.decode().split("/")[1]
        view.books[name].returns[key.decode()] = _decode_returns(returns)
    for book in view.books.values():
        book.updates = sorted(
            (scope.update_due, scope_key(scope)) for scope in _scopes(book) if scope.update_due is not None
        )
    return view


def _scopes(book: Book) -> Iterator[Scope]:
    yield book.wallet
    yield from book.farms.values()
    yield from book.agents.values()
