"""
The worker beside the bare loop in its shortest form, compared with what was recorded.

For a check that must not take long, on a machine that nobody knows: only the ratio travels, of the worker as
the sources have it. It warns where that fell by a fifth, and never fails.

Run with: python -m benchmarks.ratio
"""

import statistics
import sys

from benchmarks.figures import Found, Row
from benchmarks.fleet import Fleet, checksum, fills
from benchmarks.report import recorded
from benchmarks.server import PLAIN, Prepared, connect, publish, serving
from benchmarks.sizes import Sizes
from benchmarks.throughput import bare_loop, whole_job

NAME = "short_ratio"
_FALL = 0.2  # of the recorded ratio, that is worth a warning
_FILLS = 40_000
_RUNS = 3


def ratios(prepared: Prepared, runs: int = _RUNS) -> list[float]:
    """Ratios of a few short runs."""
    found = []
    for seed in range(runs):
        events = fills(Fleet(), _FILLS, seed)
        stand = prepared.of(Fleet())
        with serving(stand) as port:
            publish(connect(port), "trade", events)
            bare = bare_loop(port, len(events), checksum(events))
            found.append(whole_job(port, stand, events, PLAIN) / bare)
    return found


def measure(sizes: Sizes, prepared: Prepared) -> Found:
    """Record it, for the comparison."""
    row = Row(
        NAME, f"worker to bare loop, {_FILLS:,} fills", "times", ratios(prepared, min(sizes.runs, _RUNS))
    )
    return Found("ratio", "For the check of every change", [row])


def verdict(now: float, before: float | None) -> str:
    """Say how a ratio is beside the recorded one."""
    if before is None:
        return f"ratio to the bare loop {now:.3f}; none is recorded (make bench)"
    said = f"ratio to the bare loop {now:.3f}, recorded {before:.3f}"
    if now < (1 - _FALL) * before:
        return f"warning: the fill path is slower: {said}"
    return said


def main() -> int:
    """Measure, compare and say so."""
    with Prepared() as prepared:
        now = statistics.median(ratios(prepared))
    print(verdict(now, recorded(NAME)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
