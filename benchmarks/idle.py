"""What a worker costs that has nothing to do: its processor time, as a share of one core."""

import time

from benchmarks.figures import Found, Row
from benchmarks.fleet import Fleet
from benchmarks.server import Prepared, connect, serving, working
from benchmarks.sizes import Sizes

_SETTLE_S = 1.0


def measure(sizes: Sizes, prepared: Prepared) -> Found:
    """Percent of one core, in each of several stretches."""
    shares = []
    with serving(prepared.of(Fleet())) as port, working(port) as worker:
        client = connect(port)
        worker.wait(lambda: bool(client.exists("{sluicegate:0}:lease")))
        time.sleep(_SETTLE_S)
        for _ in range(sizes.runs):
            start, before = time.perf_counter(), worker.processor_s()
            time.sleep(sizes.idle_s)
            shares.append(100 * (worker.processor_s() - before) / (time.perf_counter() - start))
        worker.alive()
    row = Row("idle_percent", "an idle worker, of one core", "%", shares, 1.0, at_most=True)
    return Found("idle", "At rest", [row])
