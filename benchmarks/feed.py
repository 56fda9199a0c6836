"""Publishes fills at a steady rate until it is told to stop: `python -m benchmarks.feed PORT RATE`."""

import sys
import time
from itertools import cycle, islice

from benchmarks.fleet import Fleet, fills
from benchmarks.server import connect, publish

_PERIOD_S = 0.001
_MADE = 20_000  # fills, sent again and again under other ids


def feed(port: int, rate: int) -> None:
    """Publish a millisecond's worth at a time."""
    client = connect(port)
    events = cycle(fills(Fleet(), _MADE, 1))
    sent, start = 0, time.perf_counter()
    while True:
        due = round(rate * (time.perf_counter() - start + _PERIOD_S)) - sent
        # Each time under other ids, so that nothing is a repeat.
        some = (event.replace(b'"id":"t', b'"id":"u%d-' % sent, 1) for event in islice(events, due))
        publish(client, "trade", some)
        sent += due
        time.sleep(max(start + sent / rate - time.perf_counter(), 0))


if __name__ == "__main__":
    feed(int(sys.argv[1]), int(sys.argv[2]))
