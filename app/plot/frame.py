"""What is around a plot: axes with units, grid, legend and caption."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from app.plot.markup import Markup, element, join
from app.plot.scale import (
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
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 22, 36  # margins
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


class Frame:
    """A plot of values upwards over time, or over values, to the right."""

    def __init__(
        self,
        title: str,
        across: tuple[float, float],
        values: Sequence[float],
        unit: Unit,
        across_unit: Unit | None = None,
    ) -> None:
        """Make room for values over what lies `across`: times, unless that has a unit."""
        self.left, self.right, self.low = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM
        self._title, self._unit = title, unit
        self._below = "UTC" if across_unit is None else across_unit.name
        self._parts: list[Markup] = []
        self.x = Scale(*across, self.left, self.right)
        self.y = self._upwards(unit.labels(round_values(min(values), max(values), 5)))
        if across_unit is None:
            self._across(time_ticks(*across, 7))
        else:
            # The first would run into the zero of the other axis.
            self._across(across_unit.labels(round_values(*across, 8))[1:])

    def _upwards(self, ticks: Sequence[Tick]) -> Scale:
        y = Scale(ticks[0].value, ticks[-1].value, self.low, TOP)
        for tick in ticks:
            at = y(tick.value)
            self.add(element("line", x1=self.left, x2=self.right, y1=at, y2=at, class_="grid"))
            self.add(label(self.left - 7, at + 4, tick.label, "end"))
        return y

    def _across(self, ticks: Sequence[Tick]) -> None:
        low = self.low
        for tick in ticks:
            at = self.x(tick.value)
            if self.left <= at <= self.right:
                self.add(element("line", x1=at, x2=at, y1=low, y2=low + 4, class_="axis"))
                self.add(label(at, low + 17, tick.label, "middle"))
        self.add(element("line", x1=self.left, x2=self.right, y1=low, y2=low, class_="axis"))

    def add(self, part: Markup) -> None:
        """Draw something more."""
        self._parts.append(part)

    def drawn(self, legend: Sequence[tuple[str, str]]) -> Markup:
        """Return the whole, with a legend of names and styles."""
        name = label(self.left - 7, TOP - 10, self._unit.name, "end")
        below = label(self.right, HEIGHT - 4, self._below, "end")
        return figure(self._title, HEIGHT, [*self._parts, name, below], legend)


def figure(title: str, height: int, parts: Sequence[Markup], legend: Sequence[tuple[str, str]]) -> Markup:
    """Put a drawing under a caption and a legend of names and styles."""
    drawing = element("svg", join(parts), viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=title)
    keys = [element("span", element("i", class_=f"key {style}"), name) for name, style in legend]
    described = element("div", *keys, class_="legend") if keys else Markup("")
    return element("figure", element("figcaption", title), described, drawing)


def label(x: float, y: float, text: str, anchor: str) -> Markup:
    """Write a text beside an axis."""
    return element("text", text, x=float(x), y=float(y), text_anchor=anchor, class_="label")


def colour(number: int) -> str:
    """CSS class of the n-th series."""
    return f"s{number % _COLOURS + 1}"
