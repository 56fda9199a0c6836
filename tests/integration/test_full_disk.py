"""A server whose disk is full: the worker says so, writes nothing by halves, goes on when there is room."""

import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

from tests.faults.checker import check_partition
from tests.faults.conftest import random
from tests.faults.disk import Kind, SmallDisk, may_mount
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, check_replay, wait_until_applied
from tests.faults.publishing import publish, publish_commands
from tests.faults.server import now_ms, wait_until

__all__ = ["random"]  # a fixture

SENTENCE = "the server cannot write to its disk, and refuses to write; nothing is lost"
STALLED = "sluicegate_partition_stalled"


def commands(client: Any) -> int:
    """How many the server has carried out or refused."""
    stats = client.info("stats")
    return int(stats["total_commands_processed"]) + int(stats["total_error_replies"])


def is_full(client: Any) -> bool:
    """Whether the server refuses to write."""
    try:
        client.set("anything", "x" * 10_000)
    except redis.ResponseError as error:
        return str(error).startswith("MISCONF Errors writing to the AOF file")
    return False


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file size", pytest.param("file system", marks=pytest.mark.long)])
def test_a_worker_waits_for_room_and_goes_on(random: Random, tmp_path: Path, kind: Kind) -> None:
    """One sentence, not ready, a few tries a second at most, its place kept; then all is applied once."""
    if kind == "file system" and not may_mount(tmp_path):
        pytest.skip("no file system may be mounted here")
    with SmallDisk(tmp_path / "disk", kind) as server:
        client = server.client()
        load = make_load(random, wallets=["alpha", "beta"], agents=50, fills=6000, now_ms=now_ms(client))
        publish(client, load)
        server.fill(room=500_000)
        with WorkerProcess(tmp_path / "log", redis=server.url, batch=250) as worker:
            assert worker.wait_for("partition stalled")["reason"].startswith(SENTENCE)
            wait_until(lambda: is_full(client), 5, "nobody can write")
            committed = client.hgetall("{sluicegate:0}:checkpoint")
            check_partition(client)
            status, problems = worker.page("/readyz")
            assert status == 503
            assert f"Partition 0 does not get on: {SENTENCE}" in problems
            assert worker.metric(STALLED, partition="0") == 1

            before = commands(client)
            time.sleep(2)
            assert commands(client) - before < 2 * 80
            assert client.hgetall("{sluicegate:0}:checkpoint") == committed
            server.make_room()
            worker.wait_for("partition gets on")
            wait_until_applied(client, worker)
            assert worker.page("/readyz")[0] == 200
            assert len(worker.said("partition owned")) == 1  # it never let go, and loaded nothing again
            assert len(worker.said("partition stalled")) == 1
            assert not worker.said("server away")
            assert worker.terminate() == 0

        check_partition(client)
        check_replay(server.url)


def test_a_worker_with_nothing_to_do_is_ready_again_once_there_is_room(tmp_path: Path) -> None:
    """It hears of it by its lease, and needs no commit to know that it is over."""
    with SmallDisk(tmp_path / "disk", "file size") as server:
        client = server.client()
        with WorkerProcess(tmp_path / "log", redis=server.url, lease_ms=1000, batch=250) as worker:
            worker.wait_for("partition owned")
            server.fill(room=0)
            wait_until(lambda: is_full(client), 5, "nobody can write")
            worker.wait_for("partition stalled")
            assert worker.page("/readyz")[0] == 503
            time.sleep(1.5)  # its lease lapses

            server.make_room()
            worker.wait_for("partition gets on")
            assert worker.page("/readyz")[0] == 200
            assert len(worker.said("partition owned")) == 1
            assert worker.terminate() == 0


def test_a_server_that_is_killed_while_its_disk_is_full(random: Random, tmp_path: Path) -> None:
    """What its log holds is whole commits; what that lacks is sent again, and applied once."""
    with SmallDisk(tmp_path / "disk", "file size") as server:
        client = server.client()
        load = make_load(random, wallets=["alpha", "beta"], agents=50, fills=5000, now_ms=now_ms(client))
        publish(client, load)
        server.fill(room=200_000)
        with WorkerProcess(tmp_path / "log", redis=server.url, batch=250) as worker:
            worker.wait_for("partition stalled")
            server.kill()
            worker.wait_for("server away")
            server.start()
            worker.wait_for("partition owned", times=2)
            publish(client, load)
            wait_until_applied(client, worker)
            assert worker.terminate() == 0
        check_partition(client)
        check_replay(server.url)


def test_a_server_that_ends_itself_rather_than_confirm(random: Random, tmp_path: Path) -> None:
    """With `appendfsync always`; to the worker it is away until somebody makes room and starts it again."""
    with SmallDisk(tmp_path / "disk", "file size", "always") as server:
        client = server.client()
        load = make_load(random, wallets=["alpha", "beta"], agents=50, fills=3000, now_ms=now_ms(client))
        publish(client, load)
        server.fill(room=200_000)
        with WorkerProcess(tmp_path / "log", redis=server.url, batch=250) as worker:
            worker.wait_for("server away")
            assert worker.page("/readyz")[0] == 503
            server.kill()
            server.start()
            wait_until_applied(client, worker)
            assert not worker.said("commits taken back")
            assert worker.terminate() == 0
        check_partition(client)
        check_replay(server.url)


def test_a_worker_that_waits_for_room_ends_when_it_is_told_to(random: Random, tmp_path: Path) -> None:
    """And one that is started on a full disk says so in a sentence, and changes nothing."""
    with SmallDisk(tmp_path / "disk", "file size") as server:
        client = server.client()
        load = make_load(random, wallets=["alpha"], agents=5, fills=2000, now_ms=now_ms(client))
        publish_commands(client, load.commands)
        publish(client, load)
        server.fill(room=50_000)
        with WorkerProcess(tmp_path / "log", redis=server.url, batch=100) as worker:
            worker.wait_for("partition stalled")
            assert worker.terminate(10) == 0
            assert worker.sentences() == []
        wait_until(lambda: is_full(client), 5, "nobody can write")
        with WorkerProcess(tmp_path / "second", redis=server.url) as worker:
            assert worker.wait() == 1
            (line,) = worker.sentences()
            assert line.startswith(f"Error: The server at {server.url} is of no use now: {SENTENCE}")
        server.make_room()
        wait_until(lambda: not is_full(client), 5, "it writes again")
        with WorkerProcess(tmp_path / "log", redis=server.url, name="next") as worker:
            wait_until_applied(client, worker)
            assert worker.terminate() == 0
        check_partition(client)
