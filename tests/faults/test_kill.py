"""A worker that is killed at any moment, over and over, has done everything exactly once."""

import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.checker import EpochWatch, check_partition
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, check_replay, is_applied, wait_until_applied
from tests.faults.publishing import Publisher, publish, publish_commands
from tests.faults.server import Server, now_ms, wait_until

KEY = "{sluicegate:0}:in:trade"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kills", "fills"), [(8, 20_000), pytest.param(20, 100_000, marks=pytest.mark.long)])
def test_killed_again_and_again_while_fills_come(
    server: Server, random: Random, tmp_path: Path, kills: int, fills: int
) -> None:
    """State equals the fold to the last digit, and no output is missing or there twice."""
    client = server.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=200, fills=fills, now_ms=now_ms(client))
    publish_commands(client, load.commands)
    watch = EpochWatch(client)
    log = tmp_path / "worker.log"
    settings = {"redis": server.url, "name": "worker-1", "batch": 250}
    start = time.monotonic()
    with Publisher(server.client(), load.fills, KEY, a_second=5000) as publisher:
        for kill in range(1, kills + 1):
            publisher.allow(fills * kill // kills)
            with WorkerProcess(log, **settings) as worker:
                _wait_for_commits(watch, random.randrange(1, 25), publisher, client)
                time.sleep(random.uniform(0.0, 0.02))
                worker.kill()
            watch.look()
        killed = time.monotonic() - start
        publisher.wait()
    with WorkerProcess(tmp_path / "last.log", **settings) as worker:
        worker.wait_for("partition owned")
        wait_until_applied(client, worker)
        assert worker.terminate() == 0

    watch.look()
    report = check_partition(client)
    assert {one.stream for one in report.found.waiting} <= {"in:clock"}
    assert sum(one.stream == "in:trade" for one in report.found.inputs) == fills
    assert watch.epoch == kills + 1
    check_replay(server.url)
    took = time.monotonic() - start
    print(f"{report}; {kills} kills in {killed:.1f} s, {took:.1f} s in all")  # noqa: T201  # figures


@pytest.mark.long
def test_kills_while_it_starts_and_loads(server: Server, random: Random, tmp_path: Path) -> None:
    """A worker killed before it serves leaves nothing half done, and the next one goes on."""
    client = server.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=50, fills=30_000, now_ms=now_ms(client))
    publish(client, load)
    watch = EpochWatch(client)
    log = tmp_path / "worker.log"
    settings = {"redis": server.url, "name": "worker-1", "batch": 200}
    with WorkerProcess(log, **settings) as worker:
        wait_until(lambda: watch.look().seq >= 75, 30, "half of it is applied")
        worker.kill()
    for i in range(10):
        with WorkerProcess(log, **settings) as worker:
            if i % 2:
                # From the taking of the partition on: a moment that falls into loading, or right behind it.
                taken = watch.epoch + 1
                wait_until(lambda: watch.look().epoch >= taken, 30, "it takes the partition")
                time.sleep(random.uniform(0.0, 0.3))
            else:
                time.sleep(random.uniform(0.0, 1.0))
            worker.kill()
        watch.look()
    with WorkerProcess(log, **settings) as worker:
        taken = watch.epoch + 1
        # Everything may have been applied before: a worker that holds the partition listens to signals.
        wait_until(lambda: watch.look().epoch >= taken, 30, "it takes the partition")
        wait_until_applied(client, worker)
        assert worker.terminate() == 0

    watch.look()
    print(check_partition(client))  # noqa: T201  # figures to report
    check_replay(server.url)


def _wait_for_commits(watch: EpochWatch, count: int, publisher: Publisher, client: Any) -> None:
    """Wait for some commits of the worker that starts now, or until it has nothing more to do."""
    epoch, seq = watch.epoch, watch.seq

    def are_there() -> bool:
        watch.look()
        if watch.epoch == epoch:
            return False
        return watch.seq >= seq + count or (publisher.rests and is_applied(client))

    wait_until(are_there, 60, f"{count} commits under a new epoch")
