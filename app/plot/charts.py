"""
The kinds of plots: lines over time, bars over time, stacked shares over time, bars side by side, a histogram.

Each returns a ``<figure>`` with a caption, a legend and an ``<svg>`` that scales with the page. Values are
floats, times milliseconds since 1970.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple

from app.plot.markup import Markup, element, join
from app.plot.scale import (
    DAY_MS,
    Scale,
    Tick,
    money_labels,
    number_labels,
    percent_labels,
    round_values,
    time_ticks,
)

WIDTH: Final = 720
HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 22, 36
_ROW: Final = 22  # height of a horizontal bar
_COLOURS: Final = 8

Labels = Callable[[Sequence[float]], list[Tick]]


class Unit(NamedTuple):
    """What an axis counts, and how its values are written."""

    name: str
    labels: Labels


def money_unit(currency: str) -> Unit:
    """Money of a currency."""
    return Unit(currency, money_labels)


PERCENT: Final = Unit("%", percent_labels)
NUMBER: Final = Unit("", number_labels)


class Line(NamedTuple):
    """One line over time."""

    name: str
    times: Sequence[float]
    values: Sequence[float]
    style: str  # CSS classes, such as "s1" or "s2 dashed"
    filled: bool = False  # down, or up, to zero
    steps: bool = False  # holds each value until the next


def lines(title: str, drawn: Sequence[Line], unit: Unit, *, zero: bool = False) -> Markup:
    """Draw lines over time; with `zero` the axis reaches it."""
    values = [value for line in drawn for value in line.values] + ([0.0] if zero else [])
    frame = _Frame(title, _span([time for line in drawn for time in line.times]), values, unit)
    for line in drawn:
        points = _points(frame, line)
        if line.filled:
            base = frame.y(min(max(0.0, frame.y.low), frame.y.high))
            outline = [(points[0][0], base), *points, (points[-1][0], base)]
            frame.add(element("path", d=_path(outline) + "Z", class_=f"area {line.style}"))
        frame.add(element("path", d=_path(points), class_=f"line {line.style}"))
    return frame.drawn([(line.name, line.style) for line in drawn])


def bars(title: str, times: Sequence[float], values: Sequence[float], length_ms: float, unit: Unit) -> Markup:
    """Draw a bar over each stretch of time that begins at one of the times."""
    frame = _Frame(title, (times[0], times[-1] + length_ms), [*values, 0.0], unit)
    zero = frame.y(0.0)
    width = frame.x(times[0] + length_ms) - frame.x(times[0])
    for time, value in zip(times, values, strict=True):
        top = frame.y(value)
        frame.add(
            element(
                "rect",
                element("title", f"{_date(time, length_ms)}: {value * 100:+.3f} %"),
                x=frame.x(time) + width * 0.1,
                y=min(top, zero),
                width=max(width * 0.8, 0.4),
                height=max(abs(top - zero), 0.3),
                class_="gain" if value >= 0 else "loss",
            )
        )
    frame.add(element("line", x1=frame.left, x2=frame.right, y1=zero, y2=zero, class_="axis"))
    return frame.drawn([("gained", "gain"), ("lost", "loss")])


def stacked(title: str, times: Sequence[float], shares: Mapping[str, Sequence[float]], end: float) -> Markup:
    """Draw shares on top of each other; each set of them holds until the next, the last until `end`."""
    highest = max(math.fsum(row) for row in zip(*shares.values(), strict=True))
    frame = _Frame(title, (times[0], max(end, times[-1] + 1)), [0.0, min(max(highest, 1e-9), 1.0)], PERCENT)
    below = [0.0] * len(times)
    legend = []
    for number, (name, values) in enumerate(shares.items()):
        above = [low + value for low, value in zip(below, values, strict=True)]
        edges = [*times, frame.x.high]
        upper = [
            (frame.x(at), frame.y(value))
            for (begin, stop), value in zip(pairwise(edges), above, strict=True)
            for at in (begin, stop)
        ]
        lower = [
            (frame.x(at), frame.y(value))
            for (begin, stop), value in zip(pairwise(edges), below, strict=True)
            for at in (begin, stop)
        ]
        style = colour(number)
        outline = _path([*upper, *reversed(lower)]) + "Z"
        frame.add(element("path", element("title", name), d=outline, class_=f"share {style}"))
        legend.append((name, style))
        below = above
    return frame.drawn(legend)


def ranking(title: str, values: Sequence[tuple[str, float]], unit: Unit) -> Markup:
    """Draw a horizontal bar for each name, from zero to the left or right."""
    height = _TOP + _ROW * len(values) + _BOTTOM
    left = 150
    ticks = unit.labels(round_values(min(0.0, *(v for _, v in values)), max(0.0, *(v for _, v in values)), 6))
    x = Scale(ticks[0].value, ticks[-1].value, left, WIDTH - _RIGHT)
    parts: list[Markup] = []
    for tick in ticks:
        at = x(tick.value)
        parts.append(element("line", x1=at, x2=at, y1=_TOP, y2=height - _BOTTOM, class_="grid"))
        parts.append(_label(at, height - _BOTTOM + 15, tick.label, "middle"))
    for row, (name, value) in enumerate(values):
        y = _TOP + _ROW * row
        written = unit.labels([value])[0].label if value else "0"
        parts.append(_label(left - 8, y + _ROW / 2 + 4, _short(name, 22), "end"))
        parts.append(
            element(
                "rect",
                element("title", f"{name}: {written} {unit.name}"),
                x=min(x(0.0), x(value)),
                y=float(y + 4),
                width=max(abs(x(value) - x(0.0)), 0.5),
                height=float(_ROW - 8),
                rx=2,
                class_="gain" if value >= 0 else "loss",
            )
        )
    parts.append(
        element("line", x1=x(0.0), x2=x(0.0), y1=_TOP, y2=height - _BOTTOM, class_="axis"),
    )
    parts.append(_label(WIDTH - _RIGHT, height - 6, unit.name, "end"))
    return _figure(title, height, parts, [])


def histogram(title: str, values: Sequence[float], marks: Sequence[tuple[str, float]]) -> Markup:
    """Draw how often values of each size occur, with lines at some; the values are shares."""
    edges = round_values(min(values), max(values), 24)
    counts = [0] * (len(edges) - 1)
    for value in values:
        place = int((value - edges[0]) / (edges[1] - edges[0]))
        counts[min(max(place, 0), len(counts) - 1)] += 1
    frame = _Frame(
        title, (edges[0], edges[-1]), [0.0, float(max(counts))], Unit("bins", number_labels), PERCENT
    )
    for (low, high), count in zip(pairwise(edges), counts, strict=True):
        frame.add(
            element(
                "rect",
                element("title", f"{low * 100:.2f} to {high * 100:.2f} %: {count}"),
                x=frame.x(low) + 0.5,
                y=frame.y(float(count)),
                width=frame.x(high) - frame.x(low) - 1,
                height=frame.y(0.0) - frame.y(float(count)),
                class_="gain" if low + high >= 0 else "loss",
            )
        )
    legend = [("gained", "gain"), ("lost", "loss")]
    for number, (name, value) in enumerate(marks):
        at, style = frame.x(value), f"{colour(number + 1)} dashed"
        frame.add(element("line", x1=at, x2=at, y1=_TOP, y2=HEIGHT - _BOTTOM, class_=f"line {style}"))
        legend.append((name, style))
    return frame.drawn(legend)


def colour(number: int) -> str:
    """CSS class of the n-th series."""
    return f"s{number % _COLOURS + 1}"


class _Frame:
    """Axes, grid and legend around what is drawn."""

    def __init__(
        self,
        title: str,
        across: tuple[float, float],
        values: Sequence[float],
        unit: Unit,
        across_unit: Unit | None = None,
    ) -> None:
        self.left, self.right = _LEFT, WIDTH - _RIGHT
        self._title, self._unit = title, unit
        ticks = unit.labels(round_values(min(values), max(values), 5))
        self.y = Scale(ticks[0].value, ticks[-1].value, HEIGHT - _BOTTOM, _TOP)
        self.x = Scale(*across, self.left, self.right)
        self._parts: list[Markup] = []
        for tick in ticks:
            at = self.y(tick.value)
            self.add(element("line", x1=self.left, x2=self.right, y1=at, y2=at, class_="grid"))
            self.add(_label(self.left - 7, at + 4, tick.label, "end"))
        if across_unit is None:
            below, self._below = time_ticks(*across, 7), "UTC"
        else:
            below, self._below = across_unit.labels(round_values(*across, 8)), across_unit.name
        for tick in below:
            at = self.x(tick.value)
            if self.left + (20 if across_unit else 0) <= at <= self.right:
                low = HEIGHT - _BOTTOM
                self.add(element("line", x1=at, x2=at, y1=low, y2=low + 4, class_="axis"))
                self.add(_label(at, low + 17, tick.label, "middle"))
        low = HEIGHT - _BOTTOM
        self.add(element("line", x1=self.left, x2=self.right, y1=low, y2=low, class_="axis"))

    def add(self, part: Markup) -> None:
        """Draw something more."""
        self._parts.append(part)

    def drawn(self, legend: Sequence[tuple[str, str]]) -> Markup:
        """Return the whole, with a legend of names and styles."""
        name = _label(self.left - 7, _TOP - 10, self._unit.name, "end")
        below = _label(self.right, HEIGHT - 4, self._below, "end")
        return _figure(self._title, HEIGHT, [*self._parts, name, below], legend)


def _figure(title: str, height: int, parts: Sequence[Markup], legend: Sequence[tuple[str, str]]) -> Markup:
    drawing = element("svg", join(parts), viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=title)
    keys = [element("span", element("i", class_=f"key {style}"), name) for name, style in legend]
    described = element("div", *keys, class_="legend") if keys else Markup("")
    return element("figure", element("figcaption", title), described, drawing)


def _label(x: float, y: float, text: str, anchor: str) -> Markup:
    return element("text", text, x=float(x), y=float(y), text_anchor=anchor, class_="label")


def _points(frame: _Frame, line: Line) -> list[tuple[float, float]]:
    places = [(frame.x(at), frame.y(value)) for at, value in zip(line.times, line.values, strict=True)]
    if not line.steps:
        return places
    held = [point for (_, y), (x, z) in pairwise(places) for point in ((x, y), (x, z))]
    return [*places[:1], *held, (float(frame.right), places[-1][1])]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _span(times: Sequence[float]) -> tuple[float, float]:
    low, high = min(times), max(times)
    return (low, high) if high > low else (low - DAY_MS / 2, high + DAY_MS / 2)


def _date(ms: float, length_ms: float) -> str:
    form = "%Y-%m-%d" if length_ms >= DAY_MS else "%Y-%m-%d %H:%M"
    return datetime.fromtimestamp(ms / 1000, UTC).strftime(form)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
