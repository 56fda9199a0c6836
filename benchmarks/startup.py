"""
How long nothing is applied: while a worker starts on a large partition, and while it is taken over.

The partition has many agents, and as many entries as a repeat is recognised in. The first time runs from the
start of the process until a fill that was published before is committed. The second is the longest time
without a commit, while the owner is asked to end, another worker stands by, and fills keep coming.
"""

import time
from typing import Any

from benchmarks.figures import Found, Row
from benchmarks.fleet import trading
from benchmarks.server import TAG, Child, Prepared, applied, connect, publish, serving, working
from benchmarks.sizes import Sizes

_EVERY_S = 0.01  # between two fills
_AFTER = 20  # fills that the new owner commits before the time is read


def measure(sizes: Sizes, prepared: Prepared) -> Found:
    """Seconds of both, several times."""
    starts, changes = [], []
    for seed in range(sizes.runs):
        with serving(prepared.of(sizes.many, sizes.window)) as port:
            some = trading(sizes.many, seed)
            starts.append(_start(port, next(some)))
            changes.append(_change(port, some))
    agents = sizes.many.wallets * sizes.many.agents
    what = f"start: {agents:,} agents, {sizes.window:,} entries to recognise repeats in"
    rows = [
        Row("start_s", what, "s", starts, 3.0, at_most=True),
        Row("takeover_s", "the same, taken over from a worker that leaves", "s", changes, 1.0, at_most=True),
    ]
    return Found("startup", "Starting and taking over", rows)


def _start(port: int, fill: bytes) -> float:
    client = connect(port)
    done = applied(client)
    publish(client, "trade", [fill])
    start = time.perf_counter()
    with working(port) as worker:
        return worker.wait(lambda: applied(client) > done) - start


def _change(port: int, some: Any) -> float:  # noqa: ANN401  # fills
    client = connect(port)
    done = applied(client)
    publish(client, "trade", [next(some)])
    with working(port, "leaving") as leaving:
        leaving.wait(lambda: applied(client) > done)
        with working(port, "standing-by") as standing_by:
            standing_by.wait(lambda: client.zcard("sluicegate:workers") == 2)
            return _longest_wait(client, leaving, standing_by, some)


def _longest_wait(client: Any, leaving: Child, standing_by: Child, some: Any) -> float:  # noqa: ANN401  # as above
    owner = client.hget(f"{TAG}:checkpoint", "owner")
    done, since = applied(client), time.perf_counter()
    publish_at, longest, after = since, 0.0, 0
    leaving.process.terminate()
    while after < _AFTER:
        standing_by.alive()
        now = time.perf_counter()
        if now >= publish_at:
            publish(client, "trade", [next(some)])
            publish_at = now + _EVERY_S
        if (found := applied(client)) > done:
            longest, done, since = max(longest, now - since), found, now
            after += client.hget(f"{TAG}:checkpoint", "owner") != owner
        time.sleep(0.001)
    return longest
