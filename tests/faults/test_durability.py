"""What a server promises before a worker serves, and commits that wait for a replica."""

import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.checker import check_partition
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.server import Server, now_ms, wait_until


def test_without_a_replica_no_commit_counts(server: Server, random: Random, tmp_path: Path) -> None:
    """Nothing is served while nobody follows, readiness says so; with a replica it goes on, and once only."""
    client = server.client()
    load = make_load(random, wallets=["alpha"], agents=5, fills=1000, now_ms=now_ms(client))
    publish(client, load)
    settings: dict[str, object] = {"durability": "replicated", "replica_timeout_ms": 200}
    (tmp_path / "replica").mkdir()
    replica = Server(tmp_path / "replica", {"replicaof": f"127.0.0.1 {server.port}", "repl-timeout": "2"})
    with WorkerProcess(tmp_path / "log", redis=server.url, name="w", **settings) as worker:
        said = worker.wait_for("preflight")["problems"]
        assert said == ["It has no replica, and durability is replicated: no commit would ever count."]
        assert "no replica confirmed" in worker.wait_for("server away")["error"]
        assert worker.page("/readyz")[0] == 503
        assert not worker.said("partition owned")

        with replica:
            worker.wait_for("partition owned")
            wait_until_applied(client, worker)
            wait_until(lambda: worker.page("/readyz")[0] == 200, 10, "it is ready")
            behind = replica.client()
            at = client.hgetall("{sluicegate:0}:checkpoint")
            assert behind.hgetall("{sluicegate:0}:checkpoint") == at
        more = make_load(random, wallets=["beta"], agents=5, fills=500, now_ms=now_ms(client))
        publish(client, more)
        worker.wait_for("server away", times=2)
        time.sleep(0.5)
        assert worker.page("/readyz")[0] == 503
        with replica:
            wait_until_applied(client, worker)
            assert worker.metric("sluicegate_rollbacks_total", partition="0") == 0
            assert worker.terminate() == 0
    check_partition(client)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"appendonly": "no"}, "keeps no append-only file"),
        ({"maxmemory-policy": "allkeys-lru", "maxmemory": "100mb"}, "throws keys away when memory is short"),
    ],
)
def test_a_server_that_would_lose_data(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    """In production it is refused; else the worker says so once, and works."""
    (tmp_path / "valkey").mkdir()
    with Server(tmp_path / "valkey", settings) as server:
        with WorkerProcess(tmp_path / "production", redis=server.url, production=True) as worker:
            assert worker.wait() == 1
            (said,) = worker.sentences()
            assert "not fit for production" in said
            assert says in said
        with WorkerProcess(tmp_path / "log", redis=server.url) as worker:
            worker.wait_for("partition owned")
            (found,) = worker.said("preflight")
            assert says in found["problems"][0]
            assert worker.terminate() == 0


def test_a_server_fit_for_production(server: Server, tmp_path: Path) -> None:
    """With an append-only file, and keys that stay, there is nothing to say."""
    with WorkerProcess(tmp_path / "log", redis=server.url, production=True) as worker:
        worker.wait_for("partition owned")
        assert not worker.said("preflight")
        assert worker.terminate() == 0


def test_a_lease_shorter_than_a_batch(server: Server, tmp_path: Path) -> None:
    """Is refused with the arithmetic: 5 streams of 4000 entries at 50 µs are a second."""
    with WorkerProcess(tmp_path / "log", redis=server.url, lease_ms=999) as worker:
        assert worker.wait() == 1
        (said,) = worker.sentences()
        assert "lease_ms is 999, and a batch may take 1000 ms" in said
