"""A cluster changes while it is under load: the partition is looked for, taken again, and goes on."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from tests.faults.checker import check_partition
from tests.faults.cluster import ClusterOfServers, home_of, wait_until_replaced
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, check_replay, wait_until_applied
from tests.faults.publishing import Publisher, publish_commands
from tests.faults.server import Server, now_ms, wait_until
from tests.support.programs import EACH

KEY: Final = "{sluicegate:0}:in:trade"
HELD_S: Final = 5.0


@pytest.mark.parametrize("cluster", EACH, indirect=True)
def test_a_planned_failover(cluster: ClusterOfServers, random: Random, tmp_path: Path) -> None:
    """``CLUSTER FAILOVER``: the worker looks for the partition at its new place; nothing is taken back."""
    with _under_load(cluster, random, tmp_path):
        old = cluster.server_of(home_of())
        with cluster.replica_of(home_of()).client() as replica:
            replica.execute_command("CLUSTER FAILOVER")
        wait_until_replaced(cluster, home_of(), old)


@pytest.mark.slow
def test_a_primary_hangs_for_five_seconds(cluster: ClusterOfServers, random: Random, tmp_path: Path) -> None:
    """
    Its replica takes over, and what reaches the old one late counts for nothing.

    When it goes on it first answers what waits in its connections, as if it still were the primary.
    """
    with _under_load(cluster, random, tmp_path, durability="replicated") as worker:
        old = cluster.server_of(home_of())
        old.hold()
        time.sleep(HELD_S)
        old.release()
        wait_until_replaced(cluster, home_of(), old)
        wait_until(cluster.is_well, 60, "the one that hung follows")
        worker.wait_for("partition owned", times=2)


def test_a_slot_is_migrated_at_once(cluster: ClusterOfServers, random: Random, tmp_path: Path) -> None:
    """Valkey 9 moves a slot whole: one reload, and nothing is taken back."""
    if cluster.program.kind != "valkey" or cluster.program.number < (9,):
        pytest.skip("CLUSTER MIGRATESLOTS came with Valkey 9")
    with _under_load(cluster, random, tmp_path) as worker:
        slot, old, new = _somewhere_else(cluster)
        with old.client() as source, new.client() as target:
            name = target.execute_command("CLUSTER MYID")
            source.execute_command("CLUSTER MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", name)
        wait_until(lambda: cluster.server_of(home_of()) is new, 30, "the slot is at its new place")
        worker.wait_for("partition owned", times=2)
        assert worker.metric("sluicegate_partition_losses_total", partition="0") == 1


def test_a_slot_is_migrated_key_by_key(cluster: ClusterOfServers, random: Random, tmp_path: Path) -> None:
    """The old way: while its keys are at two nodes the partition waits; then it goes on at the new one."""
    with _under_load(cluster, random, tmp_path) as worker:
        slot, old, new = _somewhere_else(cluster)
        with old.client() as source, new.client() as target:
            names = [one.execute_command("CLUSTER MYID") for one in (source, target)]
            target.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", names[0])
            source.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", names[1])
            _move(source, new, [home_of()])
            worker.wait_for("server away")
            assert worker.page("/readyz")[0] == 503
            commits = worker.metric("sluicegate_commit_seconds_count", partition="0")
            time.sleep(1)
            assert worker.metric("sluicegate_commit_seconds_count", partition="0") == commits
            while keys := source.execute_command("CLUSTER GETKEYSINSLOT", slot, 10):
                _move(source, new, keys)
            for one in (target, source):
                one.execute_command("CLUSTER SETSLOT", slot, "NODE", names[1])
        worker.wait_for("partition owned", times=2)
        assert cluster.server_of(home_of()) is new


@contextmanager
def _under_load(
    cluster: ClusterOfServers, random: Random, folder: Path, durability: str = "async"
) -> Iterator[WorkerProcess]:
    """Give a worker that is kept busy during the block; then all is applied once, and nothing went back."""
    client = cluster.client()
    with cluster.servers[0].client() as clock:
        load = make_load(random, wallets=["alpha"], agents=10, fills=6000, now_ms=now_ms(clock))
    publish_commands(client, load.commands)
    with ExitStack() as stack:
        settings: dict[str, object] = {"redis": cluster.url, "name": "w", "batch": 200}
        worker = stack.enter_context(WorkerProcess(folder / "log", durability=durability, **settings))
        publisher = stack.enter_context(Publisher(cluster.client(), load.fills, KEY, a_second=3000))
        publisher.allow(2000)
        worker.wait_for("partition owned")
        wait_until(lambda: publisher.rests, 60, "some of it is published")
        publisher.allow(4000)
        yield worker
        publisher.wait()
        wait_until_applied(client, worker)
        assert worker.metric("sluicegate_rollbacks_total", partition="0") == 0
        away_s = [line["away_seconds"] for line in worker.said("server back")]
        assert worker.terminate() == 0
    print(f"{cluster.program.name}: the worker was without its partition for {away_s} s")  # noqa: T201  # figures
    check_partition(client)
    check_replay(cluster.url)


def _somewhere_else(cluster: ClusterOfServers) -> tuple[int, Server, Server]:
    """Slot of the partition, the primary that has it, and another primary."""
    old = cluster.server_of(home_of())
    new = next(found for found in map(cluster.server_of, "abcdefgh") if found is not old)
    with old.client() as one:
        return one.execute_command("CLUSTER KEYSLOT", home_of()), old, new


def _move(source: Any, new: Server, keys: Sequence[bytes | str]) -> None:
    """Move keys to another node."""
    source.execute_command("MIGRATE", "127.0.0.1", new.port, "", 0, 10_000, "KEYS", *keys)
