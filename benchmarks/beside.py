"""One worker beside the bare loop and the peers: the same fills from one server, ratios inside one run."""

from collections import defaultdict

from benchmarks.figures import Found, Row
from benchmarks.fleet import Fleet, checksum, fills
from benchmarks.peers.run import PEERS, Peer, absent
from benchmarks.server import MEASURED, PLAIN, Prepared, connect, publish, serving
from benchmarks.sizes import Sizes
from benchmarks.throughput import bare_loop, whole_job

Rates = dict[str, float]


def measure(sizes: Sizes, prepared: Prepared) -> Found:
    """Measure fills a second, and compare."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for seed in range(sizes.runs):
        for name, rate in run(sizes, prepared, seed).items():
            found[name].append(rate)
    whole, bare = found["whole"], found["bare"]
    rows = [
        Row("fills_per_second", "one worker, everything on", "fills/s", whole, 150_000),
        Row("bare_loop", "bare loop: read and decode, nothing else", "fills/s", bare),
        Row("ratio", "worker to bare loop", "times", _ratios(whole, bare), 0.4),
        Row("plain_fills_per_second", "the same worker, not compiled", "fills/s", found["plain"]),
        Row("plain_ratio", "that to bare loop", "times", _ratios(found["plain"], bare)),
    ]
    for peer in present():
        rates = found[peer.name]
        rows.append(Row(peer.name, peer.what, "fills/s", rates))
        what = f"worker to {peer.what}"
        rows.append(Row(f"{peer.name}_ratio", what, "times", _ratios(whole, rates), peer.times))
    return Found("throughput", "Throughput, beside others", rows, notes=absent())


def run(sizes: Sizes, prepared: Prepared, seed: int) -> Rates:
    """Measure all of them once, one after the other, on one server."""
    events = fills(Fleet(), sizes.fills, seed)
    stand = prepared.of(Fleet())
    with serving(stand) as port:
        publish(connect(port), "trade", events)
        rates = {"bare": bare_loop(port, len(events), checksum(events))}
        rates["whole"] = rates["plain"] = whole_job(port, stand, events)
    if MEASURED != PLAIN:
        with serving(stand) as port:
            publish(connect(port), "trade", events)
            rates["plain"] = whole_job(port, stand, events, PLAIN)
    with serving(stand) as port:
        publish(connect(port), "trade", events)
        for peer in present():
            rates[peer.name] = peer.rate(port, events, sizes)
    return rates


def present() -> list[Peer]:
    """Those that are installed."""
    return [peer for peer in PEERS if peer.installed]


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]
