"""A cluster loses a primary, or changes it as planned: everything is applied exactly once all the same."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.checker import check_partition
from tests.faults.cluster import ClusterOfServers, cluster_in, home_of, wait_until_replaced
from tests.faults.load import make_load
from tests.faults.process import ROOT, WorkerProcess, check_replay, wait_until_applied
from tests.faults.publishing import Publisher, publish_commands
from tests.faults.server import now_ms, wait_until

KEY = "{sluicegate:0}:in:trade"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterOfServers]:
    """Start a cluster for this test alone."""
    with cluster_in(tmp_path) as cluster:
        yield cluster


def test_a_primary_is_killed_and_its_replica_takes_over(
    cluster: ClusterOfServers, random: Random, tmp_path: Path
) -> None:
    """
    With commits that wait for a replica: none is taken back, and state is the fold of what the replica has.

    Bots send again what was not confirmed to them, as they must; a repeat changes nothing.
    """
    _fail_over(cluster, random, tmp_path, fills=6000, rounds=1, durability="replicated")


@pytest.mark.long
@pytest.mark.parametrize("durability", ["async", "replicated"])
def test_primaries_are_killed_again_and_again(
    cluster: ClusterOfServers, random: Random, tmp_path: Path, durability: str
) -> None:
    """However many commits go back, checkpoint, state and outputs go back together."""
    _fail_over(cluster, random, tmp_path, fills=40_000, rounds=4, durability=durability)


def _fail_over(
    cluster: ClusterOfServers, random: Random, folder: Path, *, fills: int, rounds: int, durability: str
) -> None:
    client = cluster.client()
    clock = cluster.servers[0].client()
    load = make_load(random, wallets=["alpha", "beta"], agents=20, fills=fills, now_ms=now_ms(clock))
    publish_commands(client, load.commands)
    settings: dict[str, object] = {"redis": cluster.url, "name": "w", "batch": 200, "durability": durability}
    with ExitStack() as stack:
        worker = stack.enter_context(WorkerProcess(folder / "log", lease_ms=2000, **settings))
        publisher = stack.enter_context(Publisher(cluster.client(), load.fills, KEY, a_second=3000))
        for number in range(1, rounds + 1):
            publisher.allow(fills * number // (rounds + 1))
            wait_until(lambda: publisher.rests, 60, "some of it is published")
            publisher.allow(fills * (2 * number + 1) // (2 * rounds + 2))
            old = cluster.server_of(home_of())
            old.kill()
            wait_until_replaced(cluster, home_of(), old)
            old.start()
            wait_until(cluster.is_well, 60, "the one that was killed follows")
        publisher.wait()
        wait_until_applied(client, worker)
        assert worker.said("server away")
        if durability == "replicated":
            assert worker.metric("sluicegate_rollbacks_total", partition="0") == 0
        assert worker.terminate() == 0
    print(check_partition(client))  # noqa: T201  # figures to report
    check_replay(cluster.url)


def test_a_planned_failover(cluster: ClusterOfServers, random: Random, tmp_path: Path) -> None:
    """``CLUSTER FAILOVER`` under load: the worker looks for the partition at its new place, and goes on."""
    client = cluster.client()
    clock = cluster.servers[0].client()
    load = make_load(random, wallets=["alpha"], agents=10, fills=6000, now_ms=now_ms(clock))
    publish_commands(client, load.commands)
    with ExitStack() as stack:
        settings: dict[str, object] = {"redis": cluster.url, "name": "w", "batch": 200}
        worker = stack.enter_context(WorkerProcess(tmp_path / "log", **settings))
        publisher = stack.enter_context(Publisher(cluster.client(), load.fills, KEY, a_second=3000))
        publisher.allow(2000)
        wait_until(lambda: publisher.rests, 60, "some of it is published")
        publisher.allow(4000)
        old = cluster.server_of(home_of())
        with cluster.replica_of(home_of()).client() as replica:
            replica.execute_command("CLUSTER FAILOVER")
        wait_until_replaced(cluster, home_of(), old)
        publisher.wait()
        wait_until_applied(client, worker)
        assert worker.metric("sluicegate_rollbacks_total", partition="0") == 0
        assert worker.terminate() == 0
    check_partition(client)
    check_replay(cluster.url)


def test_every_command_works_on_a_cluster(cluster: ClusterOfServers, tmp_path: Path) -> None:
    """With partitions at several nodes, each command of the command line gets at all of them."""
    settings: dict[str, object] = {"redis": cluster.url, "name": "w", "partitions": 4}
    with WorkerProcess(tmp_path / "log", **settings) as worker:
        worker.wait_for("partition owned", times=4)
        fleet = '[[wallet]]\nid = "one"\ncurrency = "USDT"\ndeposit = "1000"\n'
        fleet += '[[wallet.farm]]\nid = "f"\n[[wallet.farm.agent]]\nid = "a"\n'
        (tmp_path / "fleet.toml").write_text(fleet, encoding="utf-8")
        said = command(cluster, "apply", str(tmp_path / "fleet.toml"))
        assert "one" in said
        assert '"one"' in command(cluster, "status", "--json")
        bad = tmp_path / "fills.jsonl"
        bad.write_text('{"id":"1","wallet":"one","agent":"nobody"}\n', encoding="utf-8")
        command(cluster, "publish", "trade", str(bad))
        wait_until(lambda: "nobody" in command(cluster, "dead", "list", "--json"), 20, "a dead letter")
        command(cluster, "dead", "drop", "--all")
        assert "wallet_transaction" in command(cluster, "tail", "--no-follow", "--json")
        assert "w" in command(cluster, "partitions", "list")
        command(cluster, "partitions", "move", "1", "w")
        assert "chain, balances and holds agree" in command(cluster, "ledger", "verify")
        assert command(cluster, "report", "one")
        assert command(cluster, "plan", "one")
        assert command(cluster, "replay")
        assert worker.terminate() == 0


def command(cluster: ClusterOfServers, *words: str) -> str:
    """Run a command of the command line, which has to succeed; return what it printed."""
    argv: list[Any] = [sys.executable, "-m", "app", *words, "--redis", cluster.url]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
