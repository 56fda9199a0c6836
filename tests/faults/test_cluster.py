"""A cluster loses primaries: what a worker counts as done stays done, and everything is applied once."""

import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
import redis
from redis.exceptions import RedisClusterException, RedisError

from tests.faults.checker import check_partition
from tests.faults.cluster import ClusterOfServers, home_of, wait_until_replaced
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, check_replay, is_applied, wait_until_applied
from tests.faults.publishing import Publisher, publish_commands
from tests.faults.server import Server, now_ms, wait_until
from tests.support.programs import EACH
from tests.support.thread import Thread

KEY: Final = "{sluicegate:0}:in:trade"
CUT_OFF_S: Final = 0.4  # less than it takes to be given up
KILLS: Final = int(os.environ.get("FAULTS_KILLS") or 20)


@pytest.mark.parametrize("cluster", EACH, indirect=True)
def test_a_primary_is_killed_and_its_replica_takes_over(
    cluster: ClusterOfServers, random: Random, tmp_path: Path
) -> None:
    """
    With commits that wait for a replica: none is taken back, and state is the fold of what the replica has.

    Bots send again what was not confirmed to them, as they must; a repeat changes nothing.
    """
    _fail_over(cluster, random, tmp_path, fills=6000, kills=1, durability="replicated")


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("durability", ["async", "replicated"])
def test_primaries_are_killed_again_and_again(
    cluster: ClusterOfServers, random: Random, tmp_path: Path, durability: str
) -> None:
    """
    Every second replica lacks the last of what its primary had.

    Commits that do not wait for it go back: checkpoint, state and outputs together, and the worker counts it.
    Of those that do none was counted before a replica had it.
    """
    _fail_over(cluster, random, tmp_path, fills=2000 * KILLS, kills=KILLS, durability=durability)


def _fail_over(
    cluster: ClusterOfServers, random: Random, folder: Path, *, fills: int, kills: int, durability: str
) -> None:
    client = cluster.client()
    clock = cluster.servers[0].client()
    load = make_load(random, wallets=["alpha", "beta"], agents=20, fills=fills, now_ms=now_ms(clock))
    publish_commands(client, load.commands)
    settings: dict[str, object] = {"redis": cluster.url, "name": "w", "batch": 200, "durability": durability}
    with ExitStack() as stack:
        worker = stack.enter_context(WorkerProcess(folder / "log", lease_ms=2000, **settings))
        publisher = stack.enter_context(Publisher(cluster.client(), load.fills, KEY, a_second=3000))
        standstill = stack.enter_context(Standstill(cluster))
        gone, failover_s = 0, 0.0
        for number in range(1, kills + 1):
            publisher.allow(fills * number // (kills + 1))
            wait_until(lambda: publisher.rests, 60, "some of it is published")
            wait_until_applied(client, worker)  # so that each kill is one outage
            publisher.allow(fills * (2 * number + 1) // (2 * kills + 2))
            old, replica = cluster.server_of(home_of()), cluster.replica_of(home_of())
            if number % 2 == 0:
                _cut_off(replica, old)
            counted = _counted(worker)
            old.kill()
            replica.release()
            failover_s = max(failover_s, wait_until_replaced(cluster, home_of(), old))
            gone = max(gone, counted - _applied(cluster))
            old.start()
            wait_until(cluster.is_well, 60, "the one that was killed follows")
        publisher.wait()
        wait_until_applied(client, worker)
        away_s = max(line["away_seconds"] for line in worker.said("server back"))
        rollbacks = worker.metric("sluicegate_rollbacks_total", partition="0")
        assert rollbacks is not None
        if durability == "replicated":
            assert (gone, rollbacks) == (0, 0)
        else:
            # Every second replica lacked something, and that it was taken back was seen each time.
            assert rollbacks == kills // 2
        assert worker.terminate() == 0
    print(check_partition(client))  # noqa: T201  # figures to report
    print(  # noqa: T201
        f"{cluster.program.name}, {durability}: {kills} kills of primaries, {fills} fills; longest until a "
        f"replica had taken over {failover_s:.1f} s, longest the partition stood still "
        f"{standstill.longest:.1f} s, longest the worker was without it {away_s:.1f} s; "
        f"{rollbacks:.0f} rollbacks, {gone} entries gone that had been counted"
    )
    check_replay(cluster.url)


def _cut_off(replica: Server, primary: Server) -> None:
    """See to it that a replica lacks what its primary is told from now on, for a while."""
    replica.hold()
    with primary.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "replica")
    time.sleep(CUT_OFF_S)


def _counted(worker: WorkerProcess) -> int:
    """How many entries a worker has counted as done since it began."""
    return int(worker.metric("sluicegate_batch_entries_sum", partition="0") or 0)


def _applied(cluster: ClusterOfServers) -> int:
    """How many entries are applied, by the checkpoint of the primary that is there now."""
    stored: dict[bytes, bytes] = {}

    def read() -> bool:
        with suppress(RedisError, RedisClusterException, KeyError), cluster.client() as client:
            stored.update(client.hgetall(home_of()))
        return bool(stored)

    wait_until(read, 30, "the new primary is asked")
    return sum(int(value) for name, value in stored.items() if name.endswith(b":applied"))


class Standstill(Thread):
    """Watches for how long a partition stands still at the longest."""

    def __init__(self, cluster: ClusterOfServers) -> None:
        super().__init__(0.02)
        # Each node by itself: a client that looks for the right one would take its time as well.
        self._clients = [redis.Redis(port=server.port, socket_timeout=0.5) for server in cluster.servers]
        self._last, self._moved = b"", time.monotonic()
        self.longest = 0.0  # seconds

    def step(self) -> None:
        """Look whether it moved."""
        for client in self._clients:
            # Whoever is not the primary says where it is, or nothing.
            with suppress(RedisError):
                seq: Any = client.hget(home_of(), "seq")
                if seq != self._last or is_applied(client):
                    self._last, self._moved = seq, time.monotonic()
                break
        self.longest = max(self.longest, time.monotonic() - self._moved)
