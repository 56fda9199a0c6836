"""Three workers share sixteen partitions while one of them is killed every second, and then held still."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from tests.faults.checker import EpochWatch, check_partition
from tests.faults.load import Load, make_load
from tests.faults.process import WorkerProcess, check_replay, is_applied
from tests.faults.publishing import Publisher, publish_commands
from tests.faults.server import Server, now_ms, wait_until
from tests.faults.test_takeover import partition_of

PARTITIONS: Final = 16
NAMES: Final = ("first", "second", "third")
WALLETS: Final = 3  # of a partition
LEASE_MS: Final = 1000
TAGS: Final = [f"{{sluicegate:{partition}}}" for partition in range(PARTITIONS)]


@pytest.mark.slow
def test_eight_seconds_of_kills(server: Server, random: Random, tmp_path: Path) -> None:
    """A short storm."""
    storm(server, random, tmp_path, kills=8, fills=17_000)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_minute_of_kills(server: Server, random: Random, tmp_path: Path) -> None:
    """A long one, after which a replay agrees to the byte."""
    storm(server, random, tmp_path, kills=60, fills=200_000)
    check_replay(server.url, PARTITIONS)


def storm(server: Server, random: Random, folder: Path, *, kills: int, fills: int) -> None:
    """
    Kill one of three workers a second, hold one still beyond its lease, and check every partition.

    No input is lost or applied twice, no output is missing or there twice, no epoch or sequence goes back.
    """
    client = server.client()
    loads = [_load(random, partition, fills // PARTITIONS, now_ms(client)) for partition in range(PARTITIONS)]
    for tag, load in zip(TAGS, loads, strict=True):
        publish_commands(client, load.commands, tag)
    watch = Watch(client)
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_start(server, folder, name)) for name in NAMES}
        pace = fills // PARTITIONS // (kills + 12)  # some come after the kills, too
        publishers = [
            stack.enter_context(Publisher(server.client(), load.fills, f"{tag}:in:trade", a_second=pace))
            for tag, load in zip(TAGS, loads, strict=True)
        ]
        for publisher in publishers:
            publisher.allow(10**9)
        wait_until(lambda: all(publisher.published for publisher in publishers), 30, "fills come")
        for _ in range(kills):
            watch.look_for(random.uniform(0.8, 1.2))
            name = random.choice(NAMES)
            workers[name].kill()
            workers[name] = stack.enter_context(_start(server, folder, name))
        storm_s = watch.longest
        watch.look_for(5.0)
        watch.longest = 0.0
        name = random.choice(NAMES)
        workers[name].kill()
        watch.look_for(4 * LEASE_MS / 1000)
        workers[name] = stack.enter_context(_start(server, folder, name))
        takeover_s, watch.longest = watch.longest, 0.0
        for name in random.sample(NAMES, 2):
            workers[name].stop()
            watch.look_for(3 * LEASE_MS / 1000)
            workers[name].wake()
            watch.look_for(1.0)
        for publisher in publishers:
            publisher.wait()
        wait_until(lambda: all(is_applied(client, tag) for tag in TAGS), 180, "all fills are applied")
        assert [worker.terminate() for worker in workers.values()] == [0, 0, 0]

    watch.look()
    reports = [check_partition(client, partition) for partition in range(PARTITIONS)]
    for report, load in zip(reports, loads, strict=True):
        assert {one.stream for one in report.found.waiting} <= {"in:clock"}
        assert sum(one.stream == "in:trade" for one in report.found.inputs) == len(load.fills)
    outputs = sum(len(events) for report in reports for events in report.found.outputs.values())
    print(  # noqa: T201  # figures
        f"{kills} kills, {fills} fills, {outputs} outputs, {sum(one.epoch for one in watch.epochs)} takings; "
        f"longest a partition stood still: {storm_s:.1f} s among kills, "
        f"{takeover_s:.1f} s after one more, {watch.longest:.1f} s while workers were held still"
    )


class Watch:
    """Watches epochs, and for how long any partition has stood still although fills waited."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.epochs = [EpochWatch(client, partition) for partition in range(PARTITIONS)]
        self._moved = [time.monotonic()] * PARTITIONS
        self.longest = 0.0  # seconds

    def look(self) -> None:
        """Look once at every partition."""
        for partition, watch in enumerate(self.epochs):
            seq = watch.seq
            if watch.look().seq > seq or is_applied(self._client, TAGS[partition]):
                self._moved[partition] = time.monotonic()
            self.longest = max(self.longest, time.monotonic() - self._moved[partition])

    def look_for(self, seconds: float) -> None:
        """Look again and again."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(0.02)


def _start(server: Server, folder: Path, name: str) -> WorkerProcess:
    settings = {
        "redis": server.url,
        "name": name,
        "partitions": PARTITIONS,
        "lease_ms": LEASE_MS,
        "batch": 250,
    }
    return WorkerProcess(folder / f"{name}.log", **settings)


def _load(random: Random, partition: int, fills: int, now: int) -> Load:
    """Make fills of wallets that live in a partition."""
    names = (f"wallet-{n}" for n in range(10_000))
    wallets: Sequence[str] = [
        next(name for name in names if partition_of(name, PARTITIONS) == partition) for _ in range(WALLETS)
    ]
    return make_load(random, wallets=wallets, agents=12, fills=fills, now_ms=now)
