"""
The kinds of plots: lines over time, bars over time, stacked shares over time, bars side by side, a histogram.

Each returns a ``<figure>`` with a caption, a legend and an ``<svg>`` that scales with the page. Values are
floats, times milliseconds since 1970.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple

from app.plot.frame import BOTTOM, PERCENT, RIGHT, TOP, WIDTH, Frame, Unit, colour, figure, label
from app.plot.markup import Markup, element
from app.plot.scale import DAY_MS, Scale, number_labels, round_values

_ROW: Final = 22  # height of a horizontal bar
_NAMES: Final = 150  # width of their names


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
    frame = Frame(title, _span([time for line in drawn for time in line.times]), values, unit)
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
    frame = Frame(title, (times[0], times[-1] + length_ms), [*values, 0.0], unit)
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
    frame = Frame(title, (times[0], max(end, times[-1] + 1)), [0.0, min(highest, 1.0) or 1.0], PERCENT)
    below = [0.0] * len(times)
    legend = []
    for number, (name, values) in enumerate(shares.items()):
        above = [low + value for low, value in zip(below, values, strict=True)]
        outline = [*_held(frame, times, above), *reversed(_held(frame, times, below))]
        style = colour(number)
        frame.add(element("path", element("title", name), d=_path(outline) + "Z", class_=f"share {style}"))
        legend.append((name, style))
        below = above
    return frame.drawn(legend)


def ranking(title: str, values: Sequence[tuple[str, float]], unit: Unit) -> Markup:
    """Draw a horizontal bar for each name, from zero to the left or right."""
    height = TOP + _ROW * len(values) + BOTTOM
    sizes = [0.0, *(value for _, value in values)]
    ticks = unit.labels(round_values(min(sizes), max(sizes), 6))
    x = Scale(ticks[0].value, ticks[-1].value, _NAMES, WIDTH - RIGHT)
    parts: list[Markup] = []
    for tick in ticks:
        at = x(tick.value)
        parts.append(element("line", x1=at, x2=at, y1=TOP, y2=height - BOTTOM, class_="grid"))
        parts.append(label(at, height - BOTTOM + 15, tick.label, "middle"))
    for row, (name, value) in enumerate(values):
        y = TOP + _ROW * row
        written = unit.labels([value])[0].label if value else "0"
        parts.append(label(_NAMES - 8, y + _ROW / 2 + 4, _short(name, 22), "end"))
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
    parts.append(element("line", x1=x(0.0), x2=x(0.0), y1=TOP, y2=height - BOTTOM, class_="axis"))
    parts.append(label(WIDTH - RIGHT, height - 6, unit.name, "end"))
    return figure(title, height, parts, [])


def histogram(title: str, values: Sequence[float], marks: Sequence[tuple[str, float]]) -> Markup:
    """Draw how often values of each size occur, with lines at some; the values are shares."""
    shown = [*values, *(value for _, value in marks)]
    edges = round_values(min(shown), max(shown), 24)
    counts = [0] * (len(edges) - 1)
    for value in values:
        place = int((value - edges[0]) / (edges[1] - edges[0]))
        counts[min(max(place, 0), len(counts) - 1)] += 1
    frame = Frame(
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
        frame.add(element("line", x1=at, x2=at, y1=TOP, y2=frame.low, class_=f"line {style}"))
        legend.append((name, style))
    return frame.drawn(legend)


def _points(frame: Frame, line: Line) -> list[tuple[float, float]]:
    if line.steps:
        return _held(frame, line.times, line.values)
    return [(frame.x(at), frame.y(value)) for at, value in zip(line.times, line.values, strict=True)]


def _held(frame: Frame, times: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    """Both ends of each stretch in which a value holds: until the next, the last to the end of the axis."""
    stretches = zip(pairwise([*times, frame.x.high]), values, strict=True)
    return [(frame.x(at), frame.y(value)) for ends, value in stretches for at in ends]


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
