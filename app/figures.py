"""
Figures of a view's scopes, for the exporter and the log.

Figures are read in the exporter's thread while batches are applied, so dicts are copied before they are
walked.
"""

from collections.abc import Iterator

from domain.money import MONEY
from domain.standing import drawdown
from metrics.observe import ScopeFigures
from state.book import Book, kind_of
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
    agents = list(book.agents.values())
    budgets: dict[str, int] = {}
    for agent in agents:
        budgets[agent.farm] = budgets.get(agent.farm, 0) + agent.budget
    wallet = _scope(book.wallet, sum(budgets.values()))
    yield wallet._replace(suspense=book.wallet.suspense / MONEY)
    for farm in list(book.farms.values()):
        yield _scope(farm, budgets.get(farm.id, 0))
    for agent in agents:
        if agent.state is not State.RETIRED:
            yield _scope(agent, agent.budget)


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
