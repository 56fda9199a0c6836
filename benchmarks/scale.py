"""The same fills over many agents, and over many wallets with goals, beside those over 200 agents."""

from itertools import chain
from random import Random

from benchmarks.figures import Found, Row
from benchmarks.fleet import Fleet, fills, first_fills
from benchmarks.server import Prepared, Stand, connect, publish, serving
from benchmarks.sizes import Sizes
from benchmarks.throughput import whole_job, whole_jobs


def measure(sizes: Sizes, prepared: Prepared) -> Found:
    """Measure fills a second of each fleet, and its share of what the small one does in the same run."""
    few: list[float] = []
    many: list[float] = []
    met: list[float] = []
    wallets: list[float] = []
    for seed in range(sizes.runs):
        few.append(_rate(prepared.of(Fleet()), fills(Fleet(), sizes.scattered, seed)))
        unmet, again = _rates(prepared.of(sizes.many, sizes.window), sizes.many, sizes.scattered, seed)
        many.append(unmet)
        met.append(again)
        wallets.append(_rates(prepared.of(sizes.wallets), sizes.wallets, sizes.scattered, seed)[1])
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


def _rate(stand: Stand, events: list[bytes]) -> float:
    with serving(stand) as port:
        publish(connect(port), "trade", events)
        return whole_job(port, stand, events)


def _rates(stand: Stand, fleet: Fleet, count: int, seed: int) -> list[float]:
    """Return fills a second of the first fill of each agent, in any order, and then of agents at random."""
    first = list(first_fills(fleet))
    Random(seed).shuffle(first)
    parts = [first, fills(fleet, count, seed)]
    with serving(stand) as port:
        publish(connect(port), "trade", chain.from_iterable(parts))
        return whole_jobs(port, stand, parts)


def _shares(ours: list[float], few: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, few, strict=True)]
