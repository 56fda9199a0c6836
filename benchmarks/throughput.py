"""
Fills per second of the whole job, and of a bare loop that only reads and decodes the same entries.

The fills are published first; then a worker works through them, everything on: ledger, positions,
performance, breakers, goals, metrics, outputs, commits. Its time runs from its first commit of fills to its
last, and is scaled to all of them.
"""

import time
from collections.abc import Sequence
from itertools import chain
from typing import Any

from benchmarks.fleet import Books, books, decode, fold, together
from benchmarks.server import MEASURED, TAG, Child, Stand, applied, connect, working

_POLL_S = 0.002
_BARE = 1000  # entries to a read


def whole_job(port: int, stand: Stand, events: list[bytes], program: Sequence[str] = MEASURED) -> float:
    """Let a worker do fills that are published, and check that it did; fills a second."""
    return whole_jobs(port, stand, [events], program)[0]


def whole_jobs(
    port: int, stand: Stand, parts: Sequence[list[bytes]], program: Sequence[str] = MEASURED
) -> list[float]:
    """Let a worker do fills that are published, and check that it did; fills a second of each part."""
    client = connect(port)
    rates: list[float] = []
    with working(port, program=program) as worker:
        before = stand.done
        for part in parts:
            rates.append(timed(worker, client, before, len(part)))
            before += len(part)
    check(client, together(stand.books, fold(chain.from_iterable(parts))))
    return rates


def timed(worker: Child, client: Any, before: int, count: int) -> float:  # noqa: ANN401  # redis-py
    """Return fills a second of a worker, from its first commit behind `before` fills to its last."""
    start = worker.wait(lambda: applied(client) > before, _POLL_S)
    first = applied(client) - before
    end = worker.wait(lambda: applied(client) >= before + count, _POLL_S)
    # Nothing is left to be timed where the first commit that is seen is the last one.
    assert first < count, "too few fills to time"
    return (count - first) / (end - start)


def bare_loop(port: int, count: int, expected: tuple[int, int]) -> float:
    """Read and decode the same fills, and do nothing with them; fills a second."""
    client = connect(port)
    client.response_callbacks.clear()
    stream, last, seen, times = f"{TAG}:in:trade", b"0-0", 0, 0
    start = time.perf_counter()
    while seen < count:
        reply = client.execute_command("XREAD", "COUNT", _BARE, "STREAMS", stream, last)
        for last, fields in reply[0][1]:  # noqa: B007  # the last id is where the next read begins
            times += decode(fields[1]).timestamp
            seen += 1
    taken = time.perf_counter() - start
    assert (seen, times) == expected
    return count / taken


def check(client: Any, expected: Books) -> None:  # noqa: ANN401  # as above
    """Make sure that the whole job was done: every agent has the cash and positions its fills come to."""
    assert books(client.hvals(f"{TAG}:state:agents")) == expected
    assert client.xlen(f"{TAG}:dead") == 0
