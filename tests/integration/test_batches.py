"""The same inputs, cut into batches in any way, give the same bytes of state and outputs."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any, NamedTuple

import pytest

from handlers import INPUTS, OUTPUTS
from handlers.fleet import Fleet
from state.view import KINDS
from stream.keys import Keys
from stream.order import order_key
from stream.processor import Processor
from stream.repeats import Repeats
from stream.types import Entry
from tests.faults.checker import (
    check_journal,
    check_ledgers_balance,
    check_outputs_once,
    read_partition,
    stream,
)
from tests.faults.conftest import random
from tests.faults.history import History, Streams
from tests.faults.process import ROOT
from tests.faults.server import Server

__all__ = ["random"]  # a fixture

COUNT_BY_ONE = 10_000  # entries that a worker takes one by one, a commit for each


class Result(NamedTuple):
    """All that a worker leaves, as bytes."""

    state: dict[str, dict[bytes, bytes]]
    outputs: dict[str, list[bytes]]
    dead: list[dict[bytes, bytes]]
    checkpoint: dict[bytes, bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server for the tests of this file."""
    with Server(tmp_path_factory.mktemp("valkey"), {"appendonly": "no"}) as server:
        yield server


def preload(client: Any, prefix: str, streams: Streams) -> None:
    """Put a history into the input streams of a prefix, under its own ids."""
    keys = Keys(prefix, 0)
    for name, entries in streams.items():
        for start in range(0, len(entries), 1000):
            pipeline = client.pipeline(transaction=False)
            for entry_id, event in entries[start : start + 1000]:
                pipeline.execute_command("XADD", keys.input(name), entry_id, "event", event)
            pipeline.execute()


def start(server: Server, source: str, prefix: str, batch: int) -> "subprocess.Popen[bytes]":
    """Start a worker on a copy of a prefix's input."""
    client = server.client()
    for name in INPUTS:
        client.copy(Keys(source, 0).input(name), Keys(prefix, 0).input(name))
    return again(server, prefix, batch)


def again(server: Server, prefix: str, batch: int) -> "subprocess.Popen[bytes]":
    """Start a worker on a prefix that has its input already."""
    words = [sys.executable, "-m", "tests.faults.quiet", server.url, prefix, str(batch)]
    return subprocess.Popen(words, cwd=ROOT)


def result(server: Server, prefix: str) -> Result:
    """Read what a worker left, once it has ended well."""
    client, keys = server.client(), Keys(prefix, 0)
    checkpoint = client.hgetall(keys.checkpoint)
    # Who did it, under which epoch and in how many commits is all that may differ.
    for field in (b"owner", b"epoch", b"seq", b"taking"):
        del checkpoint[field]
    return Result(
        {kind: client.hgetall(keys.state(kind)) for kind in KINDS},
        {name: [fields[b"event"] for _, fields in stream(client, keys.output(name))] for name in OUTPUTS},
        [fields for _, fields in stream(client, keys.dead)],
        checkpoint,
    )


def assert_same(one: Result, other: Result) -> None:
    """Byte for byte; the first difference is shown."""
    for name, events in one.outputs.items():
        for ours, theirs in zip(events, other.outputs[name], strict=False):
            assert ours == theirs, name
        assert len(events) == len(other.outputs[name]), name
    for kind, entities in one.state.items():
        assert entities.keys() == other.state[kind].keys()
        for field, entity in entities.items():
            assert entity == other.state[kind][field], f"{kind} {field!r}"
    assert one.dead == other.dead
    assert one.checkpoint == other.checkpoint


def finish(processes: Sequence["subprocess.Popen[bytes]"], seconds: float = 850) -> None:
    """Wait until workers have done all and ended well."""
    deadline = time.monotonic() + seconds
    for process in processes:
        assert process.wait(max(deadline - time.monotonic(), 0.1)) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_batches_of_7_100_and_5000_say_and_leave_the_same(server: Server, random: Random, count: int) -> None:
    """Inputs of all five kinds; and so does one input at a time, in this process."""
    client = server.client()
    streams = History(random).make(count)
    source = f"all-{count}"
    preload(client, source, streams)
    with ExitStack() as stack:
        workers = {
            batch: stack.enter_context(_ended(start(server, source, f"{source}-by-{batch}", batch)))
            for batch in (5000, 7)
        }
        finish([workers[5000]])
        by_5000 = result(server, f"{source}-by-5000")
        worker = stack.enter_context(_ended(start(server, source, f"{source}-by-100", 100)))
        assert_same(by_5000, _one_by_one(streams))
        finish([worker, workers[7]])
        assert_same(by_5000, result(server, f"{source}-by-100"))
        assert_same(by_5000, result(server, f"{source}-by-7"))

    found = read_partition(client, 0, f"{source}-by-5000")
    assert not found.waiting
    check_outputs_once(found)
    check_journal(found)
    check_ledgers_balance(found)
    said = {event["type"].split(".")[1] for events in found.outputs.values() for event in events}
    assert said == EVENTS, "the history is not rich enough"
    outputs = {name: len(events) for name, events in found.outputs.items()}
    print(f"{len(found.inputs)} inputs, {len(found.dead)} dead letters, outputs {outputs}")  # noqa: T201  # figures


EVENTS = {
    *("wallet_balance_update", "wallet_transaction", "fund_allocation", "fund_collection", "farm_created"),
    *("agent_farm_assignment", "farm_performance_update", "farm_rebalance", "goal_created"),
    *("goal_assignment", "goal_progress_update", "goal_completed", "goal_failed", "emergency_stop"),
    *("emergency_resume", "risk_alert", "command_reply"),
}


@pytest.mark.long
def test_a_worker_that_is_killed_says_and_leaves_the_same(server: Server, random: Random) -> None:
    """What is loaded after a kill goes on as what was in memory would have, in all that a fleet does."""
    client = server.client()
    preload(client, "kills", History(random).make(30_000))
    finish([start(server, "kills", "unharmed", 1000)])
    worker = start(server, "kills", "harmed", 100)
    for kill in range(1, 11):
        with _ended(worker):
            _wait_for_seq(client, "harmed", kill * random.randrange(12, 20), worker)
        worker = again(server, "harmed", 100)
    with _ended(worker):
        finish([worker])

    assert_same(result(server, "unharmed"), result(server, "harmed"))


@pytest.mark.slow
def test_batches_of_1_say_and_leave_the_same(server: Server, random: Random) -> None:
    """One entry of a stream to a look, one look to a commit."""
    client = server.client()
    preload(client, "first", History(random).make(COUNT_BY_ONE))
    begin = time.monotonic()
    with _ended(start(server, "first", "first-by-1", 1)) as by_one:
        finish([start(server, "first", "first-by-5000", 5000)])
        finish([by_one])
    took = time.monotonic() - begin

    assert_same(result(server, "first-by-5000"), result(server, "first-by-1"))
    commits = int(client.hget(Keys("first-by-1", 0).checkpoint, "seq"))
    print(f"{COUNT_BY_ONE} entries in {commits} commits, {took:.1f} s")  # noqa: T201  # figures
    assert commits > COUNT_BY_ONE / 5


def _one_by_one(streams: Streams) -> Result:
    """Apply every entry as a batch of its own, in this process."""
    entries = sorted(
        (
            Entry(INPUTS.index(name), entry_id.encode(), event)
            for name, entries in streams.items()
            for entry_id, event in entries
        ),
        key=order_key,
    )
    nothing = [0] * len(INPUTS)
    processor = Processor(Keys("any", 0), Fleet(), Repeats(), [b"0-0"] * len(INPUTS), nothing)
    done = Result({kind: {} for kind in KINDS}, {name: [] for name in OUTPUTS}, [], {b"schema": b"1"})
    for entry in entries:
        outcome = processor.process([entry])
        for kind, changes in outcome.state.items():
            done.state[kind].update((field.encode(), value) for field, value in changes.written.items())
            for field in changes.removed:
                del done.state[kind][field.encode()]
        for name, event in outcome.outputs:
            done.outputs[name].append(event)
        for letter in outcome.dead:
            fields = {"stream": letter.stream, "reason": letter.reason, "detail": letter.detail}
            encoded = {name.encode(): text.encode() for name, text in fields.items()}
            done.dead.append({**encoded, b"id": letter.id, b"event": letter.event})
    for name, position, applied in zip(INPUTS, processor.positions, processor.applied, strict=True):
        done.checkpoint[f"in:{name}".encode()] = position
        done.checkpoint[f"in:{name}:applied".encode()] = str(applied).encode()
    return done


def _wait_for_seq(client: Any, prefix: str, seq: int, worker: "subprocess.Popen[bytes]") -> None:
    key = Keys(prefix, 0).checkpoint
    while int(client.hget(key, "seq") or 0) < seq and worker.poll() is None:
        time.sleep(0.005)


@contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """Kill a process, which this test started, where the block ends before it does."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
