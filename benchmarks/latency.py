"""
Milliseconds from a losing fill to the stop that it causes, as a subscriber sees it.

Every sample is an agent of its own that buys, then sells far below: the time runs from before the XADD of
that fill until a blocked XREAD on the emergency stream has returned its `emergency_stop`. Meanwhile another
process publishes fills of other agents, at a rate; it shares the cores with the worker and the server. Where
a stop does not come within four seconds, the worker does not keep up, and it counts as these.
"""

import json
import sys
import time
from statistics import median
from typing import Any, Final

from benchmarks.figures import Curve, Found, Row
from benchmarks.fleet import START_MS, Fleet
from benchmarks.server import TAG, Prepared, applied, child, connect, publish, serving, working
from benchmarks.sizes import Sizes

_WALLET: Final = "guarded"
_RULES: Final = {
    "clock": "event",
    # No money moves but that of the sample itself; limits of farm and wallet are left out.
    "rebalance": {"interval": 0, "threshold": 1000, "settle": "1000d"},
    "breakers": {"farm_daily_loss": None, "wallet_daily_loss": None, "wallet_drawdown": None},
}
_TRADES, _STOPS = f"{TAG}:in:trade", f"{TAG}:out:emergency"
_PATIENCE_MS: Final = 4000
_SETTLE_S: Final = 1.5
_PAUSE_S: Final = 0.005
_MOST_S: Final = 2.0
_GIVEN: Final = 20_000  # fills a second, of the row that does not depend on the machine's maximum


class Times:
    """Times of stops under one load, of several runs."""

    def __init__(self, load: float) -> None:
        self.load = load
        self.reached: list[float] = []  # fills a second that were applied meanwhile
        self.p50: list[float] = []
        self.p99: list[float] = []

    def add(self, stops: list[float], reached: float) -> None:
        """Add a run."""
        ordered = sorted(stops)
        self.p50.append(ordered[len(ordered) // 2])
        self.p99.append(ordered[len(ordered) * 99 // 100])
        self.reached.append(reached)


def measure(sizes: Sizes, prepared: Prepared, maximum: float) -> Found:
    """
    Time stops at rest, under a given load, and under shares of what is taken at the most.

    That is what a worker takes while publisher and subscriber share the cores with it; ``maximum`` is what it
    takes of entries that are there already.
    """
    together = [_most(prepared, maximum) for _ in range(sizes.runs)]
    high = sizes.loads[-1]
    loads = [0.0, float(_GIVEN), *(share * median(together) for share in sizes.loads), high * maximum]
    found = [Times(load) for load in loads]
    for _ in range(sizes.runs):
        for times in found:
            times.add(*_stops(sizes, prepared, round(times.load)))
    idle, given, most, beyond = found[0], found[1], found[-2], found[-1]
    share = f"at {high:.0%} of the maximum of all together ({most.load:,.0f} fills/s)"
    alone = f"at {high:.0%} of a backlog's ({beyond.load:,.0f} fills/s)"
    rows = [
        Row("stop_idle_p50", "fill to stop, idle, p50", "ms", idle.p50, 0.6, at_most=True),
        Row("stop_idle_p99", "fill to stop, idle, p99", "ms", idle.p99, 2.0, at_most=True),
        Row(
            "stop_20000_p50", f"fill to stop, at {_GIVEN:,} fills/s, p50", "ms", given.p50, 1.5, at_most=True
        ),
        Row(
            "stop_20000_p99", f"fill to stop, at {_GIVEN:,} fills/s, p99", "ms", given.p99, 5.0, at_most=True
        ),
        Row("together", "most that is applied while another process publishes", "fills/s", together),
        Row("stop_high_p99", f"fill to stop, {share}, p99", "ms", most.p99, 50.0, at_most=True),
        Row("stop_high_reached", f"fills applied meanwhile, {share}", "fills/s", most.reached),
        Row("stop_beyond_p99", f"fill to stop, {alone}, p99", "ms", beyond.p99, 50.0, at_most=True),
        Row("stop_beyond_reached", f"fills applied meanwhile, {alone}", "fills/s", beyond.reached),
    ]
    ordered = sorted(found, key=lambda times: times.load)
    curves = [
        Curve("p50", [(times.load, value) for times in ordered for value in times.p50]),
        Curve("p99", [(times.load, value) for times in ordered for value in times.p99]),
    ]
    return Found("latency", "From a fill to the stop it causes", rows, curves)


def _most(prepared: Prepared, rate: float) -> float:
    """Return how many fills a second are applied while more than that are published."""
    with serving(prepared.of(Fleet())) as port, working(port) as worker:
        client = connect(port)
        worker.wait(lambda: bool(client.exists(f"{TAG}:lease")))
        with child(sys.executable, "-m", "benchmarks.feed", str(port), str(round(rate))) as feed:
            feed.wait(lambda: applied(client) > 0)
            time.sleep(_SETTLE_S)
            start, before = time.perf_counter(), applied(client)
            time.sleep(_MOST_S)
            return (applied(client) - before) / (time.perf_counter() - start)


def _stops(sizes: Sizes, prepared: Prepared, rate: int) -> tuple[list[float], float]:
    """Milliseconds of each stop under a load, and the fills a second that were applied meanwhile."""
    stand = prepared.of(Fleet(), more=guarded(sizes.stops))
    with serving(stand) as port, working(port) as worker:
        client = connect(port)
        worker.wait(lambda: bool(client.exists(f"{TAG}:lease")))
        if not rate:
            time.sleep(_SETTLE_S)
            return _timed(client, sizes.stops), 0.0
        with child(sys.executable, "-m", "benchmarks.feed", str(port), str(rate)) as feed:
            feed.wait(lambda: applied(client) > 0)
            time.sleep(_SETTLE_S)
            start, before = time.perf_counter(), applied(client)
            stops = _timed(client, sizes.stops)
            reached = (applied(client) - before) / (time.perf_counter() - start)
            feed.alive()
        worker.alive()
        return stops, reached


def _timed(client: Any, count: int) -> list[float]:  # noqa: ANN401  # redis-py
    """Milliseconds of each stop, one after the other; one that does not come in time is the last."""
    times: list[float] = []
    while len(times) < count and not (times and times[-1] >= _PATIENCE_MS):
        times.append(_stop(client, len(times)))
    return times


def guarded(count: int) -> list[bytes]:
    """Commands that make the agents to be stopped, with 1,000 each."""
    base = {"wallet": _WALLET, "timestamp": START_MS}
    commands: list[dict[str, object]] = [
        {"id": "create", "kind": "wallet_create", "currency": "USDT", "rules": _RULES},
        {"id": "deposit", "kind": "deposit", "amount": str(1000 * count)},
        {"id": "farm", "kind": "farm_create", "farm": "f"},
    ]
    for i in range(count):
        commands.append({"id": f"r{i}", "kind": "agent_register", "farm": "f", "agent": f"s{i}"})
        commands.append({"id": f"a{i}", "kind": "allocate", "amount": "1000", "agent": f"s{i}"})
    return [json.dumps(base | command).encode() for command in commands]


def _stop(client: Any, agent: int) -> float:  # noqa: ANN401  # redis-py
    """Milliseconds from an agent's losing fill to its stop."""
    publish(client, "trade", [_fill(agent, "buy", "100")])
    time.sleep(_PAUSE_S)
    last = client.xrevrange(_STOPS, count=1)
    position = last[0][0] if last else b"0-0"
    losing = _fill(agent, "sell", "1")
    start = time.perf_counter()
    client.xadd(_TRADES, {"event": losing})
    return 1000 * (_told(client, position, f"s{agent}") - start)


def _fill(agent: int, side: str, price: str) -> bytes:
    """Make a fill of all the agent has, or nearly."""
    event = {"id": f"{side}{agent}", "wallet": _WALLET, "agent": f"s{agent}", "timestamp": START_MS + 1000}
    return json.dumps(event | {"symbol": "C0/USDT", "side": side, "price": price, "amount": "9.9"}).encode()


def _told(client: Any, behind: bytes, agent: str) -> float:  # noqa: ANN401  # as above
    """Block until an agent's stop is there, or for four seconds; return when that was."""
    position = behind
    while True:
        reply = client.xread({_STOPS: position}, block=_PATIENCE_MS)
        now = time.perf_counter()
        if not reply:
            return now
        [(_, entries)] = reply
        for _, fields in entries:
            event = json.loads(fields[b"event"])
            if event["type"] == "sluicegate.emergency_stop.v1" and event["subject"] == agent:
                return now
        position = entries[-1][0]
