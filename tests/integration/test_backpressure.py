"""More comes in than a worker can take: its memory is bounded, its lag rises and falls, nothing is lost."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.checker import check_partition
from tests.faults.conftest import random, server
from tests.faults.load import Fields, make_load
from tests.faults.process import WorkerProcess, wait_until_applied
from tests.faults.publishing import Publisher, publish, publish_commands
from tests.faults.server import Server, now_ms, wait_until

__all__ = ["random", "server"]  # fixtures

KEY = "{sluicegate:0}:in:trade"
LAG = "sluicegate_lag_entries"
MEBIBYTE = 1 << 20
A_SECOND = 3000  # fills that are published while a worker is held back


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


@pytest.mark.long
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


def test_publishers_ten_times_faster_than_a_worker(random: Random, tmp_path: Path) -> None:
    """For three seconds."""
    ten_times_faster(random, tmp_path, seconds=3, padding=20_000)


@pytest.mark.long
def test_publishers_ten_times_faster_than_a_worker_for_a_minute(random: Random, tmp_path: Path) -> None:
    """For a minute."""
    ten_times_faster(random, tmp_path, seconds=60, padding=3000)


def ten_times_faster(random: Random, folder: Path, *, seconds: int, padding: int) -> None:
    """
    Hold a worker still so often that it applies a tenth of what is published, then let it catch up.

    Of what waits it has a small part in memory, its lag tells how much waits and falls back, nothing is lost.
    """
    count = seconds * A_SECOND
    with Server(folder / "valkey", {"appendonly": "no"}) as server:
        client = server.client()
        load = make_load(random, wallets=["alpha", "beta"], agents=20, fills=count, now_ms=now_ms(client))
        fills = [padded(fill, padding) for fill in load.fills]
        with (
            WorkerProcess(folder / "log", redis=server.url, batch=100) as worker,
            Publisher(server.client(), fills, KEY, a_second=A_SECOND) as publisher,
        ):
            publish_commands(client, load.commands)
            worker.wait_for("partition owned")
            quiet = most_memory(worker)
            publisher.allow(count)
            with held_while(
                worker, lambda: not publisher.rests and 10 * applied(client) > publisher.published
            ):
                wait_until(lambda: lag(worker) > count / 4, 2 * seconds + 30, "the lag rises")
                wait_until(lambda: publisher.rests, 2 * seconds + 30, "all is published")
                waited = count - applied(client)
            wait_until_applied(client, worker)
            wait_until(lambda: lag(worker) == 0, 10, "the lag falls back")
            grown = most_memory(worker) - quiet
            assert worker.page("/readyz")[0] == 200
            assert worker.terminate() == 0
        size = client.memory_usage(KEY, samples=0)
        print(f"{waited} of {count} waited, of {size >> 20} MiB; {grown >> 20} MiB more in the worker")  # noqa: T201
        assert waited > 0.8 * count
        assert grown < size / 2
        report = check_partition(client)
        assert sum(one.stream == "in:trade" for one in report.found.inputs) == count


def padded(fill: Fields, size: int) -> Fields:
    """Make a JSON fill larger by blanks, which mean nothing."""
    field, event = fill
    return field, event + b" " * size if event.startswith(b"{") else event


def applied(client: Any) -> int:
    """How many fills were applied."""
    return int(client.hget("{sluicegate:0}:checkpoint", "in:trade:applied") or 0)


def lag(worker: WorkerProcess) -> float:
    """How much waits, as the worker tells it."""
    return worker.metric(LAG, partition="0") or 0


@contextmanager
def held_while(worker: WorkerProcess, ahead: Callable[[], bool]) -> Iterator[None]:
    """Hold a worker still whenever it is ahead of where it should be; afterwards it runs."""
    over = threading.Event()

    def hold() -> None:
        while not over.wait(0.005):
            if ahead():
                worker.stop()
            else:
                worker.wake()

    thread = threading.Thread(target=hold, name="holder")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        worker.wake()
