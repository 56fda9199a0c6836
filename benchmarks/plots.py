"""Drawings of the figures, each an SVG that stands alone and follows the reader's light or dark."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from app.plot.frame import colour, label
from app.plot.markup import Markup, element, join
from app.plot.scale import Scale, number_labels, round_values
from benchmarks.figures import Curve

_WIDTH: Final = 720
_HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 20, 70, 44
_NAMES: Final = 270  # width of the names of bars
_VALUES: Final = 80  # and of what is written behind them
_TITLE: Final = 34  # height of it
_ROW: Final = 26
_LEGEND: Final = 178  # between two of its entries

_STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-size: 14px; font-weight: 600 }
.grid { stroke: #ddd } .axis { stroke: #888 } .bar { fill: #9aa5b1 } .ours { fill: #1769aa }
polyline { fill: none; stroke-width: 2 }
.s1 { stroke: #1769aa; fill: #1769aa } .s2 { stroke: #c4561d; fill: #c4561d }
.s3 { stroke: #2e7d4f; fill: #2e7d4f } .s4 { stroke: #7b4ba3; fill: #7b4ba3 }
polyline.s1, polyline.s2, polyline.s3, polyline.s4 { fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .grid { stroke: #444 } .bar { fill: #66717d } .ours { fill: #58a6e0 }
  .s1 { stroke: #58a6e0; fill: #58a6e0 } .s2 { stroke: #f0894f; fill: #f0894f }
  .s3 { stroke: #5fbf86; fill: #5fbf86 } .s4 { stroke: #b48be0; fill: #b48be0 }
}
"""


def bars(title: str, values: Sequence[tuple[str, float]], ours: str) -> Markup:
    """Draw a bar for each name from the left, ours in another colour, its value behind it."""
    height = _TITLE + _ROW * len(values) + 8
    x = Scale(0.0, max(value for _, value in values), _NAMES, _WIDTH - _VALUES)
    parts = []
    for row, (name, value) in enumerate(values):
        y = float(_TITLE + _ROW * row)
        parts.append(label(_NAMES - 8, y + _ROW / 2 + 4, name, "end"))
        width = max(x(value) - x(0.0), 1.0)
        style = "ours" if name == ours else "bar"
        parts.append(element("rect", x=x(0.0), y=y + 4, width=width, height=_ROW - 8, rx=2, class_=style))
        parts.append(label(x(value) + 6, y + _ROW / 2 + 4, f"{value:,.0f}", "start"))
    return _drawing(title, height, parts)


def curves(title: str, drawn: Sequence[Curve], across: str, upwards: str) -> Markup:
    """Draw every point, and a line through the medians at each x; upwards from zero."""
    points = [point for curve in drawn for point in curve.points]
    low = float(_HEIGHT - _BOTTOM)
    highs = number_labels(round_values(0.0, max(y for _, y in points), 5))
    places = number_labels(round_values(min(x for x, _ in points), max(x for x, _ in points), 6))
    x = Scale(places[0].value, places[-1].value, _LEFT, _WIDTH - _RIGHT)
    y = Scale(highs[0].value, highs[-1].value, low, _TOP)
    parts = []
    for tick in highs:
        at = y(tick.value)
        parts.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=at, y2=at, class_="grid"))
        parts.append(label(_LEFT - 7, at + 4, tick.label, "end"))
    parts += [label(x(tick.value), low + 17, tick.label, "middle") for tick in places]
    parts.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=low, y2=low, class_="axis"))
    parts += [label(_LEFT - 7, _TOP - 11, upwards, "end"), label(_WIDTH - _RIGHT, low + 36, across, "end")]
    for number, curve in enumerate(drawn):
        style = colour(number)
        path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in medians(curve))
        parts.append(element("polyline", points=path, class_=style))
        parts += [element("circle", cx=x(at), cy=y(value), r=3, class_=style) for at, value in curve.points]
        place = 8.0 + _LEGEND * number
        parts.append(element("circle", cx=place + 6, cy=36, r=5, class_=style))
        parts.append(label(place + 16, 40, curve.name, "start"))
    return _drawing(title, _HEIGHT, parts)


def medians(curve: Curve) -> list[tuple[float, float]]:
    """Give the median at each x, from left to right."""
    at: defaultdict[float, list[float]] = defaultdict(list)
    for x, y in curve.points:
        at[x].append(y)
    return [(x, statistics.median(ys)) for x, ys in sorted(at.items())]


def _drawing(title: str, height: int, parts: Sequence[Markup]) -> Markup:
    return element(
        "svg",
        element("style", Markup(_STYLE)),
        element("text", title, x=8, y=20, class_="title"),
        join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_label=title,
    )
