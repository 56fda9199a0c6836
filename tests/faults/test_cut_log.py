"""Power fails in the middle of a write: the server comes back with its append-only file cut off somewhere."""

import shutil
from pathlib import Path
from random import Random

import pytest

from tests.faults.checker import check_partition
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, check_replay, wait_until_applied
from tests.faults.publishing import Publisher, publish_commands
from tests.faults.server import Server, now_ms, wait_until

CUTS = 12


@pytest.mark.slow
def test_a_log_cut_anywhere_holds_whole_commits_only(random: Random, tmp_path: Path) -> None:
    """Whatever is lost of its end, what is there obeys every law, and a worker goes on from it."""
    whole = tmp_path / "whole"
    with Server(whole) as server:
        client = server.client()
        load = make_load(random, wallets=["alpha", "beta"], agents=10, fills=3000, now_ms=now_ms(client))
        publish_commands(client, load.commands)
        with (
            WorkerProcess(tmp_path / "log", redis=server.url, batch=50) as worker,
            Publisher(server.client(), load.fills, "{sluicegate:0}:in:trade", a_second=2000) as publisher,
        ):
            worker.wait_for("partition owned")
            publisher.allow(len(load.fills))
            wait_until(lambda: publisher.rests, 60, "all is published")
            wait_until_applied(client, worker)
            assert worker.terminate() == 0
        seq = check_partition(client).found.checkpoint["seq"]
        server.stop()
    (log,) = whole.glob("appendonlydir/*.incr.aof")
    size = log.stat().st_size

    seen = set()
    for cut in range(CUTS):
        folder = tmp_path / f"cut-{cut}"
        shutil.copytree(whole, folder)
        offset = random.randrange(size // 10, size)
        with (folder / log.relative_to(whole)).open("r+b") as file:
            file.truncate(offset)
        with Server(folder) as server:
            report = check_partition(server.client())
            seen.add(int(report.found.checkpoint.get("seq", 0)))
            if cut < 2:
                with WorkerProcess(tmp_path / f"log-{cut}", redis=server.url) as worker:
                    wait_until_applied(server.client(), worker)
                    assert worker.terminate() == 0
                check_partition(server.client())
                check_replay(server.url)
    print(f"{size} bytes, {seq} commits; cut at {CUTS} places: {sorted(seen)}")  # noqa: T201  # figures
    assert len(seen) > 3, "the cuts fell into too few places to show anything"
