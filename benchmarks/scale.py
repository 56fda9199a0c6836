"""The same fills over many agents, and over many wallets with goals, beside those over 200 agents."""

from benchmarks.figures import Found, Row
from benchmarks.fleet import Fleet, fills
from benchmarks.server import Prepared, Stand, connect, publish, serving
from benchmarks.sizes import Sizes
from benchmarks.throughput import whole_job


def measure(sizes: Sizes, prepared: Prepared) -> Found:
    """Measure fills a second of each fleet, and its share of what the small one does in the same run."""
    few: list[float] = []
    many: list[float] = []
    wallets: list[float] = []
    for seed in range(sizes.runs):
        few.append(_rate(prepared.of(Fleet()), Fleet(), sizes.scattered, seed))
        many.append(_rate(prepared.of(sizes.many, sizes.window), sizes.many, sizes.scattered, seed))
        wallets.append(_rate(prepared.of(sizes.wallets), sizes.wallets, sizes.scattered, seed))
    agents = f"{sizes.many.wallets * sizes.many.agents:,} agents at random"
    goals = f"{sizes.wallets.wallets:,} wallets of {sizes.wallets.goals} goals"
    rows = [
        Row("many_agents", agents, "fills/s", many),
        Row("many_agents_share", f"{agents}, to 200 agents", "times", _shares(many, few), 0.6),
        Row("many_wallets", goals, "fills/s", wallets),
        Row("many_wallets_share", f"{goals}, to 200 agents", "times", _shares(wallets, few), 0.7),
    ]
    return Found("scale", "Many agents, many wallets", rows)


def _rate(stand: Stand, fleet: Fleet, count: int, seed: int) -> float:
    events = fills(fleet, count, seed)
    with serving(stand) as port:
        publish(connect(port), "trade", events)
        return whole_job(port, stand, events)


def _shares(ours: list[float], few: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, few, strict=True)]
