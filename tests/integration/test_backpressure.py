"""More comes in than a worker can take: its memory is bounded, its lag rises and falls, nothing is lost."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.checker import check_partition
from tests.faults.conftest import random, server
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, wait_until_applied
from tests.faults.publishing import publish, publish_commands
from tests.faults.server import Server, now_ms, wait_until

__all__ = ["random", "server"]  # fixtures

KEY = "{sluicegate:0}:in:trade"
LAG = "sluicegate_lag_entries"
MEBIBYTE = 1 << 20


def most_memory(worker: WorkerProcess) -> int:
    """Most that a worker ever had in memory, in bytes."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["applied", "dead letters"])
def test_memory_stays_bounded_with_the_largest_entries(random: Random, tmp_path: Path, kind: str) -> None:
    """400 MiB wait, and are loaded again at the next start; a worker never has a quarter of it at once."""
    with Server(tmp_path / "valkey", {"appendonly": "no", "save": ""}) as server:
        client = server.client()
        load = make_load(random, wallets=["alpha"], agents=5, fills=10, now_ms=now_ms(client))
        with WorkerProcess(tmp_path / "log", redis=server.url, name="worker") as worker:
            publish_commands(client, load.commands)
            worker.wait_for("partition owned")
            quiet = most_memory(worker)
            assert worker.terminate() == 0
        agent = "bot-000" if kind == "applied" else "nobody"
        for number in range(400):
            fill = {"id": f"l{number}", "wallet": "alpha", "agent": agent, "timestamp": now_ms(client)}
            fill |= {"symbol": "BTC/USDT", "side": "buy", "price": "1", "amount": "0.001"}
            fill["note"] = "x" * (MEBIBYTE - 300)
            client.xadd(KEY, {"event": json.dumps(fill)})
        for _ in range(2):
            with WorkerProcess(tmp_path / "log", redis=server.url, name="worker") as worker:
                worker.wait_for("partition owned")
                wait_until_applied(client, worker)
                assert most_memory(worker) - quiet < 200 * MEBIBYTE
                assert worker.terminate() == 0
        assert client.hget("{sluicegate:0}:checkpoint", "in:trade:applied") == b"400"


@pytest.mark.slow
def test_lag_rises_and_falls_back(server: Server, random: Random, tmp_path: Path) -> None:
    """Fills come many times faster than a worker that commits each alone can take them."""
    client: Any = server.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=20, fills=10_000, now_ms=now_ms(client))
    with WorkerProcess(tmp_path / "log", redis=server.url, batch=1) as worker:
        worker.wait_for("partition owned")
        publish(client, load)
        wait_until(lambda: (worker.metric(LAG, partition="0") or 0) > 1000, 30, "the lag rises")
        wait_until_applied(client, worker)
        wait_until(lambda: worker.metric(LAG, partition="0") == 0, 10, "the lag falls back")
        assert worker.page("/readyz")[0] == 200
        assert worker.terminate() == 0
    check_partition(client)
