"""Sentinels see a master die and make its replica the master: the worker asks them, and goes on."""

import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from redis.exceptions import ConnectionError  # noqa: A004  # the one that is meant here

from tests.faults.checker import check_partition
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, check_replay, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.server import Server, free_port, now_ms, wait_until
from tests.support.programs import EACH_AT_LENGTH, Program


@pytest.mark.parametrize("program", EACH_AT_LENGTH)
def test_a_master_is_killed(random: Random, tmp_path: Path, program: Program) -> None:
    """With commits that wait for a replica: what was applied stays, what comes next is applied once."""
    port = free_port()
    with ExitStack() as stack:
        master = stack.enter_context(Server(tmp_path / "master", program=program))
        settings = {"replicaof": f"127.0.0.1 {master.port}", "repl-diskless-sync-delay": "0"}
        replica = stack.enter_context(Server(tmp_path / "replica", settings, program=program))
        client = replica.client()
        wait_until(lambda: client.execute_command("ROLE")[3] == b"connected", 20, "the replica follows")
        config = tmp_path / "sentinel.conf"
        config.write_text(
            f"port {port}\ndir {tmp_path}\nsentinel monitor main 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n",
            encoding="utf-8",
        )
        words = [program.path, str(config), "--sentinel"]
        sentinel = stack.enter_context(subprocess.Popen(words, stdout=subprocess.DEVNULL))
        stack.callback(sentinel.kill)
        load = make_load(random, wallets=["alpha"], agents=5, fills=1000, now_ms=now_ms(master.client()))
        publish(master.client(), load)
        worker = stack.enter_context(
            WorkerProcess(
                tmp_path / "log",
                redis=f"redis+sentinel://127.0.0.1:{port}/main",
                name="w",
                durability="replicated",
            )
        )
        wait_until_applied(master.client(), worker)
        # The new master has no replica: from here on a commit can count only as it is.
        assert worker.terminate() == 0
        worker = stack.enter_context(
            WorkerProcess(tmp_path / "log", redis=f"redis+sentinel://127.0.0.1:{port}/main", name="w")
        )
        worker.wait_for("partition owned")

        master.kill()
        worker.wait_for("server away")
        wait_until(lambda: role_of(client) == b"master", 30, "the replica is the master")
        worker.wait_for("partition owned", times=2)
        more = make_load(random, wallets=["beta"], agents=5, fills=500, now_ms=now_ms(client))
        publish(client, more)
        wait_until_applied(client, worker)
        assert worker.terminate() == 0
        check_partition(client)
        check_replay(replica.url)


def role_of(client: Any) -> bytes | None:
    """What a server is; a server that changes what it is closes its connections."""
    with suppress(ConnectionError):
        role: bytes = client.execute_command("ROLE")[0]
        return role
    return None
