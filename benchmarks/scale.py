"""The same fills over many agents, and over many wallets with goals, beside those over 200 agents."""

from collections.abc import Sequence

from benchmarks.figures import Found, Row
from benchmarks.fleet import Fleet, fills, first_fills
from benchmarks.server import Prepared, Stand, connect, publish, serving
from benchmarks.sizes import Sizes
from benchmarks.throughput import whole_job


def measure(sizes: Sizes, prepared: Prepared) -> Found:
    """Measure fills a second of each fleet, and its share of what the small one does in the same run."""
    few: list[float] = []
    many: list[float] = []
    met: list[float] = []
    wallets: list[float] = []
    for seed in range(sizes.runs):
        few.append(_rate(prepared.of(Fleet()), Fleet(), sizes.scattered, seed))
        unmet = prepared.of(sizes.many, sizes.window)
        many.append(_rate(unmet, sizes.many, sizes.scattered, seed))
        met.append(_rate(unmet, sizes.many, sizes.scattered, seed, list(first_fills(sizes.many))))
        stand, first = prepared.of(sizes.wallets), list(first_fills(sizes.wallets))
        wallets.append(_rate(stand, sizes.wallets, sizes.scattered, seed, first))
    agents = f"{sizes.many.wallets * sizes.many.agents:,} agents at random"
    goals = f"{sizes.wallets.wallets:,} wallets of {sizes.wallets.goals} goals"
    rows = [
        Row("many_agents", agents, "fills/s", met),
        Row("many_agents_share", f"{agents}, to 200 agents", "times", _shares(met, few), 0.6),
        Row("unmet_agents", f"{agents}, right after a start", "fills/s", many),
        Row("unmet_share", f"{agents}, right after a start, to 200 agents", "times", _shares(many, few), 0.6),
        Row("many_wallets", goals, "fills/s", wallets),
        Row("many_wallets_share", f"{goals}, to 200 agents", "times", _shares(wallets, few), 0.7),
    ]
    return Found("scale", "Many agents, many wallets", rows)


def _rate(stand: Stand, fleet: Fleet, count: int, seed: int, first: Sequence[bytes] = ()) -> float:
    """Return fills a second of agents at random, behind ``first`` ones that are not timed."""
    events = [*first, *fills(fleet, count, seed)]
    with serving(stand) as port:
        publish(connect(port), "trade", events)
        return whole_job(port, stand, events, untimed=len(first))


def _shares(ours: list[float], few: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, few, strict=True)]
