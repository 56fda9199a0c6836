"""The tables of ``report``."""

from itertools import accumulate
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.output import COLOURS, table
from app.cli.sparkline import sparkline
from app.report.document import Figures, Member, Report
from app.report.words import availability, metric_text, money, percent, title_of

_OF_RETURNS = (
    *("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown"),
    *("var_95", "cvar_95", "best_bin", "worst_bin", "probabilistic_sharpe", "deflated_sharpe"),
)
_OF_TRADES = (
    *("win_rate", "profit_factor", "expectancy", "expectancy_ratio", "sqn", "correlation_within_farm"),
)


def print_report(out: Console, report: Report) -> None:
    """Print a report: the figures, the metrics, the windows, and who is under it."""
    out.print(Text(title_of(report), style="bold"))
    for sentence in availability(report):
        out.print(sentence, style="dim")
    out.print()
    out.print(_figures_table(report))
    out.print()
    out.print(_metrics_table(report))
    out.print()
    out.print(_rolling_table(report))
    if report.members:
        out.print()
        out.print(_members_table(report.members))


def _figures_table(report: Report) -> Table:
    figures = report.figures
    made = table("figure", report.currency, "", right=(report.currency,))
    made.add_row("budget", money(figures.budget), "what was allocated to work with")
    made.add_row("equity", money(figures.equity), Text("what is there  ") + _equity_line(report))
    made.add_row("profit from trading", Text(money(figures.trading_pnl), style="bold"), _made_of(figures))
    made.add_row("moved in, net", money(figures.net_flows), "equity that trading did not earn")
    state = Text(report.breaker, style=COLOURS[report.breaker]) + Text(f", {report.state}")
    if report.stopped_for:
        state.append(f" ({report.stopped_for})")
    made.add_row("drawdown", percent(figures.drawdown), state)
    return made


def _equity_line(report: Report) -> Text:
    return Text(sparkline([float(point.equity) for _, point in report.history.points], 48), style="cyan")


def _made_of(figures: Figures) -> str:
    parts = money(figures.realized_pnl), money(figures.unrealized_pnl), money(figures.fees)
    return "realised {} + unrealised {} - fees {}".format(*parts)


def _metrics_table(report: Report) -> Table:
    """Two columns of metrics side by side: those of returns, those of trades."""
    made = table("of returns", " ", "of trades", "  ", right=(" ", "  "))
    left, right = _rows(report, _OF_RETURNS), _rows(report, _OF_TRADES)
    if report.benchmark:
        right.append((f"beside {report.benchmark['name']}", ""))
        right += _rows_of(report.benchmark, tuple(report.benchmark["metrics"]))
    for row in range(max(len(left), len(right))):
        one = left[row] if row < len(left) else ("", "")
        other = right[row] if row < len(right) else ("", "")
        made.add_row(*one, *other)
    return made


def _rows(report: Report, names: tuple[str, ...]) -> list[tuple[str, str | Text]]:
    return _rows_of({"metrics": report.metrics, "without_value": report.without_value}, names)


def _rows_of(record: dict[str, Any], names: tuple[str, ...]) -> list[tuple[str, str | Text]]:
    return [(name, _value(record, name)) for name in names if name in record["metrics"]]


def _value(record: dict[str, Any], name: str) -> str | Text:
    value = record["metrics"][name]
    return Text(record["without_value"][name], style="dim") if value is None else metric_text(name, value)


def _rolling_table(report: Report) -> Table:
    names = tuple(next(iter(report.rolling.values()))["metrics"])
    made = table("last", *names, right=names)
    for bins, record in report.rolling.items():
        made.add_row(f"{bins} bins", *(_value(record, name) for name in names))
    made.add_row(f"{len(report.bins.returns)} bins", *(_value(_record(report), name) for name in names))
    return made


def _record(one: Report | Member) -> dict[str, Any]:
    return {"metrics": one.metrics, "without_value": one.without_value}


def _members_table(members: list[Member]) -> Table:
    right = ("budget", "equity", "from trading", "return", "sharpe", "drawdown", "max", "fills")
    made = table("", *right, "returns, compounded", "breaker", right=right)
    farms = [member for member in members if member.kind == "farm"]
    agents = [member for member in members if member.kind == "agent"]
    for farm in farms:
        _add_member(made, farm, farm.id)
        for agent in (one for one in agents if one.farm == farm.id):
            _add_member(made, agent, f"  {agent.id}")
    if not farms:
        for agent in agents:
            _add_member(made, agent, agent.id)
    return made


def _add_member(made: Table, one: Member, name: str) -> None:
    record = _record(one)
    growth = list(accumulate(one.returns, lambda value, r: value * (1 + r), initial=1.0))
    made.add_row(
        Text(name, style="bold" if one.kind == "farm" else ""),
        money(one.figures.budget),
        money(one.figures.equity),
        money(one.figures.trading_pnl),
        _value(record, "total_return"),
        _value(record, "sharpe"),
        percent(one.figures.drawdown),
        _value(record, "max_drawdown"),
        f"{one.figures.trades:,}",
        Text(sparkline(growth), style="cyan"),
        Text(one.breaker, style=COLOURS[one.breaker]),
    )
