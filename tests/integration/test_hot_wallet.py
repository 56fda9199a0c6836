"""One wallet has nine tenths of the traffic: the others of its partition wait for what came before."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.faults.checker import check_partition
from tests.faults.commits import Commit, read_commits
from tests.faults.conftest import random
from tests.faults.load import Load, make_load
from tests.faults.process import WorkerProcess, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.server import Server, now_ms

__all__ = ["random"]  # a fixture

FILLS = 6000
BATCH = 250


def test_a_hot_wallet_starves_no_other(random: Random, tmp_path: Path) -> None:
    """
    A fill's outputs become visible with what came before it and less than a batch of what came after.

    The commits are told apart in the server's own log. A batch is at most what one look brings
    (``batch``) and what was held back of the one before, which is less.
    """
    with Server(tmp_path / "valkey") as server:
        client = server.client()
        load = hot_and_cold(random, now_ms(client))
        publish(client, Load(load.commands, load.fills[: FILLS // 2]))
        with WorkerProcess(tmp_path / "log", redis=server.url, batch=BATCH) as worker:
            worker.wait_for("partition owned")
            publish(client, Load([], load.fills[FILLS // 2 :]))
            wait_until_applied(client, worker)
            assert worker.terminate() == 0
        found = check_partition(client).found
        server.stop()

    fills = [one.id for one in found.inputs if one.stream == "in:trade"]
    assert len(fills) == FILLS
    places = {entry_id: place for place, entry_id in enumerate(fills, 1)}
    told: set[int] = set()
    beyond = before = 0
    for commit in read_commits(tmp_path / "valkey"):
        assert commit.applied - before < 2 * BATCH
        for place in {places[fill] for fill in cold_fills(commit)}:
            assert before < place <= commit.applied, "it waited while others were applied"
            assert place not in told
            told.add(place)
            beyond = max(beyond, commit.applied - place)
        before = commit.applied
    print(f"{len(told)} cold fills; at most {beyond} entries beyond one were applied with it")  # noqa: T201
    # All but repeats and faulty ones.
    assert len(told) > 0.9 * FILLS / 10


def cold_fills(commit: Commit) -> Iterator[str]:
    """Entry ids of the fills of the others whose outputs a commit brought."""
    for event in commit.outputs:
        _, stream, entry_id, _ = event["id"].split("/")
        if stream == "in:trade" and event["source"].startswith("/sluicegate/cold-"):
            yield entry_id


def hot_and_cold(random: Random, now: int) -> Load:
    """Make fills of one wallet, and one in ten of three others, at random places among them."""
    hot = make_load(random, wallets=["hot"], agents=4, fills=FILLS * 9 // 10, now_ms=now, conflation="0s")
    others = ["cold-1", "cold-2", "cold-3"]
    cold = make_load(random, wallets=others, agents=9, fills=FILLS // 10, now_ms=now, conflation="0s")
    turns = [iter(hot.fills)] * len(hot.fills) + [iter(cold.fills)] * len(cold.fills)
    random.shuffle(turns)
    return Load(hot.commands + cold.commands, [next(turn) for turn in turns])
