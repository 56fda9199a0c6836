"""What a worker says of itself to those who probe it, through outages and changes of owner."""

import json
import os
import signal
import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.conftest import random, server
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.server import Server, now_ms, wait_until

__all__ = ["random", "server"]  # fixtures

ALIVE = (200, '{"alive": true, "problems": []}\n')
READY = (200, '{"ready": true, "problems": []}\n')


def problems(worker: WorkerProcess) -> list[str]:
    """What it says keeps it from being ready; it must say so with 503."""
    status, text = worker.page("/readyz")
    found = json.loads(text)
    assert (status, found["ready"]) == ((503, False) if found["problems"] else (200, True))
    return list(found["problems"])


def wait_until_ready(worker: WorkerProcess) -> None:
    """Wait for it."""
    wait_until(lambda: worker.page("/readyz") == READY, 30, "it is ready")


def test_readiness_goes_with_the_server_and_comes_back(server: Server, tmp_path: Path) -> None:
    """Twice over; alive it stays all the time, so that nobody ends it for the server's absence."""
    with WorkerProcess(tmp_path / "log", redis=server.url, partitions=2) as worker:
        wait_until_ready(worker)
        for _ in range(2):
            server.kill()
            wait_until(lambda: len(problems(worker)) == 2, 10, "it is not ready")
            for partition, problem in enumerate(problems(worker)):
                assert problem.startswith(f"Partition {partition} is not served: the server is away since 20")
            assert worker.page("/healthz") == ALIVE
            assert worker.metric("sluicegate_ready") == 0
            server.start()
            wait_until_ready(worker)
            assert worker.page("/healthz") == ALIVE
        assert worker.terminate() == 0


@pytest.mark.slow
def test_a_server_that_hangs_is_noticed(server: Server, tmp_path: Path) -> None:
    """It refuses nothing and answers nothing; once it goes on the worker does too."""
    process = int(server.client().info("server")["process_id"])
    with WorkerProcess(tmp_path / "log", redis=server.url) as worker:
        wait_until_ready(worker)
        os.kill(process, signal.SIGSTOP)
        try:
            wait_until(lambda: problems(worker), 15, "it is not ready")
            assert worker.page("/healthz") == ALIVE
        finally:
            os.kill(process, signal.SIGCONT)
        wait_until_ready(worker)
        assert worker.terminate() == 0


def test_a_worker_that_stands_by_is_ready_and_takes_over(server: Server, tmp_path: Path) -> None:
    """It has nothing to serve and nothing wrong; when it takes over it serves what the other did."""
    with (
        WorkerProcess(tmp_path / "first", redis=server.url, name="first", lease_ms=1000) as first,
        WorkerProcess(tmp_path / "second", redis=server.url, name="second", lease_ms=1000) as second,
    ):
        wait_until_ready(first)
        wait_until_ready(second)
        for worker, other in ((first, second), (second, first)):
            if worker.metric("sluicegate_partition_owned", partition="0") == 1:
                assert other.metric("sluicegate_partition_owned", partition="0") in (0, None)
                worker.kill()
                other.wait_for("partition owned")
                wait_until_ready(other)
                assert other.terminate() == 0
                return
        raise AssertionError("nobody serves the partition")


def test_figures_are_those_of_the_partitions_that_are_served(
    server: Server, random: Random, tmp_path: Path
) -> None:
    """A worker that lost its server shows no wallet's equity: it would be an old one."""
    client = server.client()
    load = make_load(random, wallets=["alpha"], agents=5, fills=100, now_ms=now_ms(client))
    labels = {"wallet": "alpha", "scope": "wallet", "id": "alpha"}
    with WorkerProcess(tmp_path / "log", redis=server.url) as worker:
        publish(client, load)
        wait_until_applied(client, worker)
        before = worker.metric("sluicegate_equity", **labels)
        assert before is not None
        assert before > 0

        server.kill()
        wait_until(lambda: problems(worker), 10, "it is not ready")
        assert worker.metric("sluicegate_equity", **labels) is None

        server.start()
        wait_until_ready(worker)
        assert worker.metric("sluicegate_equity", **labels) is not None
        assert worker.terminate() == 0


def test_the_heartbeat_is_that_of_the_loop(server: Server, tmp_path: Path) -> None:
    """A worker with nothing to do turns its loop all the same."""
    with WorkerProcess(tmp_path / "log", redis=server.url) as worker:
        wait_until_ready(worker)
        time.sleep(2.5)
        age = worker.metric("sluicegate_heartbeat_age_seconds")
        assert age is not None
        assert 0 <= age < 2.2
        assert worker.terminate() == 0
