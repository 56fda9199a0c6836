"""Resident memory of a worker after many fills, beside that after a few: what is kept must have an end."""

import json
from functools import partial
from itertools import islice
from typing import Any

from benchmarks.figures import Curve, Found, Row
from benchmarks.fleet import Fleet, trading
from benchmarks.server import TAG, Prepared, applied, connect, publish, serving, working
from benchmarks.sizes import Sizes

_FLEET = Fleet(agents=1000)
_CHUNK = 20_000
_AHEAD = 100_000  # fills published and not yet applied, at the most
_LOOKS = 12  # at the memory, on the way


def measure(sizes: Sizes, prepared: Prepared) -> Found:
    """Publish fills while a worker applies them, and look at it on the way."""
    early, late = sizes.memory
    with (
        serving(prepared.of(_FLEET)) as port,
        # The streams are trimmed behind the window of repeats, so that the server's memory has an end too.
        working(port, keep_inputs="1s", keep_outputs="1s") as worker,
    ):
        client = connect(port)
        events = trading(_FLEET, 0)
        points = []
        done = 0
        for mark in sorted({early, late, *range(late // _LOOKS, late, late // _LOOKS)}):
            while done < mark:
                step = min(_CHUNK, mark - done)
                publish(client, "trade", islice(events, step))
                done += step
                worker.wait(partial(_reached, client, done - _AHEAD))
            worker.wait(partial(_reached, client, done))
            points.append((float(mark), worker.memory_mb()))
        agents = client.hvals(f"{TAG}:state:agents")
        assert sum(json.loads(agent)["trades"] for agent in agents) == late
    held = dict(points)
    rows = [
        Row("memory_mb", f"memory after {late:,} fills of 1,000 agents", "MB", [held[late]]),
        Row(
            "memory_growth",
            f"that, to the memory after {early:,}",
            "times",
            [held[late] / held[early]],
            1.1,
            at_most=True,
        ),
    ]
    return Found("memory", "Memory", rows, [Curve("worker", points)])


def _reached(client: Any, count: int) -> bool:  # noqa: ANN401  # redis-py
    return applied(client) >= count
