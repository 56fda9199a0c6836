"""
Everything that is measured, one after the other: `make bench`, or `make bench-quick` for a glance.

The whole writes benchmarks/results/figures.json, the drawings of docs/plots and the tables of
docs/performance.md; a glance, or a part, only prints.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks import beside, growth, idle, latency, memory, publisher, ratio, scale, startup
from benchmarks.figures import Found
from benchmarks.report import Results, machine, say, write
from benchmarks.server import Prepared
from benchmarks.sizes import FULL, QUICK, Sizes

WHOLE_MEMORY = (1_000_000, 10_000_000)  # fills
_SUPPOSED = 50_000.0  # fills a second, where the maximum was not measured

Measure = Callable[[Sizes, Prepared], Found]


def parts(found: list[Found]) -> dict[str, Measure]:
    """Everything there is to measure, by name; stops are timed under shares of the maximum found before."""

    def stops(sizes: Sizes, prepared: Prepared) -> Found:
        rows = (row for one in found for row in one.rows if row.name == "fills_per_second")
        return latency.measure(sizes, prepared, next((row.median for row in rows), _SUPPOSED))

    return {
        "throughput": beside.measure,
        "scale": scale.measure,
        "latency": stops,
        "startup": startup.measure,
        "memory": memory.measure,
        "idle": idle.measure,
        "growth": growth.measure,
        "publisher": publisher.measure,
        "ratio": ratio.measure,
    }


def attempt(name: str, measure: Measure, sizes: Sizes, prepared: Prepared) -> Found:
    """Measure a part; where it fails, say so, and let the others be measured all the same."""
    try:
        return measure(sizes, prepared)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it is, it is told
        traceback.print_exc()
        return Found(name, name.capitalize(), [], notes=[f"Not measured: {type(error).__name__}."])


def main() -> int:
    """Measure, print, and write where everything was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--quick", action="store_true", help="a glance of two minutes, nothing is written")
    parser.add_argument("--only", nargs="+", choices=list(parts([])), help="these, nothing is written")
    parser.add_argument("--whole-memory", action="store_true", help="up to ten million fills, some minutes")
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    if options.whole_memory:
        sizes = sizes._replace(memory=WHOLE_MEMORY)
    found: list[Found] = []
    start = time.perf_counter()
    with Prepared() as prepared:
        for name, measure in parts(found).items():
            if not options.only or name in options.only:
                began = time.perf_counter()
                found.append(attempt(name, measure, sizes, prepared))
                say(found[-1], targets=not options.quick)
                print(f"  ({time.perf_counter() - began:.0f} s)", flush=True)
    seconds = time.perf_counter() - start
    print(f"\n{seconds:.0f} s")
    if not options.quick and not options.only:
        write(Results(datetime.now(UTC).strftime("%Y-%m-%d"), machine(), round(seconds), found))
    return int(any(not one.rows for one in found))


if __name__ == "__main__":
    sys.exit(main())
