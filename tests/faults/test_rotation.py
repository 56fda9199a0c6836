"""A password is changed at the server before the worker's file has the-new-one."""

import time
from pathlib import Path
from random import Random

from tests.faults.checker import check_partition
from tests.faults.conftest import random
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.server import Server, now_ms, wait_until

__all__ = ["random"]  # a fixture

SENTENCE = "the server does not accept the name or password"


def test_an_old_password_is_removed_and_connections_are_cut(random: Random, tmp_path: Path) -> None:
    """It says so once, is not ready, tries with pauses, and goes on when the file has the-new-one."""
    file = tmp_path / "password"
    file.write_text("the-old-one\n", encoding="utf-8")
    with Server(tmp_path / "valkey", password="the-old-one") as server:  # noqa: S106  # its own
        client = server.client()  # it keeps its one connection, which is let in
        address = f"redis://127.0.0.1:{server.port}/0"
        with WorkerProcess(tmp_path / "log", redis=address, redis_password_file=file) as worker:
            worker.wait_for("partition owned")
            client.execute_command("ACL", "SETUSER", "default", "resetpass", ">the-new-one")
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            load = make_load(random, wallets=["alpha"], agents=5, fills=2000, now_ms=now_ms(client))
            publish(client, load)
            wait_until(lambda: worker.page("/readyz")[0] == 503, 10, "it is not ready")
            wait_until(lambda: SENTENCE in worker.page("/readyz")[1], 10, "it says why")

            def refusals() -> int:
                return int(client.info("stats")["acl_access_denied_auth"])

            before = refusals()
            time.sleep(3)
            assert 1 <= refusals() - before <= 15  # of one partition and of the look around
            assert worker.page("/healthz")[0] == 200
            assert worker.sentences() == []

            file.write_text("the-new-one\n", encoding="utf-8")
            worker.wait_for("server back")
            wait_until_applied(client, worker)
            wait_until(lambda: worker.page("/readyz")[0] == 200, 10, "it is ready")
            assert len(worker.said("server away")) == 1
            assert worker.terminate() == 0
            assert "the-old-one" not in worker.text()
            assert "the-new-one" not in worker.text()
        check_partition(client)
