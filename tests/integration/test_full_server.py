"""A server at its maxmemory: the worker says so, writes nothing by halves, and goes on when there is room."""

import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

from stream import scripts
from stream.client import translated
from stream.errors import FullError
from tests.faults.checker import check_partition
from tests.faults.conftest import random, server
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, check_replay, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.server import Server, now_ms
from tests.support.programs import EACH, Program

__all__ = ["random", "server"]  # fixtures

KEYS = ["{p}:checkpoint", "{p}:dead", "{p}:state", "{p}:out"]
WRITTEN = ["1", "7", "0", "2", "in:a", "1-1", "S", "3", "2", "f", "new", "O", "4", "1", "{}"]
REMOVED = ["1", "7", "0", "2", "in:a", "1-1", "R", "3", "1", "f", "O", "4", "1", "{}"]


def fill_up(client: Any, room: int = 0) -> None:
    """Leave so much room in memory, or none at all."""
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory", used + room if room else used - 10_000)


def commands(client: Any) -> int:
    """How many the server has carried out."""
    return int(client.info("stats")["total_commands_processed"])


def never_half(client: Any) -> None:
    """Commit on a full server: refused whole where it begins with what takes memory, else done whole."""
    client.hset(KEYS[0], mapping={"epoch": 1, "taking": 7})
    client.hset(KEYS[2], "f", "old")
    fill_up(client)

    with pytest.raises(redis.ResponseError) as refusal:
        client.eval(scripts.COMMIT, 4, *KEYS, *WRITTEN)
    assert isinstance(translated(refusal.value, "a script"), FullError)
    assert client.hgetall(KEYS[0]) == {b"epoch": b"1", b"taking": b"7"}
    assert client.hgetall(KEYS[2]) == {b"f": b"old"}
    assert client.xlen(KEYS[3]) == 0

    assert client.eval(scripts.COMMIT, 4, *KEYS, *REMOVED) == [1]
    assert client.hgetall(KEYS[0]) == {b"epoch": b"1", b"taking": b"7", b"seq": b"1", b"in:a": b"1-1"}
    assert client.hgetall(KEYS[2]) == {}
    assert client.xlen(KEYS[3]) == 1


@pytest.mark.parametrize("program", EACH)
def test_a_commit_is_never_written_by_halves(tmp_path: Path, program: Program) -> None:
    """The server looks before the first write, and at none after it."""
    with Server(tmp_path / "server", program=program) as server:
        never_half(server.client())


def test_a_lease_is_renewed_and_a_partition_taken_on_a_full_server(server: Server) -> None:
    """Neither needs room: so its owner stays, and may trim."""
    client = server.client()
    names = ["{p}:checkpoint", "{p}:lease", "{p}:in:a"]
    taking = ["me", "token", "5000", "1", "p.", "7", "1", "600000", "a"]
    assert client.eval(scripts.TAKE, 3, *names, *taking) == [1, 1, b""]
    fill_up(client)

    assert client.eval(scripts.RENEW, 2, names[1], names[0], "me token", "60000", "7", "0") == 1
    assert client.pttl(names[1]) > 50_000
    assert client.eval(scripts.TAKE, 3, *names, *taking) == [1, 2, b"7"]


def test_a_lease_that_cannot_be_handed_over_with_its_window_stays(server: Server) -> None:
    """Refused whole: the worker then lets go without."""
    client = server.client()
    names = ["{p}:lease", "{p}:checkpoint", "{p}:window"]
    client.set(names[0], "me token")
    client.hset(names[1], mapping={"taking": 7})
    fill_up(client)

    with pytest.raises(redis.ResponseError) as refusal:
        client.eval(scripts.HAND_OVER, 3, *names, "me token", "7", "0", "window", "60000")

    assert isinstance(translated(refusal.value, "a script"), FullError)
    assert client.get(names[0]) == b"me token"
    assert client.eval(scripts.RELEASE, 1, names[0], "me token") == 1
    assert not client.exists(names[0], names[2])


@pytest.mark.slow
def test_a_worker_waits_for_room_and_goes_on(server: Server, random: Random, tmp_path: Path) -> None:
    """One sentence, not ready, a few tries a second at most, its place kept; then all is applied once."""
    client = server.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=50, fills=20_000, now_ms=now_ms(client))
    publish(client, load)
    fill_up(client, room=4_000_000)
    with WorkerProcess(tmp_path / "log", redis=server.url, batch=250) as worker:
        said = worker.wait_for("partition stalled")
        assert said["reason"].startswith("the server is full, at its maxmemory")
        client.config_set("maxmemory", 1_000_000)  # far below: no buffer it frees makes room
        committed = client.hgetall("{sluicegate:0}:checkpoint")
        status, problems = worker.page("/readyz")
        assert status == 503
        assert "Partition 0 does not get on: the server is full" in problems
        assert worker.metric("sluicegate_partition_stalled", partition="0") == 1

        before = commands(client)
        time.sleep(4)
        assert commands(client) - before < 4 * 80  # half of it looks for partitions, four times a second
        assert client.hgetall("{sluicegate:0}:checkpoint") == committed
        client.config_set("maxmemory", 0)
        worker.wait_for("partition gets on")
        wait_until_applied(client, worker)
        assert worker.page("/readyz")[0] == 200
        assert len(worker.said("partition owned")) == 1  # it never let go, and loaded nothing again
        assert worker.terminate() == 0

    check_partition(client)
    check_replay(server.url)


def test_a_worker_that_waits_for_room_ends_when_it_is_told_to(
    server: Server, random: Random, tmp_path: Path
) -> None:
    """What was not committed is still in the input; the next worker applies it."""
    client = server.client()
    publish(client, make_load(random, wallets=["alpha"], agents=5, fills=2000, now_ms=now_ms(client)))
    fill_up(client, room=400_000)
    with WorkerProcess(tmp_path / "log", redis=server.url, batch=100) as worker:
        worker.wait_for("partition stalled")
        assert worker.terminate(10) == 0
        assert worker.sentences() == []
    client.config_set("maxmemory", 0)
    with WorkerProcess(tmp_path / "log", redis=server.url, name="next") as worker:
        wait_until_applied(client, worker)
        assert worker.terminate() == 0
    check_partition(client)
