"""How wallets and farms have done, from a snapshot: what ``farm_performance_update`` tells, as of now."""

from collections.abc import Sequence
from typing import Any

from app.snapshot import PartitionSnapshot
from handlers.steps.measuring import record_of
from handlers.turn import Turn
from state.book import Book, kind_of
from state.view import KINDS, load_view


def performance(snapshots: Sequence[PartitionSnapshot], wallet: str | None) -> list[dict[str, Any]]:
    """Measure one wallet or all, and their farms, by wallet and id."""
    books = [book for one in snapshots for book in _books(one)]
    books.sort(key=lambda book: book.wallet.id)
    return [found for book in books if wallet in (None, book.wallet.id) for found in _measured(book)]


def _books(snapshot: PartitionSnapshot) -> list[Book]:
    state: dict[str, dict[bytes, bytes]] = {kind: {} for kind in KINDS} | {"returns": snapshot.returns}
    for kind in ("wallets", "farms"):
        # Which field of its hash it was does not matter to the view.
        state[kind] = {b"%d" % place: value for place, value in enumerate(snapshot.state[kind])}
    return list(load_view(state).books.values())


def _measured(book: Book) -> list[dict[str, Any]]:
    farms = sorted(book.farms.values(), key=lambda farm: farm.id)
    turn = Turn(book, "status", [])  # for looking: nothing that it changes is written
    return [
        {"wallet": book.wallet.id, "scope": kind_of(scope), "id": scope.id, **record_of(turn, scope)}
        for scope in (book.wallet, *farms)
    ]
