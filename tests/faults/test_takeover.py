"""A partition changes hands: by a worker that is held still, by a lease that is gone, by one that leaves."""

import time
from binascii import crc_hqx
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.checker import EpochWatch, check_partition
from tests.faults.load import Load, make_load
from tests.faults.process import WorkerProcess, check_replay, is_applied, wait_until_applied
from tests.faults.publishing import Publisher, publish, publish_commands
from tests.faults.server import Server, now_ms, wait_until

KEY = "{sluicegate:0}:in:trade"
LEASE_MS = 1000
PARTITIONS = 4


def two_workers(
    server: Server, folder: Path, stack: ExitStack, **settings: object
) -> dict[str, WorkerProcess]:
    """Start two workers, and wait until the first owns what there is and the second stands by."""
    workers: dict[str, WorkerProcess] = {}
    for name in ("first", "second"):
        given = {"redis": server.url, "name": name, "lease_ms": LEASE_MS, "batch": 250, **settings}
        workers[name] = stack.enter_context(WorkerProcess(folder / f"{name}.log", **given))
        if name == "first":
            workers[name].wait_for("partition owned", times=PARTITIONS if "partitions" in settings else 1)
    workers["second"].wait_for("partition not served", reason="first holds it")
    return workers


@pytest.mark.slow
def test_a_worker_held_still_commits_nothing_more_once_it_wakes(
    server: Server, random: Random, tmp_path: Path
) -> None:
    """
    While it stands still another takes over; woken, it finds itself fenced and stands by.

    Six times over, at random moments of a load, with the two in turns. The one that is left in the end takes
    over again when the other leaves in order.
    """
    client = server.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=100, fills=40_000, now_ms=now_ms(client))
    publish_commands(client, load.commands)
    watch = EpochWatch(client)
    with ExitStack() as stack:
        workers = two_workers(server, tmp_path, stack)
        publisher = stack.enter_context(Publisher(server.client(), load.fills, KEY, a_second=3000))
        publisher.allow(len(load.fills))
        owner, other = "first", "second"
        for _ in range(6):
            committed = watch.look().seq + random.randrange(1, 20)
            wait_until(
                lambda: watch.look().seq >= committed or (publisher.rests and is_applied(client)),
                60,
                "the owner commits",
            )
            time.sleep(random.uniform(0.0, 0.02))
            assert watch.look().owner == owner
            epoch, losses = watch.epoch, len(workers[owner].said("partition not served"))
            workers[owner].stop()
            wait_until(lambda: watch.look().owner == other, 30, f"{other} takes over")
            assert watch.epoch == epoch + 1
            if random.random() < 0.7:
                workers[other].wait_for("partition owned", epoch=epoch + 1)
            workers[owner].wake()
            workers[owner].wait_for("partition not served", times=losses + 1)
            workers[other].wait_for("partition owned", epoch=epoch + 1)

            assert (watch.look().owner, watch.epoch) == (other, epoch + 1)
            owner, other = other, owner

        publisher.wait()
        wait_until_applied(client, workers[owner])
        assert workers[owner].terminate() == 0
        workers[other].wait_for("partition owned", epoch=watch.epoch + 1)
        again = make_load(random, wallets=["gamma"], agents=5, fills=500, now_ms=now_ms(client))
        publish(client, again)
        wait_until_applied(client, workers[other])
        assert workers[other].terminate() == 0

    assert watch.look().owner == other
    print(check_partition(client))  # noqa: T201  # figures to report
    check_replay(server.url)


@pytest.mark.long
def test_a_lease_that_is_gone_does_no_harm_while_two_are_awake(
    server: Server, random: Random, tmp_path: Path
) -> None:
    """The lease only says when to try: with it deleted under a busy owner, nothing is lost or doubled."""
    client = server.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=50, fills=30_000, now_ms=now_ms(client))
    publish_commands(client, load.commands)
    watch = EpochWatch(client)
    with ExitStack() as stack:
        workers = two_workers(server, tmp_path, stack)
        publisher = stack.enter_context(Publisher(server.client(), load.fills, KEY, a_second=4000))
        publisher.allow(len(load.fills))
        while not publisher.rests:
            time.sleep(random.uniform(0.0, 0.3))
            client.delete("{sluicegate:0}:lease")
            watch.look()
        for worker in workers.values():
            wait_until_applied(client, worker)
        assert [worker.terminate() for worker in workers.values()] == [0, 0]

    print(f"{check_partition(client)}")  # noqa: T201  # figures to report
    assert watch.look().epoch > 1
    check_replay(server.url)


def test_a_worker_held_still_goes_on_where_nobody_took_over(
    server: Server, random: Random, tmp_path: Path
) -> None:
    """A lease that lapsed is taken up again under the same epoch, and nothing is loaded anew."""
    client = server.client()
    load = make_load(random, wallets=["alpha"], agents=10, fills=2000, now_ms=now_ms(client))
    with WorkerProcess(tmp_path / "log", redis=server.url, name="first", lease_ms=300, batch=250) as worker:
        worker.wait_for("partition owned")
        worker.stop()
        publish(client, load)
        wait_until(lambda: not client.exists("{sluicegate:0}:lease"), 10, "the lease lapses")
        worker.wake()
        wait_until_applied(client, worker)
        wait_until(lambda: client.exists("{sluicegate:0}:lease"), 10, "the lease is taken up again")

        assert not worker.said("partition not served")
        assert worker.terminate() == 0

    report = check_partition(client)
    assert report.found.checkpoint["epoch"] == "1"
    assert not client.exists("{sluicegate:0}:lease")


@pytest.mark.long
def test_a_lease_shorter_than_the_loading_does_not_start_it_over(
    server: Server, random: Random, tmp_path: Path
) -> None:
    """However short the lease, a worker with much to load gets to serve, under one epoch."""
    client = server.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=50, fills=40_000, now_ms=now_ms(client))
    publish(client, load)
    with WorkerProcess(tmp_path / "log", redis=server.url, name="first") as worker:
        wait_until_applied(client, worker)
        assert worker.terminate() == 0
    with WorkerProcess(tmp_path / "log", redis=server.url, name="first", lease_ms=100, batch=250) as worker:
        worker.wait_for("partition owned", epoch=2)
        time.sleep(1.0)

        assert not worker.said("partition not served")
        assert worker.terminate() == 0
    check_partition(client)


@pytest.mark.slow
def test_four_partitions_change_hands_together_and_each_keeps_its_wallets(
    server: Server, random: Random, tmp_path: Path
) -> None:
    """With several partitions each has its own epoch, and each holds to the same laws."""
    client = server.client()
    loads = {partition: _load(random, partition, client) for partition in range(PARTITIONS)}
    tags = {partition: f"{{sluicegate:{partition}}}" for partition in range(PARTITIONS)}
    watches = [EpochWatch(client, partition) for partition in range(PARTITIONS)]
    for partition, load in loads.items():
        publish_commands(client, load.commands, tags[partition])
    with ExitStack() as stack:
        workers = two_workers(server, tmp_path, stack, partitions=PARTITIONS)
        publishers = [
            stack.enter_context(
                Publisher(server.client(), load.fills, f"{tags[partition]}:in:trade", a_second=1500)
            )
            for partition, load in loads.items()
        ]
        for publisher in publishers:
            publisher.allow(10**9)
        owner, other = "first", "second"
        for _ in range(2):
            time.sleep(random.uniform(0.2, 1.0))
            workers[owner].stop()
            for watch in watches:
                wait_until(lambda: watch.look().owner == other, 30, f"{other} takes over")
            workers[owner].wake()
            owner, other = other, owner
        workers[owner].kill()
        for watch in watches:
            wait_until(lambda: watch.look().owner == other, 30, f"{other} takes over")
        for publisher in publishers:
            publisher.wait()
        for tag in tags.values():
            wait_until_applied(client, workers[other], tag)
        assert workers[other].terminate() == 0

    for partition, watch in enumerate(watches):
        assert watch.look().epoch >= 4
        report = check_partition(client, partition)
        assert all(partition_of(wallet) == partition for wallet in report.expected.wallets)
        print(report)  # noqa: T201  # figures to report
    check_replay(server.url, PARTITIONS)


def _load(random: Random, partition: int, client: Any) -> Load:
    """Make fills of three wallets that live in a partition."""
    names = (f"wallet-{n}" for n in range(10_000))
    wallets = [next(name for name in names if partition_of(name) == partition) for _ in range(3)]
    return make_load(random, wallets=wallets, agents=12, fills=6000, now_ms=now_ms(client))


def partition_of(wallet: str, partitions: int = PARTITIONS) -> int:
    """Place a wallet as the wire says: CRC16 (XMODEM) of its id, modulo the number of partitions."""
    assert crc_hqx(b"123456789", 0) == 0x31C3, "the check value of CRC16/XMODEM"
    return crc_hqx(wallet.encode(), 0) % partitions
