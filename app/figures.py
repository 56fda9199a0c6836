"""
Figures of a view's scopes, for the exporter and the log.

Figures are read in the exporter's thread while batches are applied, so dicts are copied before they are
walked. Agents that nobody looked at yet stay unread: what is shown of them is taken from what is stored.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from domain.breakers import Colour
from domain.money import MONEY
from domain.standing import Standing, drawdown
from metrics.observe import ScopeFigures
from state.book import Book, kind_of
from state.codec import stored_money, stored_scaled
from state.entities import Scope
from state.records import State
from state.view import View


def figures_of(view: View) -> Iterator[ScopeFigures]:
    """Figures of every scope, wallets and farms first."""
    for book in list(view.books.values()):
        yield from _figures(book)


def counts_of(view: View) -> dict[str, int]:
    """How many entities a view holds, by kind."""
    books = view.books.values()
    return {
        "wallets": len(books),
        "farms": sum(len(book.farms) for book in books),
        "agents": sum(len(book.agents) for book in books),
        "goals": sum(len(book.goals) for book in books),
    }


def _figures(book: Book) -> Iterator[ScopeFigures]:
    read, stored = book.agents.as_they_are()
    agents = [(agent.farm, agent.budget, agent.state, _scope(agent, agent.budget)) for agent in read]
    agents += map(_stored, stored)
    budgets: dict[str, int] = {}
    for farm_id, budget, _, _ in agents:
        budgets[farm_id] = budgets.get(farm_id, 0) + budget
    wallet = _scope(book.wallet, sum(budgets.values()))
    yield wallet._replace(suspense=book.wallet.suspense / MONEY)
    for farm in list(book.farms.values()):
        yield _scope(farm, budgets.get(farm.id, 0))
    for _, _, state, figures in agents:
        if state is not State.RETIRED:
            yield figures


class _Shown(msgspec.Struct, gc=False):
    """What of a stored agent is shown."""

    id: str
    wallet: str
    farm: str
    state: State = State.ACTIVE
    breaker: Colour = Colour.GREEN
    equity: str = "0"
    peak_equity: str = "0"
    anchor: str = "0"
    cash: str = "0"
    budget: str = "0"


_decode: Final = msgspec.json.Decoder(_Shown).decode


def _stored(stored: bytes) -> tuple[str, int, State, ScopeFigures]:
    """Farm, budget, state and figures of an agent that nobody looked at: to read it takes twice as long."""
    shown = _decode(stored)
    standing = Standing(
        equity=stored_money(shown.equity),
        peak_equity=stored_scaled(shown.peak_equity),
        anchor=stored_money(shown.anchor),
    )
    budget = stored_money(shown.budget)
    figures = ScopeFigures(
        wallet=shown.wallet,
        scope="agent",
        id=shown.id,
        equity=standing.equity / MONEY,
        cash=stored_money(shown.cash) / MONEY,
        drawdown=drawdown(standing),
        budget=budget / MONEY,
        colour=shown.breaker,
        stopped=shown.state is State.STOPPED,
    )
    return shown.farm, budget, shown.state, figures


def _scope(scope: Scope, budget: int) -> ScopeFigures:
    return ScopeFigures(
        wallet=scope.wallet,
        scope=kind_of(scope),
        id=scope.id,
        equity=scope.equity / MONEY,
        cash=scope.cash / MONEY,
        drawdown=drawdown(scope),
        budget=budget / MONEY,
        colour=scope.breaker,
        stopped=scope.state is State.STOPPED,
    )
