"""Clusters and sentinels that speak TLS and ask for a certificate: the worker finds its way all the same."""

import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.cluster import cluster_in, home_of, wait_until_replaced
from tests.faults.process import WorkerProcess
from tests.faults.server import Server, free_port, wait_until
from tests.faults.test_sentinel import role_of
from tests.support.certificates import Certificates
from tests.support.programs import PROGRAMS

PROGRAM: Final = next((program for program in PROGRAMS if program.speaks_tls()), PROGRAMS[0])

pytestmark = pytest.mark.skipif(not PROGRAM.speaks_tls(), reason="no server that is here was built with TLS")


@pytest.mark.long
def test_a_cluster_through_tls(tmp_path: Path) -> None:
    """Nodes that are learnt from others are called through TLS too, with the certificate."""
    certificates = Certificates(tmp_path / "certificates")
    with cluster_in(tmp_path, PROGRAM, certificates.of_server()) as cluster:
        settings: dict[str, Any] = {"redis": cluster.encrypted_url, "partitions": 4, "production": True}
        with WorkerProcess(tmp_path / "log", **settings, **certificates.of_client()) as worker:
            worker.wait_for("partition owned", times=4)
            old = cluster.server_of(home_of())
            with cluster.replica_of(home_of()).client() as replica:
                replica.execute_command("CLUSTER FAILOVER")
            wait_until_replaced(cluster, home_of(), old)
            worker.wait_for("partition owned", times=2, partition=0)
            assert worker.terminate() == 0


@pytest.mark.long
def test_sentinels_through_tls(tmp_path: Path) -> None:
    """The sentinels, the master they name and the one that follows it."""
    certificates = Certificates(tmp_path / "certificates")
    ports = [free_port() for _ in range(3)]
    settings = [
        {"tls-port": str(port), "tls-replication": "yes", **certificates.of_server()} for port in ports
    ]
    with ExitStack() as stack:
        master = stack.enter_context(Server(tmp_path / "master", settings[0], program=PROGRAM))
        settings[1] |= {"replicaof": f"127.0.0.1 {ports[0]}", "repl-diskless-sync-delay": "0"}
        replica = stack.enter_context(Server(tmp_path / "replica", settings[1], program=PROGRAM))
        client = replica.client()
        wait_until(lambda: client.execute_command("ROLE")[3] == b"connected", 20, "the replica follows")
        config = tmp_path / "sentinel.conf"
        lines = [f"{name} {value}" for name, value in settings[2].items()]
        lines += ["port 0", f"dir {tmp_path}", f"sentinel monitor main 127.0.0.1 {ports[0]} 1"]
        lines += ["sentinel down-after-milliseconds main 500", "sentinel failover-timeout main 5000"]
        config.write_text("\n".join(lines), encoding="utf-8")
        words = [PROGRAM.path, str(config), "--sentinel"]
        sentinel = stack.enter_context(subprocess.Popen(words, stdout=subprocess.DEVNULL))
        stack.callback(sentinel.kill)
        address = f"rediss+sentinel://127.0.0.1:{ports[2]}/main"
        wait_until(lambda: _is_there(config), 20, "the sentinel knows the replica")
        worker = stack.enter_context(
            WorkerProcess(tmp_path / "log", redis=address, **certificates.of_client())
        )
        worker.wait_for("partition owned")

        master.kill()
        worker.wait_for("server away")
        wait_until(lambda: role_of(client) == b"master", 30, "the replica is the master")
        worker.wait_for("partition owned", times=2)
        assert worker.terminate() == 0


def _is_there(config: Path) -> bool:
    """Whether a sentinel has written down that there is a replica."""
    return "known-replica main" in config.read_text(encoding="utf-8")
