"""The plots of a report."""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from app.plot.charts import Line, bars, histogram, lines, ranking, stacked
from app.plot.frame import NUMBER, PERCENT, Unit, money_unit
from app.plot.markup import Markup, element
from app.plot.scale import number_labels
from app.report.document import Report
from app.report.history import Point
from app.report.words import length_of

_STACKED: Final = 8  # series that can be told apart by colour
_RANKED: Final = 24
_FILLS: Final = Unit("fills", number_labels)


def pictures(report: Report) -> Iterator[Markup]:
    """Draw what there is to draw."""
    points = _since_trading(report.history.points)
    unit = money_unit(report.currency)
    if len(points) > 1:
        yield _equity(points, unit)
        yield _profit(points, unit)
        yield _drawdown(points)
    if report.bins.returns:
        yield _growth(report)
        yield from _returns(report)
    if len(points) > 1:
        yield _fills(points)
    for kind, rows in report.history.weights.items():
        yield from _weights(report, kind, rows)
    contributions = _contributions(report)
    if contributions:
        yield ranking("Profit from trading, by agent", contributions, unit)


def small_line(values: Sequence[float]) -> Markup:
    """Draw a line the size of a word."""
    if len(values) < 2:
        return Markup("")
    low, high = min(values), max(values)
    span = high - low or 1.0
    step = max(len(values) // 96, 1)
    shown = [*values[:-1:step], values[-1]]
    points = "L".join(
        f"{96 * place / (len(shown) - 1):.1f} {18 - 16 * (value - low) / span:.1f}"
        for place, value in enumerate(shown)
    )
    return element(
        "svg", element("path", d=f"M{points}", class_="line s1"), viewBox="0 0 96 20", aria_hidden="true"
    )


def growth(returns: Sequence[float]) -> list[float]:
    """Value of 1 at the end of each bin, and at the start; what is lost whole stays lost."""
    return list(accumulate(returns, lambda value, r: value * max(1 + r, 0.0), initial=1.0))


def _since_trading(points: list[tuple[int, Point]]) -> list[tuple[int, Point]]:
    """Leave out the idle time before the first trade: all that could be seen is a flat line."""
    first = next((place for place, (_, point) in enumerate(points) if point.trading_pnl), 0)
    return [(points[first][0], points[first - 1][1]), *points[first:]] if first else points


def _equity(points: list[tuple[int, Point]], unit: Unit) -> Markup:
    times = [float(at) for at, _ in points]
    equity = [float(point.equity) for _, point in points]
    moved = [float(point.equity - point.trading_pnl) for _, point in points]
    drawn = [
        Line("equity", times, equity, "s1", filled=True, steps=True),
        Line("money moved in, net", times, moved, "s2 dashed", steps=True),
    ]
    budgets = [(float(at), float(point.budget)) for at, point in points if point.budget is not None]
    if budgets:
        at, given = [at for at, _ in budgets], [budget for _, budget in budgets]
        drawn.append(Line("budget", at, given, "s4", steps=True))
    return lines("Equity", drawn, unit, zero=True)


def _profit(points: list[tuple[int, Point]], unit: Unit) -> Markup:
    times, profit = [float(at) for at, _ in points], [float(point.trading_pnl) for _, point in points]
    title = "Profit from trading: realised and unrealised, less fees"
    drawn = [Line("profit from trading", times, profit, "s3", filled=True, steps=True)]
    return lines(title, drawn, unit, zero=True)


def _drawdown(points: list[tuple[int, Point]]) -> Markup:
    times, fallen = [float(at) for at, _ in points], [-point.drawdown for _, point in points]
    drawn = [Line("below the highest equity before", times, fallen, "loss", filled=True, steps=True)]
    return lines("Drawdown", drawn, PERCENT, zero=True)


def _fills(points: list[tuple[int, Point]]) -> Markup:
    times, fills = [float(at) for at, _ in points], [float(point.trades) for _, point in points]
    return lines("Fills so far", [Line("fills", times, fills, "s6", steps=True)], _FILLS, zero=True)


def _growth(report: Report) -> Markup:
    bins = report.bins
    drawn = [_grown(report.id, bins.first, bins.length_ms, bins.returns, "s1")]
    if bins.benchmark and report.benchmark is not None:
        late = len(bins.returns) - len(bins.benchmark)
        begin = bins.first + late * bins.length_ms
        drawn.append(_grown(report.benchmark["name"], begin, bins.length_ms, bins.benchmark, "s2 dashed"))
    return lines("Growth of 1, net of money moved", drawn, NUMBER)


def _grown(name: str, begin: int, length_ms: int, returns: Sequence[float], style: str) -> Line:
    values = growth(returns)
    return Line(name, [float(begin + place * length_ms) for place in range(len(values))], values, style)


def _returns(report: Report) -> Iterator[Markup]:
    bins = report.bins
    times = [float(bins.first + place * bins.length_ms) for place in range(len(bins.returns))]
    yield bars(
        f"Return per bin of {length_of(bins.length_ms)}", times, bins.returns, float(bins.length_ms), PERCENT
    )
    if len(set(bins.returns)) > 1:
        marks = [
            (label, report.metrics[name])
            for label, name in (("VaR 95", "var_95"), ("CVaR 95", "cvar_95"))
            if report.metrics[name] is not None
        ]
        moved = [
            value for value in bins.returns if value
        ]  # bins in which nothing happened would hide the others
        yield histogram("Returns by size, without bins in which nothing happened", moved, marks)


def _weights(report: Report, kind: str, rows: list[tuple[int, dict[str, float]]]) -> Iterator[Markup]:
    names = {name for _, row in rows for name in row}
    if not names:
        return
    times = [float(at) for at, _ in rows]
    sizes = {name: math.fsum(row.get(name, 0.0) for _, row in rows) for name in names}
    largest = sorted(names, key=lambda name: (-sizes[name], name))
    shown = largest if len(largest) <= _STACKED else largest[: _STACKED - 1]
    shares: dict[str, Sequence[float]] = {
        name: [row.get(name, 0.0) for _, row in rows] for name in sorted(shown)
    }
    others = largest[len(shown) :]
    if others:
        shares[f"{len(others)} others"] = [
            math.fsum(row.get(name, 0.0) for name in others) for _, row in rows
        ]
    title = f"Planned weights in the investable capital, by {kind}"
    yield stacked(title, times, shares, float(report.time))


def _contributions(report: Report) -> list[tuple[str, float]]:
    agents = [one for one in report.members if one.kind == "agent"]
    ranked = sorted(((one.id, float(one.figures.trading_pnl)) for one in agents), key=lambda pair: -pair[1])
    if len(ranked) <= _RANKED:
        return ranked
    half = _RANKED // 2
    rest = ranked[half:-half]
    return [*ranked[:half], (f"{len(rest)} others", math.fsum(v for _, v in rest)), *ranked[-half:]]
