"""A report as a document: what ``--json`` prints, and what the table and the page are made of."""

from statistics import fmean
from typing import Any, Final

import msgspec
import numpy as np

from app.deployment import Deployment
from app.report.history import History, read_history
from app.report.subject import Subject
from domain.comparison import correlation_within
from domain.money import money_text
from domain.performance import Absent, Metric, Returns
from domain.significance import deflated_sharpe
from domain.standing import SCALE, drawdown, trading_pnl
from handlers.steps.benchmark import benchmark_returns
from handlers.steps.measuring import record_of
from handlers.steps.valuation import returns_of
from state.book import kind_of, scope_key
from state.entities import Agent, Farm, Scope

_WITHIN: Final = "correlation_within_farm"


class Figures(msgspec.Struct, frozen=True):
    """Where a scope stands. What was allocated, what is there, and what trading earned are three things."""

    budget: str
    equity: str
    trading_pnl: str
    realized_pnl: str
    unrealized_pnl: str
    fees: str
    cash: str
    net_flows: str  # equity that trading did not earn: money moved in, less money moved out
    peak_equity: str
    drawdown: float
    trades: int


class Member(msgspec.Struct, frozen=True):
    """A farm or an agent under the subject."""

    kind: str
    id: str
    farm: str | None
    state: str
    breaker: str
    figures: Figures
    metrics: dict[str, Any]
    without_value: dict[str, Any]
    returns: list[float]


class Bins(msgspec.Struct, frozen=True):
    """Returns per bin that are kept, oldest first."""

    length_ms: int
    first: int  # when the oldest began
    returns: list[float]
    benchmark: list[float]  # those of the benchmark over the same bins, as far as it has them


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that is reported of a subject."""

    wallet: str
    kind: str
    id: str
    farm: str | None
    label: str  # name of a farm, strategy of an agent
    currency: str
    time: int  # stream time
    created: int  # of the wallet
    state: str
    stopped_for: str | None
    breaker: str
    figures: Figures
    metrics: dict[str, Any]
    without_value: dict[str, Any]
    rolling: dict[str, Any]
    benchmark: dict[str, Any] | None
    bins: Bins
    members: list[Member]
    history: History

    @property
    def name(self) -> str:
        """Name by which it is asked for."""
        return self.wallet if self.kind == "wallet" else f"{self.wallet}/{self.id}"


async def read_report(deployment: Deployment, subject: Subject) -> Report:
    """Read all there is of a subject. Raises `TransportError`."""
    history = await read_history(deployment.client, subject)
    scope, wallet, turn = subject.scope, subject.book.wallet, subject.turn
    record = record_of(turn, scope)
    returns = list(returns_of(turn, scope))
    length = wallet.rules.performance.bin
    among = _among(subject)
    _add(record, among[scope_key(scope)])
    beside = benchmark_returns(turn) if subject.book.benchmark else []
    return Report(
        wallet=wallet.id,
        kind=kind_of(scope),
        id=scope.id,
        farm=scope.farm if isinstance(scope, Agent) else None,
        label=scope.strategy if isinstance(scope, Agent) else scope.name if isinstance(scope, Farm) else "",
        currency=wallet.currency,
        time=wallet.time,
        created=wallet.created,
        state=scope.state,
        stopped_for=None if scope.trip is None else scope.trip.reason,
        breaker=scope.breaker,
        figures=figures_of(subject),
        metrics=record["metrics"],
        without_value=record["without_value"],
        rolling=record["rolling"],
        benchmark=record.get("benchmark"),
        bins=Bins(
            length, (scope.bin - len(returns)) * length, returns, beside[max(len(beside) - len(returns), 0) :]
        ),
        members=_members(subject, among),
        history=history,
    )


def figures_of(subject: Subject) -> Figures:
    """Tell where a subject stands; the budget of a farm or wallet is that of its agents."""
    scope = subject.scope
    earned = trading_pnl(scope)
    return Figures(
        budget=money_text(sum(agent.budget for agent in subject.agents)),
        equity=money_text(scope.equity),
        trading_pnl=money_text(earned),
        realized_pnl=money_text(scope.realized_pnl),
        unrealized_pnl=money_text(scope.unrealized_pnl),
        fees=money_text(scope.fees),
        cash=money_text(scope.cash),
        net_flows=money_text(scope.equity - earned),
        peak_equity=money_text(scope.peak_equity // SCALE),
        drawdown=round(drawdown(scope), 8),
        trades=scope.trades,
    )


def _members(subject: Subject, among: dict[str, dict[str, Metric]]) -> list[Member]:
    if isinstance(subject.scope, Agent):
        return []
    farms: list[Scope] = []
    if subject.scope is subject.book.wallet:
        farms = sorted(subject.book.farms.values(), key=lambda farm: farm.id)
    return [_member(subject, scope, among) for scope in (*farms, *subject.agents)]


def _member(subject: Subject, scope: Scope, among: dict[str, dict[str, Metric]]) -> Member:
    record = record_of(subject.turn, scope)
    _add(record, among[scope_key(scope)])
    return Member(
        kind=kind_of(scope),
        id=scope.id,
        farm=scope.farm if isinstance(scope, Agent) else None,
        state=scope.state,
        breaker=scope.breaker,
        figures=figures_of(Subject(subject.book, scope, subject.homes)),
        metrics=record["metrics"],
        without_value=record["without_value"],
        returns=list(returns_of(subject.turn, scope)),
    )


def _among(subject: Subject) -> dict[str, dict[str, Metric]]:
    """Metrics that a scope has only among others: within a farm, or of all that were tried in the wallet."""
    book = subject.book
    agents = sorted(book.agents.values(), key=lambda agent: agent.id)
    histories: dict[str, Returns] = {
        agent.id: np.asarray(returns_of(subject.turn, agent), dtype=np.float64) for agent in agents
    }
    found: dict[str, dict[str, Metric]] = {scope_key(book.wallet): {}}
    for agent, skill in zip(agents, deflated_sharpe(list(histories.values())), strict=True):
        found[scope_key(agent)] = {"deflated_sharpe": skill}
    for farm in book.farms.values():
        together = [agent for agent in agents if agent.farm == farm.id]
        correlations = correlation_within([histories[agent.id] for agent in together])
        for agent, correlation in zip(together, correlations, strict=True):
            found[scope_key(agent)][_WITHIN] = correlation
        known = [value for value in correlations if not isinstance(value, Absent)]
        found[scope_key(farm)] = {_WITHIN: fmean(known) if known else Absent.TOO_FEW_SAMPLES}
    return found


def _add(record: dict[str, Any], metrics: dict[str, Metric]) -> None:
    for name, value in metrics.items():
        if isinstance(value, Absent):
            record["metrics"][name] = None
            record["without_value"][name] = value
        else:
            record["metrics"][name] = value
