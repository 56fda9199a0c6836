"""A server that goes away and comes back, one that is not as it should be, a worker that is told to go."""

import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.checker import EpochWatch, check_partition
from tests.faults.conftest import random, server
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, check_replay, wait_until_applied
from tests.faults.publishing import Publisher, publish, publish_commands
from tests.faults.server import Server, now_ms, wait_until

__all__ = ["random", "server"]  # fixtures

KEY = "{sluicegate:0}:in:trade"
OWNED = "sluicegate_partition_owned"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["in order", "killed"])
def test_the_server_goes_away_under_load_and_comes_back(random: Random, tmp_path: Path, how: str) -> None:
    """The worker says so, is not ready, tries again, and goes on where it was: nothing lost or doubled."""
    # Where the disk is slow, `everysec` lets a server answer before it has written.
    with Server(tmp_path / "valkey", {"appendfsync": "always"}) as server:
        client = server.client()
        load = make_load(random, wallets=["alpha", "beta"], agents=50, fills=20_000, now_ms=now_ms(client))
        publish_commands(client, load.commands)
        watch = EpochWatch(client)
        with (
            WorkerProcess(tmp_path / "log", redis=server.url, name="worker-1", batch=250) as worker,
            Publisher(server.client(), load.fills, KEY, a_second=1500) as publisher,
        ):
            publisher.allow(len(load.fills))
            for outage in range(1, 5):
                worker.wait_for("partition owned", epoch=outage)
                wait_until(lambda: worker.metric(OWNED, partition="0") == 1, 10, "it is ready")
                committed = watch.look().seq + random.randrange(1, 10)
                wait_until(lambda: watch.look().seq >= committed, 30, "it commits")
                losses = len(worker.said("partition not served"))
                if how == "killed":
                    server.kill()
                else:
                    server.stop()
                worker.wait_for("partition not served", times=losses + 1)
                wait_until(lambda: worker.metric(OWNED, partition="0") == 0, 10, "it is not ready")
                time.sleep(random.uniform(0.0, 1.5))
                server.start()
            worker.wait_for("partition owned", epoch=5)
            publisher.wait()
            wait_until_applied(client, worker)
            assert worker.metric(OWNED, partition="0") == 1
            assert worker.terminate() == 0

        watch.look()
        print(check_partition(client))  # noqa: T201  # figures to report
        check_replay(server.url)


def test_a_server_that_stays_away_ends_the_worker(server: Server, tmp_path: Path) -> None:
    """Longer away than the worker is told to wait: one clear line, and exit code 1."""
    with WorkerProcess(tmp_path / "log", redis=server.url, away_s=1) as worker:
        worker.wait_for("partition owned")
        server.kill()

        assert worker.wait() == 1
        (line,) = worker.sentences()
        assert line.startswith("Error: gave up after 1 s: ")


def test_told_to_stop_while_the_server_is_away(server: Server, tmp_path: Path) -> None:
    """A worker that waits for its server ends at once and well when it is told to."""
    with WorkerProcess(tmp_path / "log", redis=server.url) as worker:
        worker.wait_for("partition owned")
        server.kill()
        worker.wait_for("partition not served")
        time.sleep(1.0)

        start = time.monotonic()
        assert worker.terminate() == 0
        assert time.monotonic() - start < 5
        assert worker.sentences() == []


@pytest.mark.slow
def test_told_to_stop_under_load(server: Server, random: Random, tmp_path: Path) -> None:
    """The batch in work is finished and committed, the lease is given back, and the exit code is 0."""
    client = server.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=50, fills=20_000, now_ms=now_ms(client))
    publish_commands(client, load.commands)
    watch = EpochWatch(client)
    with Publisher(server.client(), load.fills, KEY, a_second=3000) as publisher:
        for stop in range(1, 6):
            publisher.allow(len(load.fills) * stop // 6)
            with WorkerProcess(tmp_path / "log", redis=server.url, name=f"worker-{stop}") as worker:
                worker.wait_for("partition owned", epoch=stop)
                time.sleep(random.uniform(0.0, 0.5))
                assert worker.terminate() == 0
                assert worker.said("partition not served")[-1]["reason"] == "let go of it"
                assert worker.sentences() == []
            assert not client.exists("{sluicegate:0}:lease"), "the next has nothing to wait for"
            check_partition(client)
        publisher.wait()
    with WorkerProcess(tmp_path / "log", redis=server.url, name="worker-6") as worker:
        wait_until_applied(client, worker)
        assert worker.terminate() == 0

    watch.look()
    print(check_partition(client))  # noqa: T201  # figures to report
    check_replay(server.url)


# -- a server that is not as it should be ------------------------------------------------------------------


def refused(tmp_path: Path, **settings: object) -> str:
    """Start a worker that cannot run, and return the one line it says."""
    with WorkerProcess(tmp_path / "log", **settings) as worker:
        assert worker.wait() == 1, worker.text()
        (line,) = worker.sentences()
        assert line.startswith("Error: ")
        return line.removeprefix("Error: ")


def everything(client: Any) -> dict[bytes, bytes]:
    """All there is on a server, as it would be dumped."""
    return {key: client.dump(key) for key in client.scan_iter(count=1000)}


def test_no_server_at_start(server: Server, tmp_path: Path) -> None:
    """A worker whose server is not there says where it looked."""
    server.stop()

    line = refused(tmp_path, redis=f"redis://127.0.0.1:{server.port}")
    assert line.startswith(f"There is no server at redis://127.0.0.1:{server.port}: ")


@pytest.mark.parametrize("credentials", ["", ":wrong@", "nobody:secret@"])
def test_a_wrong_password(tmp_path: Path, credentials: str) -> None:
    """A worker that is not let in says so, and shows no password."""
    with Server(tmp_path / "valkey", password="right") as server:  # noqa: S106  # of this test's own server
        line = refused(tmp_path, redis=f"redis://{credentials}127.0.0.1:{server.port}")

        assert "password" in line
        assert "wrong" not in line.replace("WRONGPASS", "")
        assert "secret" not in line
        assert everything(server.client()) == {}


def test_another_number_of_partitions(server: Server, tmp_path: Path) -> None:
    """A deployment's number of partitions is fixed; the line says both numbers, and nothing changes."""
    client = server.client()
    with WorkerProcess(tmp_path / "first", redis=server.url, partitions=2) as worker:
        worker.wait_for("partition owned", times=2)
        assert worker.terminate() == 0
    before = everything(client)

    line = refused(tmp_path, redis=server.url, partitions=3)
    assert "2 partitions, not 3" in line
    assert everything(client) == before


def test_two_workers_of_one_name(server: Server, tmp_path: Path) -> None:
    """The second says so and changes nothing: the first serves on, under the same epoch."""
    with WorkerProcess(tmp_path / "first", redis=server.url, name="twin") as first:
        first.wait_for("partition owned")

        line = refused(tmp_path, redis=server.url, name="twin")
        assert line.startswith("Another worker is at work as twin: give each a name of its own")
        assert len(first.said("partition owned")) == 1
        assert not first.said("partition not served")
        first.kill()
    with WorkerProcess(tmp_path / "again", redis=server.url, name="twin", lease_ms=60_000) as again:
        again.wait_for("partition owned", epoch=2)  # the lease of the one that died does not hold it up
        assert again.terminate() == 0


@pytest.mark.parametrize(
    "name", ["in:clock", "out:wallet", "state:wallets", "state:returns", "dead", "checkpoint", "lease", None]
)
def test_a_key_of_another_type_at_start(server: Server, tmp_path: Path, name: str | None) -> None:
    """A key that is in the way is named, and nothing changes."""
    key = "sluicegate:meta" if name is None else f"{{sluicegate:0}}:{name}"
    client = server.client()
    client.sadd(key, "in the way")
    before = everything(client)

    line = refused(tmp_path, redis=server.url)
    assert key in line
    assert everything(client) == before


def test_a_key_of_another_type_while_it_runs(server: Server, random: Random, tmp_path: Path) -> None:
    """A commit that would run into it writes nothing; with the key out of the way the next worker goes on."""
    client = server.client()
    load = make_load(random, wallets=["alpha"], agents=5, fills=500, now_ms=now_ms(client))
    with WorkerProcess(tmp_path / "log", redis=server.url) as worker:
        worker.wait_for("partition owned")
        client.sadd("{sluicegate:0}:out:wallet", "in the way")
        publish(client, load)
        assert worker.wait() == 1
        (line,) = worker.sentences()
        assert "{sluicegate:0}:out:wallet" in line
    assert client.hget("{sluicegate:0}:checkpoint", "seq") is None
    assert not client.exists("{sluicegate:0}:state:wallets")

    client.delete("{sluicegate:0}:out:wallet")
    with WorkerProcess(tmp_path / "log", redis=server.url, lease_ms=1000) as worker:
        wait_until_applied(client, worker)
        assert worker.terminate() == 0
    check_partition(client)
