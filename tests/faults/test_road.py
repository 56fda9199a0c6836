"""A worker whose road to the server is bad: it cannot know what became of its commits, and does it right."""

from pathlib import Path
from random import Random

import pytest

from tests.faults.checker import EpochWatch, check_partition
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, check_replay, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.road import bad_road
from tests.faults.server import Server, now_ms

EVERY = 8


@pytest.mark.slow
def test_replies_to_commits_are_dropped_cut_and_late(server: Server, random: Random, tmp_path: Path) -> None:
    """No output is there twice and none is missing, and nothing has to be loaded again for a lost reply."""
    client = server.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=20, fills=16_000, now_ms=now_ms(client))
    publish(client, load)
    with (
        bad_road(random, server.port, every=EVERY) as road,
        WorkerProcess(tmp_path / "log", redis=road.url, name="worker-1", batch=100) as worker,
    ):
        wait_until_applied(client, worker)
        assert worker.terminate() == 0
        fates = {fate: road.fates[fate] for fate in ("dropped", "cut", "late")}

    report = check_partition(client)
    print(f"{road.commits} commits, replies {fates}; {report}")  # noqa: T201  # figures
    assert all(fates.values()), "too few commits to show anything"
    assert EpochWatch(client).look().epoch == 1
    check_replay(server.url)
