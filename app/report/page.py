"""
A report as one HTML file: no scripts, nothing fetched, readable in light, in dark and on paper.

The frame is ``page.html``; here its parts are filled in. Everything that came from outside is escaped by
`element`.
"""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from string import Template
from typing import Any, Final

from app.plot.markup import Markup, element, join
from app.report.document import Figures, Member, Report
from app.report.history import News
from app.report.pictures import growth, pictures, small_line
from app.report.words import MEANING, availability, metric_text, moment, money, percent, title_of

_FIGURES_NOTE: Final = (
    "Budget is what was allocated: the capital that agents were given to work with. Equity is what is there: "
    "cash, positions at cost and unrealised profit. Profit from trading is realised and unrealised profit "
    "less fees; money that was moved is not in it."
)
_METRICS_NOTE: Final = (
    "Returns are net of money moved. Metrics are measured over the bins that are kept; where one has no "
    "value, the reason stands in its place. A drawdown is the fall from the highest value before."
)


def page(report: Report) -> str:
    """Write a report as HTML."""
    frame = Template(files("app.report").joinpath("page.html").read_text(encoding="utf-8"))
    return frame.substitute(
        title=join([f"sluicegate: {title_of(report)}"]),
        header=_header(report),
        tiles=_tiles(report),
        plots=join(pictures(report)),
        metrics=_metrics(report),
        members=_members(report),
        moves=_moves(report),
        footer=join(element("p", note) for note in (_FIGURES_NOTE, _METRICS_NOTE)),
    )


def _header(report: Report) -> Markup:
    of = f"{report.kind}, {report.label}" if report.label not in ("", report.id) else report.kind
    parts = [element("h1", report.name, " ", element("small", of))]
    parts.append(element("span", report.breaker, class_=f"pill {report.breaker}"))
    stopped = f" ({report.stopped_for})" if report.stopped_for else ""
    parts.append(element("span", f"{report.state}{stopped}", class_="pill"))
    parts.append(element("p", f"As of {moment(report.time)}. {' '.join(availability(report))}"))
    return join(parts)


def _tiles(report: Report) -> Markup:
    figures, currency = report.figures, report.currency
    made = (
        f"realised {money(figures.realized_pnl)}, unrealised {money(figures.unrealized_pnl)}, "
        f"fees {money(figures.fees)}"
    )
    tiles = [
        _tile("Budget", money(figures.budget), f"{currency}; what was allocated", "three"),
        _tile(
            "Equity", money(figures.equity), f"{currency}; {money(figures.net_flows)} moved in, net", "three"
        ),
        _tile("Profit from trading", money(figures.trading_pnl), f"{currency}; {made}", "three"),
        _tile("Drawdown now", percent(figures.drawdown), f"from {money(figures.peak_equity)}"),
    ]
    for name, label in (
        ("total_return", "Total return"),
        ("max_drawdown", "Maximum drawdown"),
        ("volatility", "Volatility"),
        ("sharpe", "Sharpe ratio"),
        ("win_rate", "Win rate"),
    ):
        value = report.metrics[name]
        written = "-" if value is None else metric_text(name, value)
        note = report.without_value[name].replace("_", " ") if value is None else _over(report, name)
        tiles.append(_tile(label, written, note))
    return join(tiles)


def _over(report: Report, name: str) -> str:
    if name == "win_rate":
        return f"of closed fills; {report.figures.trades:,} fills"
    return f"{len(report.bins.returns)} bins"


def _tile(label: str, value: str, note: str, class_: str = "") -> Markup:
    return element(
        "div", element("span", label), element("b", value), element("span", note), class_=f"tile {class_}"
    )


# -- tables ------------------------------------------------------------------------------------------------


def _table(caption: str, head: Sequence[str], rows: Iterable[Markup], class_: str = "") -> Markup:
    titles = [
        element("th", title.lstrip("<"), class_="text" if title.startswith("<") else None) for title in head
    ]
    made = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *titles)),
        element("tbody", *rows),
    )
    return element("div", made, class_=f"sheet {class_}")


def _row(cells: Iterable[Markup], class_: str | None = None) -> Markup:
    return element("tr", *cells, class_=class_)


def _cell(text: str, class_: str | None = None) -> Markup:
    return element("td", text, class_=class_)


def _money_cell(text: str) -> Markup:
    return _cell(money(text), "negative" if float(text) < 0 else None)


def _metric_cell(record: dict[str, Any], without: dict[str, Any], name: str) -> Markup:
    value = record[name]
    if value is None:
        return element("td", element("span", without[name].replace("_", " "), class_="none"))
    return _cell(metric_text(name, value))


def _metrics(report: Report) -> Markup:
    rows = [
        _row(
            [
                _cell(name.replace("_", " ")),
                _cell(MEANING.get(name, ""), "what"),
                _metric_cell(report.metrics, report.without_value, name),
            ]
        )
        for name in report.metrics
    ]
    tables = [_table("Over all bins that are kept", ("metric", "<", "value"), rows), _beside(report)]
    return join(tables)


def _beside(report: Report) -> Markup:
    """Tables that stand beside the long one: windows, the benchmark, and where money went."""
    windows = report.rolling
    head = ("metric", *(f"{bins} bins" for bins in windows))
    names = list(next(iter(windows.values()))["metrics"])
    rows = [
        _row(
            [
                _cell(name.replace("_", " ")),
                *(_metric_cell(one["metrics"], one["without_value"], name) for one in windows.values()),
            ]
        )
        for name in names
    ]
    tables = [_table("The last bins", head, rows)]
    if report.benchmark is not None:
        found = report.benchmark
        rows = [
            _row(
                [_cell(name.replace("_", " ")), _metric_cell(found["metrics"], found["without_value"], name)]
            )
            for name in found["metrics"]
        ]
        tables.append(_table(f"Beside {found['name']}", ("metric", "value"), rows))
    if report.history.flows:
        rows = [
            _row(
                [
                    _cell(name.replace("_", " ")),
                    _cell(f"{flow.count:,}"),
                    _money_cell(str(flow.given)),
                    _money_cell(str(flow.taken)),
                ]
            )
            for name, flow in report.history.flows.items()
        ]
        head = ("event (reason)", "times", f"given, {report.currency}", f"taken, {report.currency}")
        tables.append(_table("Money given to agents and taken back", head, rows))
    return element("div", *tables, class_="stack")


def _members(report: Report) -> Markup:
    if not report.members:
        return Markup("")
    farms = [one for one in report.members if one.kind == "farm"]
    agents = [one for one in report.members if one.kind == "agent"]
    rows: list[Markup] = []
    for farm in farms:
        rows.append(_member(farm, "farm"))
        rows += [_member(one, "under") for one in agents if one.farm == farm.id]
    if not farms:
        rows += [_member(one, None) for one in agents]
    head = (
        *("", "budget", "equity", "from trading", "total return", "sharpe", "max drawdown", "win rate"),
        *("deflated", "in farm", "fills", "growth", "breaker"),
    )
    title = element("h2", "Farms and agents" if farms else "Agents")
    table = _table(f"Money in {report.currency}", head, rows, "wide")
    return join([title, element("section", table, class_="sheets")])


def _member(one: Member, class_: str | None) -> Markup:
    figures: Figures = one.figures
    names = (
        "total_return",
        "sharpe",
        "max_drawdown",
        "win_rate",
        "deflated_sharpe",
        "correlation_within_farm",
    )
    return _row(
        [
            _cell(one.id),
            _money_cell(figures.budget),
            _money_cell(figures.equity),
            _money_cell(figures.trading_pnl),
            *(
                _metric_cell(one.metrics, one.without_value, name) if name in one.metrics else _cell("")
                for name in names
            ),
            _cell(f"{figures.trades:,}"),
            element("td", small_line(growth(one.returns))),
            element("td", element("span", one.breaker, class_=f"pill {one.breaker}")),
        ],
        class_,
    )


def _moves(report: Report) -> Markup:
    history = report.history
    tables = [
        _news(caption, news)
        for caption, news in (
            ("Last moves of money", history.moves),
            ("Last stops and alerts", history.stops),
        )
        if news
    ]
    if not tables:
        return Markup("")
    return join([element("h2", "Events"), element("section", *tables, class_="sheets")])


def _news(caption: str, news: Sequence[News]) -> Markup:
    rows = [
        _row(
            [
                _cell(moment(one.at).removesuffix(" UTC")),
                _cell(one.event.replace("_", " "), "text"),
                _cell(one.subject, "text"),
                _cell(one.detail, "what"),
            ]
        )
        for one in news
    ]
    return _table(caption, ("UTC", "<event", "<of", "<what"), rows)
