"""How wallets and farms have done, from a snapshot: what ``farm_performance_update`` tells, as of now."""

from collections.abc import Sequence
from typing import Any

from app.report.document import figures_of
from app.report.subject import Subject
from app.snapshot import PartitionSnapshot
from handlers.steps.measuring import record_of
from state.book import Book, kind_of
from state.view import KINDS, load_view


def performance(snapshots: Sequence[PartitionSnapshot], wallet: str | None) -> list[dict[str, Any]]:
    """Measure one wallet or all, and their farms, by wallet and id."""
    books = [(book, one) for one in snapshots for book in _books(one)]
    books.sort(key=lambda pair: pair[0].wallet.id)
    chosen = [pair for pair in books if wallet in (None, pair[0].wallet.id)]
    return [_measured(subject) for book, one in chosen for subject in _subjects(book, one)]


def _books(snapshot: PartitionSnapshot) -> list[Book]:
    state: dict[str, dict[bytes, bytes]] = {kind: {} for kind in KINDS} | {"returns": snapshot.returns}
    for kind in ("wallets", "farms", "agents"):
        # Which field of its hash it was does not matter to the view.
        state[kind] = {b"%d" % place: value for place, value in enumerate(snapshot.state[kind])}
    return list(load_view(state).books.values())


def _subjects(book: Book, snapshot: PartitionSnapshot) -> list[Subject]:
    farms = sorted(book.farms.values(), key=lambda farm: farm.id)
    return [Subject(book, scope, [snapshot.keys]) for scope in (book.wallet, *farms)]


def _measured(subject: Subject) -> dict[str, Any]:
    scope = subject.scope
    return {
        "wallet": scope.wallet,
        "scope": kind_of(scope),
        "id": scope.id,
        "figures": figures_of(subject),
        **record_of(subject.turn, scope),
    }
