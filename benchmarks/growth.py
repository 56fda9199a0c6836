"""
Whether a fill costs more where there is more of everything: agents, wallets, goals, entries in the stream.

The fills are always of the same agents; what grows is what is there beside them. (What it costs that fills
are spread over many is told by `benchmarks.scale`.) Time per fill is that of the whole job; the line through
all points has a slope, and the slope an error.
"""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.figures import Curve, Found, Row
from benchmarks.fit import fit
from benchmarks.fleet import Fleet, fills
from benchmarks.server import Prepared, connect, publish, serving
from benchmarks.sizes import Sizes
from benchmarks.throughput import whole_job

FLAT = 5.0  # percent that a fill may cost more at the end of the range


class Dimension(NamedTuple):
    """Something that grows, from a first to a last size."""

    name: str
    first: int
    last: int
    fleet: Callable[[int], Fleet]
    traders: Fleet  # whose agents trade, whatever the size
    stream: bool = False  # whether what grows is the stream

    def sizes(self, steps: tuple[float, ...]) -> list[int]:
        """Sizes to measure."""
        return [round(self.first + step * (self.last - self.first)) for step in steps]


def dimensions(sizes: Sizes) -> list[Dimension]:
    """Name everything that may grow. The stream is never empty: at first agents have no positions."""
    agents = sizes.many.wallets * sizes.many.agents // 5
    wallets, stream = sizes.wallets.wallets, sizes.growth_stream
    few = Fleet(farms=1, agents=10, goals=0)
    return [
        Dimension("agents", 200, agents, lambda n: Fleet(agents=n), Fleet()),
        Dimension("wallets", 1, wallets, lambda n: few._replace(wallets=n), few),
        Dimension("goals", 0, 10 * wallets, _with_goals, Fleet()),
        Dimension("stream", stream // 20, stream, lambda _: Fleet(), Fleet(), stream=True),
    ]


def _with_goals(count: int) -> Fleet:
    return Fleet(agents=201, idle_goals=count)


def measure(sizes: Sizes, prepared: Prepared) -> Found:
    """Microseconds per fill over the sizes of each, and percent more at the end of its range."""
    rows, curves = [], []
    for dimension in dimensions(sizes):
        points = [
            (float(size), _per_fill(dimension, size, sizes, prepared, seed))
            for seed in range(sizes.growth_runs)
            for size in dimension.sizes(sizes.growth_steps)
        ]
        curves.append(Curve(dimension.name, points))
        rows.append(_row(dimension, points))
    return Found("growth", "Growth", rows, curves)


def _row(dimension: Dimension, points: list[tuple[float, float]]) -> Row:
    line = fit([x for x, _ in points], [y for _, y in points])
    percent = 100 * (dimension.last - dimension.first) / (line.intercept + line.slope * dimension.first)
    noun = "entries in the stream" if dimension.stream else dimension.name
    what = f"a fill costs more with {dimension.last:,} {noun} than with {dimension.first:,}"
    name = f"growth_{dimension.name}"
    return Row(name, what, "%", [line.slope * percent], FLAT, at_most=True, error=line.error * abs(percent))


def _per_fill(dimension: Dimension, size: int, sizes: Sizes, prepared: Prepared, seed: int) -> float:
    """Microseconds per fill at one size."""
    stand = prepared.of(dimension.fleet(size), size if dimension.stream else 0)
    events = fills(dimension.traders, sizes.growth, seed)
    with serving(stand) as port:
        publish(connect(port), "trade", events)
        return 1e6 / whole_job(port, stand, events)
