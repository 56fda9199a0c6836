"""What a worker leaves behind in its log: a line for each change of state, and no bare traceback."""

import json
import os
import signal
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.conftest import random, server
from tests.faults.load import make_load
from tests.faults.process import WorkerProcess, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.server import Server, now_ms

__all__ = ["random", "server"]  # fixtures


def lines(worker: WorkerProcess) -> list[dict[str, Any]]:
    """All it wrote; every line is a JSON object."""
    return [json.loads(line) for line in worker.text().splitlines()]


def test_a_life_reads_as_a_story(server: Server, random: Random, tmp_path: Path) -> None:
    """Start, serving, a bad input, an outage, back, and the end by SIGTERM: one line each, in order."""
    client = server.client()
    load = make_load(random, wallets=["alpha"], agents=5, fills=100, now_ms=now_ms(client))
    with WorkerProcess(tmp_path / "log", redis=server.url, name="w1") as worker:
        publish(client, load)
        wait_until_applied(client, worker)
        bad = client.xadd(
            "{sluicegate:0}:in:trade", {"event": '{"id":"x","wallet":"alpha","agent":"nobody"}'}
        )
        worker.wait_for("dead letters", entry=bad.decode())
        server.stop()  # in order: killed on a slow disk it may forget the last commit, which comes again
        worker.wait_for("partition not served")
        server.start()
        worker.wait_for("server back")
        worker.wait_for("partition owned", epoch=2)
        assert worker.terminate() == 0

        story = lines(worker)
        assert worker.sentences() == []

    # The load may have bad inputs too.
    assert [event for event, _ in groupby(line["event"] for line in story)] == [
        "starting",
        "metrics",
        "partition taken",
        "partition owned",
        "dead letters",
        "server away",
        "partition not served",
        "server back",
        "partition taken",
        "partition owned",
        "stopping",
        "partition not served",
        "stopped",
    ]
    assert {line["worker"] for line in story} == {"w1"}
    assert all(line["timestamp"].endswith("Z") and line["level"] for line in story)
    said = {line["event"]: line for line in story}  # the last of each
    assert said["starting"]["server"] == server.url
    assert said["dead letters"]["entry"] == bad.decode()
    assert said["dead letters"]["wallet"] == "alpha"
    assert said["dead letters"]["partition"] == 0
    assert said["server back"]["away_seconds"] > 0
    owned = said["partition owned"]
    assert (owned["wallets"], owned["agents"], owned["epoch"]) == (1, 5, 2)
    assert owned["load_seconds"] >= 0
    assert said["stopping"]["signal"] == "SIGTERM"
    assert said["partition not served"]["reason"] == "let go of it"


def test_a_lease_that_another_took_is_told_with_its_reason(server: Server, tmp_path: Path) -> None:
    """The one that slept says why it does not serve, and who does."""
    few: dict[str, object] = {"batch": 400}
    with (
        WorkerProcess(tmp_path / "first", redis=server.url, name="first", lease_ms=500, **few) as first,
        WorkerProcess(
            tmp_path / "second", redis=server.url, name="second", lease_ms=500, batch=400
        ) as second,
    ):
        first.wait_for("metrics")
        second.wait_for("metrics")
        both = {"first": first, "second": second}
        owner = server.client().hget("{sluicegate:0}:checkpoint", "owner")
        while owner is None:
            owner = server.client().hget("{sluicegate:0}:checkpoint", "owner")
        sleeper = both.pop(owner.decode())
        (other_name, other) = both.popitem()
        sleeper.wait_for("partition owned")
        os.kill(sleeper.process.pid, signal.SIGSTOP)
        other.wait_for("partition owned")
        os.kill(sleeper.process.pid, signal.SIGCONT)

        sleeper.wait_for("partition not served", reason=f"{other_name} holds it")
        reasons = [line["reason"] for line in sleeper.said("partition not served")]
        assert len(reasons) >= 2, "first why, then who serves it instead"
        assert not sleeper.said("server away"), "it was there all the time"
        assert [worker.terminate() for worker in (sleeper, other)] == [0, 0]
        assert sleeper.sentences() == other.sentences() == []


def test_a_password_is_in_no_line(tmp_path: Path) -> None:
    """Neither while all is well nor while the server is away."""
    with (
        Server(tmp_path / "valkey", password="hush-hush") as server,  # noqa: S106  # of this test's own server
        WorkerProcess(tmp_path / "log", redis=server.url) as worker,
    ):
        worker.wait_for("partition owned")
        server.kill()
        worker.wait_for("server away")
        assert worker.terminate() == 0

        assert "hush-hush" not in worker.text()


def test_a_broken_invariant_is_a_line_of_the_log_and_a_sentence(server: Server, tmp_path: Path) -> None:
    """State that cannot be read: a person gets one line, and whoever mends it the place in the code."""
    client = server.client()
    client.hset("{sluicegate:0}:state:wallets", "alpha", '{"id": "alpha", "cash": "no number"}')
    with WorkerProcess(tmp_path / "log", redis=server.url) as worker:
        assert worker.wait() == 1

        (sentence,) = worker.sentences()
        assert sentence.startswith("Error: A broken invariant ended the worker: ")
        (line,) = worker.said("broken invariant")
        assert "codec.py" in line["exception"]
        assert worker.said("stopped")[0]["level"] == "error"
        assert "Traceback" not in sentence
